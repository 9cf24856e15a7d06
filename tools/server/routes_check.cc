// POST /v1/check: may this user do that here? One question or a list of them.
#include <simdjson.h>

#include "engine/json/json_edge.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

constexpr size_t kMostQuestions = 1000;
using Questions = std::vector<CheckRequest>;  // into the parsed document

std::string_view* field_of(CheckRequest& question, std::string_view name) {
  if (name == "org") return &question.org;
  if (name == "space") return &question.space;
  if (name == "user") return &question.user;
  if (name == "action") return &question.action;
  if (name == "type") return &question.type;
  return nullptr;
}

Result<CheckRequest> parse_question(simdjson::dom::element element) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return fail(ErrorKind::kInvalid, R"(a check is an object: {"org","space","user","action"})");
  }
  CheckRequest question;
  for (auto [name, value] : object) {
    std::string_view* field = field_of(question, name);
    if (field == nullptr || value.get(*field) != simdjson::SUCCESS) {
      return fail(ErrorKind::kInvalid,
                  "a check takes org, space, user, action and type, all text; "
                  "not this: " +
                      std::string(name));
    }
  }
  question.user = bare_user(question.user);
  if (question.org.empty() || question.user.empty() || question.action.empty()) {
    return fail(ErrorKind::kInvalid, "a check must name org, user and action");
  }
  return question;
}

Result<Questions> parse_questions(simdjson::dom::element root) {
  simdjson::dom::array list;
  if (root.get(list) != simdjson::SUCCESS) return Questions{TRY(parse_question(root))};
  if (list.size() > kMostQuestions) {
    return fail(ErrorKind::kInvalid, "a list of checks may have at most 1000; send several");
  }
  Questions questions;
  for (simdjson::dom::element element : list) questions.push_back(TRY(parse_question(element)));
  return questions;
}

void append_answer(const CheckAnswer& answer, std::string& out) {
  out += answer.allowed ? R"({"allowed":true,"because":[)" : R"({"allowed":false,"because":[)";
  for (const CheckReason& reason : answer.because) {
    if (out.back() != '[') out += ',';
    out += R"({"rule":)";
    append_json_string(reason.rule, out);
    if (answer.allowed) {
      out += R"(,"position":)";
      append_json_string(format_position({{}, {reason.number}}), out);
    }
    out += '}';
  }
  out += "]}";
}

Result<CheckAnswer> answer_one(Api& api, const RowView& view, const ReadRequest& request,
                               const CheckRequest& question) {
  const Rulebooks& rulebooks = api.host.rulebooks();
  if (!request.as_of) {
    return check({view, rulebooks, request.viewer, SystemClock().now()}, question);
  }
  PastOrganization past = TRY(api.host.as_of(view, question.org, *request.as_of));
  return check({*past.rows, rulebooks, request.viewer, past.time}, question);
}

Result<std::string> answer_all(Api& api, const ReadRequest& request, std::string_view body) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (auto error = parser.parse(body.data(), body.size()).get(root)) {
    return fail(ErrorKind::kInvalid,
                std::string("the body is not JSON: ") + simdjson::error_message(error));
  }
  Questions questions = TRY(parse_questions(root));
  auto view = api.host.view();
  std::string out;
  bool list = root.is_array();
  if (list) out += '[';
  for (const CheckRequest& question : questions) {
    if (out.size() > 1) out += ',';
    append_answer(TRY(answer_one(api, *view, request, question)), out);
  }
  if (list) out += ']';
  return out;
}

void post_check(Api& api, const Request& request, QueryParameters parameters, Respond respond) {
  std::string_view type = media_type(request.content_type);
  if (type != kJson && !type.empty()) {
    return respond(problem(415, "unsupported_media_type", "send a check as application/json"));
  }
  auto read = parse_read({}, {}, std::move(parameters));
  if (!read) return respond(problem(read.error()));
  bool quick = !read->as_of;
  run_read(api, *read, quick, std::move(respond), [&api, read = *read, request] {
    Result<std::string> json = answer_all(api, read, request.body);
    return json ? Response{.body = *std::move(json)} : problem(json.error());
  });
}

}  // namespace

void add_check_routes(Router& router, Api& api) {
  router.add({.method = Method::kPost,
              .pattern = "/v1/check",
              .summary = "May this user do that here? One question, or a list",
              .access = Access::kKey,
              .parameters = {"at_least", "as_of"},
              .request_types = {kJson},
              .response_types = {kJson},
              .handler = [&api](const Request& request, const PathValues&,
                                QueryParameters parameters, Respond respond) {
                post_check(api, request, std::move(parameters), std::move(respond));
              }});
}

}  // namespace tenure
