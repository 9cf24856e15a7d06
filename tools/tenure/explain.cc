// `tenure explain`: why somebody may do something or not, and what stands behind a decision.
#include <simdjson.h>

#include "tools/tenure/api_client.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

using simdjson::dom::element;

struct Options {
  ServerOptions server;
  std::string org, user, action, space, type, position, as, as_of, at_least;
  bool json = false;
};

std::string_view text_of(element from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

// `a, b or c`.
std::string either(element list) {
  std::string joined;
  const simdjson::dom::array names = list.get_array();
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) joined += i + 1 == names.size() ? " or " : ", ";
    joined += std::string_view(names.at(i));
  }
  return joined;
}

void print(std::string_view line) { std::printf("%s\n", printable(std::string(line)).c_str()); }

void print_evidence(element list, std::string_view title) {
  if (list.get_array().size() == 0) return;
  print(title);
  for (const element each : list.get_array()) {
    print("  " + std::string(text_of(each, "rule")));
    const std::string_view position = text_of(each, "position");
    if (position.empty()) continue;
    std::string line = "    " + std::string(position);
    ((line += "  ") += text_of(each, "time")) += "  ";
    line += text_of(each, "command_type");
    if (const auto actor = text_of(each, "actor"); !actor.empty()) (line += " by ") += actor;
    if (const auto reason = text_of(each, "reason"); !reason.empty()) (line += ": ") += reason;
    print(line);
  }
}

void print_ways(element list, std::string_view title) {
  if (list.get_array().size() == 0) return;
  print(title);
  for (const element each : list.get_array()) {
    const std::string by = either(each["by"]);
    print("  " + std::string(text_of(each, "how")) + (by.empty() ? "" : ", by " + by));
  }
}

std::string in_place(element told) {
  const std::string_view space = text_of(told, "space");
  return space.empty() ? std::string() : " in space " + std::string(space);
}

void print_question(element told) {
  const bool allowed = told["allowed"];
  std::string line(text_of(told, "user"));
  line += allowed ? " may " : " may not ";
  line += std::string(text_of(told, "action")) + in_place(told);
  (line += " of ") += text_of(told, "org");
  if (const auto rulebook = text_of(told, "rulebook"); !rulebook.empty()) {
    const uint64_t version = told["version"];
    line += " (" + std::string(rulebook) + ", version " + std::to_string(version) + ")";
  }
  print(line);
  print_evidence(told["because"], "because");
  print_evidence(told["notes"], "but");
  print_ways(told["would_allow"], "what would allow it");
}

void print_outcome(element decision) {
  std::string line(text_of(decision, "position"));
  ((line += "  ") += text_of(decision, "command_type")) += " by ";
  ((line += text_of(decision, "actor")) += " in ") += text_of(decision, "org");
  (line += ", ") += text_of(decision, "time");
  if (const auto rulebook = text_of(decision, "rulebook"); !rulebook.empty()) {
    (line += ", under ") += rulebook;
  }
  print(line);
  if (const auto reason = text_of(decision, "reason"); !reason.empty()) {
    print("for the reason: " + std::string(reason));
  }
  element rejection;
  if (decision["rejection"].get(rejection) != simdjson::SUCCESS) {
    print("accepted");
  } else {
    print("refused: " + std::string(text_of(rejection, "code")) + ", " +
          std::string(text_of(rejection, "message")));
  }
}

void print_changes(element decision) {
  simdjson::dom::array events;
  if (decision["events"].get(events) != simdjson::SUCCESS) return;
  print(events.size() == 0 ? "what changed: nothing" : "what changed");
  for (const element each : events) {
    print("  " + std::string(text_of(each, "event_type")) + " " + to_cell(each["event"]));
  }
}

void print_decision(element told) {
  const element decision = told["decision"];
  print_outcome(decision);
  for (const element need : told["needs"].get_array()) {
    print("it needed " + std::string(text_of(need, "action")) + in_place(need));
  }
  print_evidence(told["because"], "because");
  print_evidence(told["notes"], "but");
  print_ways(told["would_allow"], "what would have allowed it");
  print_changes(decision);
}

int ask(const Options& options, std::string target, void (*print_for_people)(element)) {
  for (const auto& [name, value] :
       {std::pair("user", &options.user), std::pair("action", &options.action),
        std::pair("space", &options.space), std::pair("type", &options.type),
        std::pair("as", &options.as), std::pair("as_of", &options.as_of),
        std::pair("at_least", &options.at_least)}) {
    target = with_query(std::move(target), name, *value);
  }
  auto answer = ApiClient(options.server).get(target);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  print_answer(answer->body, options.json, print_for_people);
  return kExitOk;
}

void add_common(CLI::App& app, Options& options) {
  add_server_options(app, options.server);
  app.add_option("--as", options.as, "On whose behalf: user:alice");
  app.add_option("--at-least", options.at_least, "A position that the answer must have seen");
  app.add_flag("--json", options.json, "Print the answer as the server sent it");
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* check = app.add_subcommand("check", "Why somebody may do something, or may not");
  check->add_option("org", options->org)->required();
  check->add_option("user", options->user)->required();
  check->add_option("action", options->action, "Such as member.add or resource.read:job")
      ->required();
  check->add_option("--space", options->space, "The space; without it, the organization itself");
  check->add_option("--type", options->type, "The type, if the action does not name it");
  check->add_option("--as-of", options->as_of, "A version or a time");
  add_common(*check, *options);
  CLI::App* decision = app.add_subcommand("decision", "What stands behind a decision");
  decision->add_option("position", options->position, "Such as 0:41")->required();
  add_common(*decision, *options);
  return [options, check] {
    if (check->parsed()) {
      return ask(*options, "/v1/orgs/" + percent_encode(options->org) + "/explain", print_question);
    }
    return ask(*options, "/v1/decisions/" + percent_encode(options->position) + "/explain",
               print_decision);
  };
}

const Subcommand kExplain("explain", "Say why: of a question, or of a decision", configure);

}  // namespace
}  // namespace tenure
