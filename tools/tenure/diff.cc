// `tenure diff ORG --from --to`: who and what came, went or changed in an organization.
#include "tools/tenure/api_client.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

using simdjson::dom::element;

struct Options {
  ServerOptions server;
  std::string org, from, to, as, at_least;
  bool json = false;
};

std::string text_of(element from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::string moment_of(element told, std::string_view name) {
  const uint64_t version = told[name]["version"];
  return "version " + std::to_string(version) + " (" + text_of(told[name], "time") + ")";
}

// "+" of what came, "-" of what went, "~" of what changed.
void print_change(element change) {
  const bool came = change["was"].is_null(), went = change["is"].is_null();
  std::string line = came ? "+ " : went ? "- " : "~ ";
  (line += text_of(change, "kind")) += "  ";
  (line += text_of(change, "id")) += "  ";
  if (!came) line += text_of(change, "was");
  if (!came && !went) line += " -> ";
  if (!went) line += text_of(change, "is");
  if (const std::string position = text_of(change, "position"); !position.empty()) {
    line += "  by " + position;
  }
  std::printf("%s\n", printable(line).c_str());
}

void print_diff(element told) {
  std::printf("%s  from %s to %s\n", text_of(told, "org").c_str(), moment_of(told, "from").c_str(),
              moment_of(told, "to").c_str());
  const simdjson::dom::array changes = told["changes"];
  for (const element change : changes) print_change(change);
  if (changes.size() == 0) std::printf("nothing changed\n");
}

int run(const Options& options) {
  std::string target = "/v1/orgs/" + percent_encode(options.org) + "/diff";
  for (const auto& [name, value] :
       {std::pair("from", &options.from), std::pair("to", &options.to),
        std::pair("as", &options.as), std::pair("at_least", &options.at_least)}) {
    target = with_query(std::move(target), name, *value);
  }
  const auto answer = ApiClient(options.server).get(target);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  print_answer(answer->body, options.json, print_diff);
  return kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_server_options(app, options->server);
  app.add_option("org", options->org)->required();
  app.add_option("--from", options->from,
                 "A version such as 7, or a time such as 2026-11-23T14:21:00Z")
      ->required();
  app.add_option("--to", options->to, "A later one; without it, now");
  app.add_option("--as", options->as, "On whose behalf: user:alice");
  app.add_option("--at-least", options->at_least, "A position that the answer must have seen");
  app.add_flag("--json", options->json, "Print the answer as the server sent it");
  return [options] { return run(*options); };
}

const Subcommand kDiff("diff", "Show who and what came, went or changed between two moments",
                       configure);

}  // namespace
}  // namespace tenure
