// Why: what lets somebody do something or keeps them from it, and what stands behind a decision.
#include "projections/explain/explain.h"
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
  if (request.at_least) return;
  const auto position = position_in(api, request.path[0]);
  if (position && position->number < api.host.durable(position->partition)) {
    request.at_least = *position;
  }
}

}  // namespace

void add_explain_routes(Router& router, Api& api) {
  add_read(router, api,
           {.pattern = "/v1/orgs/{org}/explain",
            .summary = "Why somebody may do something in it, or may not",
            .parameters = {"as", "at_least", "as_of", "user", "action", "space", "type"},
            .response_types = {kJson},
            .read = explain_question});
  add_read(router, api,
           {.pattern = "/v1/decisions/{position}/explain",
            .summary = "A decision, and by what authority or against which rule it was asked for",
            .parameters = {"as", "at_least"},
            .response_types = {kJson},
            .read = explain_one,
            .prepare = see_decision});
}

}  // namespace tenure
