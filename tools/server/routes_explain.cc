// Why: what lets somebody do something or keeps them from it, and what stands behind a decision.
#include "projections/explain.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

ExplainSources sources_of(Api& api, PartitionId partition) {
  return {.log = api.host.log(), .partition = partition, .catalog = api.host.catalog()};
}

Result<Response> explain_question(Api& api, const ReadRequest& request) {
  const CheckRequest question{.org = request.path[0],
                              .space = request.parameter("space"),
                              .user = bare_user(request.parameter("user")),
                              .action = request.parameter("action"),
                              .type = request.parameter("type")};
  if (question.user.empty() || question.action.empty()) {
    return fail(ErrorKind::kInvalid,
                "user and action must be named: ?user=bob&action=member.add, with space= for one");
  }
  return on_rows(api, request, [&](const QueryContext& context) -> Result<Response> {
    const auto sources = sources_of(api, api.host.partition_of(question.org));
    return Response{.body = TRY(explain_check(context, sources, question))};
  });
}

Result<Position> position_in(const Api& api, std::string_view text) {
  const auto position = parse_position(text);
  if (position && position->partition.value < api.host.partitions()) return *position;
  return fail(ErrorKind::kInvalid, "a decision is named by its position in this log, such as 0:41");
}

Result<Response> explain_one(Api& api, const ReadRequest& request) {
  const Position position = TRY(position_in(api, request.path[0]));
  return on_rows(api, request, [&](const QueryContext& context) -> Result<Response> {
    return Response{.body = TRY(explain_decision(context, sources_of(api, position.partition),
                                                 position.number.value, api.readers.stopping()))};
  });
}

// A decision that is in the log is one that the rows must have.
void see_decision(const Api& api, ReadRequest& request) {
  const auto position = position_in(api, request.path[0]);
  if (position && position->number < api.host.durable(position->partition)) {
    request.at_least = *position;
  }
}

void add(Router& router, Api& api, std::string_view pattern, std::string_view summary,
         std::vector<std::string_view> parameters,
         Result<Response> (*read)(Api&, const ReadRequest&)) {
  router.add(
      {.method = Method::kGet,
       .pattern = pattern,
       .summary = summary,
       .access = Access::kKey,
       .parameters = std::move(parameters),
       .request_types = {},
       .response_types = {kJson},
       .handler = [&api, read, pattern](const Request& asked, PathValues path,
                                        QueryParameters parameters, Respond respond) {
         auto request = parse_read(pattern, std::move(path), std::move(parameters), asked.caller);
         if (!request) return respond(problem(request.error()));
         if (read == explain_one && !request->at_least) see_decision(api, *request);
         run_read(api, *request, false, std::move(respond), [&api, read, request = *request] {
           Result<Response> response = read(api, request);
           return response ? *std::move(response) : problem(response.error());
         });
       }});
}

}  // namespace

void add_explain_routes(Router& router, Api& api) {
  add(router, api, "/v1/orgs/{org}/explain", "Why somebody may do something in it, or may not",
      {"as", "at_least", "as_of", "user", "action", "space", "type"}, explain_question);
  add(router, api, "/v1/decisions/{position}/explain",
      "A decision, and by what authority or against which rule it was asked for",
      {"as", "at_least"}, explain_one);
}

}  // namespace tenure
