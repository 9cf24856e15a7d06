// POST /v1/check: may this user do that here? One question or a list of them.
#include <simdjson.h>

#include <map>
#include <memory>
#include <utility>

#include "engine/json/json_edge.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

constexpr size_t kMostQuestions = 10'000;
constexpr size_t kMostCheckBody = 8u << 20;
// So many are answered by the thread that serves the connection; others would wait for more.
constexpr size_t kMostAtOnce = 100;

// What was asked, in order; the texts lie in the parser's document.
struct Questions {
  simdjson::dom::parser parser;
  std::vector<CheckRequest> all;
  bool list = false;
};

std::string_view* field_of(CheckRequest& question, std::string_view name) {
  if (name == "org") return &question.org;
  if (name == "space") return &question.space;
  if (name == "user") return &question.user;
  if (name == "action") return &question.action;
  if (name == "type") return &question.type;
  return nullptr;
}

Result<void> take_field(CheckRequest& question, std::string_view name,
                        simdjson::dom::element value) {
  std::string_view* field = field_of(question, name);
  std::string_view text;
  if (field == nullptr || value.get(text) != simdjson::SUCCESS) {
    return fail(ErrorKind::kInvalid,
                "a check takes org, space, user, action and type, all text; not this: " +
                    std::string(name));
  }
  if (field->data() != nullptr) {
    return fail(ErrorKind::kInvalid, std::string(name) + " stands twice in a check");
  }
  if (text.empty()) {
    return fail(ErrorKind::kInvalid, std::string(name) +
                                         " must not be empty; a check without a space is about the "
                                         "organization itself");
  }
  *field = text;
  return {};
}

Result<CheckRequest> parse_question(simdjson::dom::element element) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return fail(ErrorKind::kInvalid, R"(a check is an object: {"org","space","user","action"})");
  }
  CheckRequest question;
  for (auto [name, value] : object) TRY(take_field(question, name, value));
  question.user = bare_user(question.user);
  if (question.org.empty() || question.user.empty() || question.action.empty()) {
    return fail(ErrorKind::kInvalid, "a check must name org, user and action");
  }
  return question;
}

Result<void> parse_questions(std::string_view body, Questions& questions) {
  questions.all.clear();
  simdjson::dom::element root;
  if (auto error = questions.parser.parse(body.data(), body.size()).get(root)) {
    return fail(ErrorKind::kInvalid,
                std::string("the body is not JSON: ") + simdjson::error_message(error));
  }
  simdjson::dom::array list;
  questions.list = root.get(list) == simdjson::SUCCESS;
  if (!questions.list) {
    questions.all.push_back(TRY(parse_question(root)));
    return {};
  }
  if (list.size() > kMostQuestions) {
    return fail(ErrorKind::kInvalid, "a list of checks may have at most 10000; send several");
  }
  for (simdjson::dom::element each : list) questions.all.push_back(TRY(parse_question(each)));
  return {};
}

// The organization that all of them are about; empty if there are several.
std::string common_org(const Questions& questions) {
  std::string_view org = questions.all.empty() ? "" : questions.all.front().org;
  for (const CheckRequest& each : questions.all) {
    if (each.org != org) return {};
  }
  return std::string(org);
}

void append_answer(const CheckAnswer& answer, PartitionId partition, std::string& out) {
  out += answer.allowed ? R"({"allowed":true,"because":[)" : R"({"allowed":false,"because":[)";
  for (const CheckReason& reason : answer.because) {
    if (out.back() != '[') out += ',';
    out += R"({"rule":)";
    append_json_string(reason.rule, out);
    if (answer.allowed) {
      out += R"(,"position":)";
      append_json_string(format_position({partition, {reason.number}}), out);
    }
    out += '}';
  }
  out += "]}";
}

using Answers = std::vector<CheckAnswer>;  // in the order of the questions

Result<Answers> answer_now(Api& api, const ReadRequest& request, const Questions& questions) {
  auto view = api.host.view();
  const QueryContext context = live_context(api, *view, request);
  Answers answers;
  for (const CheckRequest& question : questions.all) {
    answers.push_back(TRY(check(context, question)));
  }
  return answers;
}

// Organization by organization, so that each is put together once and one is kept at a time.
Result<Answers> answer_as_of(Api& api, const ReadRequest& request, const Questions& questions) {
  std::map<std::string_view, std::vector<size_t>> by_org;
  for (size_t i = 0; i < questions.all.size(); ++i) by_org[questions.all[i].org].push_back(i);
  if (by_org.size() > kMostPastOrganizations) {
    return fail(ErrorKind::kInvalid,
                "checks with as_of may be about 16 organizations at most; send several requests");
  }
  auto view = api.host.view();
  Answers answers(questions.all.size());
  const QueryContext live = live_context(api, *view, request);
  for (const auto& [org, places] : by_org) {
    TRY(need_visible(live, org));
    const PastOrganization past =
        TRY(api.host.as_of(*view, org, *request.as_of, api.readers.stopping()));
    const QueryContext context{.rows = *past.rows,
                               .rulebooks = live.rulebooks,
                               .viewer = live.viewer,
                               .now = past.time,
                               .live_rows = &*view,
                               .compiled = live.compiled};
    for (const size_t i : places) answers[i] = TRY(check(context, questions.all[i]));
  }
  return answers;
}

Result<std::string> answer_all(Api& api, const ReadRequest& request, const Questions& questions) {
  const Answers answers = TRY((request.as_of ? answer_as_of : answer_now)(api, request, questions));
  std::string out;
  if (questions.list) out += '[';
  for (size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) out += ',';
    append_answer(answers[i], api.host.partition_of(questions.all[i].org), out);
  }
  if (questions.list) out += ']';
  return out;
}

Response to_response(Result<std::string> json) {
  return json ? Response{.body = *std::move(json)} : problem(json.error());
}

void post_check(Api& api, const Request& request, QueryParameters parameters, Respond respond) {
  std::string_view type = media_type(request.content_type);
  if (type != kJson && !type.empty()) {
    return respond(problem(415, "unsupported_media_type", "send a check as application/json"));
  }
  if (request.body.size() > kMostCheckBody) {
    return respond(problem(413, "too_large", "checks may have at most 8 MiB; send several"));
  }
  auto read = parse_read({}, {}, std::move(parameters), request.caller);
  if (!read) return respond(problem(read.error()));
  // Its memory is used again: nearly all are answered before the next are read.
  thread_local Questions questions;
  if (auto parsed = parse_questions(request.body, questions); !parsed) {
    return respond(problem(parsed.error()));
  }
  read->org = common_org(questions);
  if (!read->as_of && questions.all.size() <= kMostAtOnce) {
    const auto answer = [&] { return to_response(answer_all(api, *read, questions)); };
    if (auto now = read_at_once(api, *read, std::ref(answer))) return respond(*std::move(now));
  }
  auto kept = std::make_shared<const Questions>(std::exchange(questions, Questions()));
  const ReadRequest& asked = *read;
  run_read(api, asked, std::move(respond),
           [&api, asked, kept] { return to_response(answer_all(api, asked, *kept)); });
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
