// `tenure history ORG`: what was decided about an organization, or about one thing in it.
#include <simdjson.h>

#include "tools/tenure/api_client.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServerOptions server;
  std::string org, entity, as, as_of, at_least, limit = "100", cursor;
  bool json = false;
};

std::string text_of(simdjson::dom::element element, std::string_view name) {
  std::string_view text;
  return element[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

void print_decisions(simdjson::dom::element root) {
  for (simdjson::dom::element decision : root["decisions"]) {
    std::string_view code;
    if (decision["rejection"]["code"].get(code) != simdjson::SUCCESS) code = "accepted";
    std::printf("%s  %s  %s  %s  %s\n", text_of(decision, "position").c_str(),
                text_of(decision, "time").c_str(), text_of(decision, "actor").c_str(),
                text_of(decision, "command_type").c_str(), std::string(code).c_str());
  }
  if (std::string next = text_of(root, "next"); !next.empty()) {
    std::printf("more with --cursor %s\n", next.c_str());
  }
}

int run(const Options& options) {
  std::string target = "/v1/orgs/" + percent_encode(options.org) + "/history";
  for (const auto& [name, value] :
       {std::pair("limit", &options.limit), std::pair("entity", &options.entity),
        std::pair("as", &options.as), std::pair("as_of", &options.as_of),
        std::pair("at_least", &options.at_least), std::pair("cursor", &options.cursor)}) {
    target = with_query(std::move(target), name, *value);
  }
  auto answer = ApiClient(options.server).get(target);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  print_answer(answer->body, options.json, print_decisions);
  return kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_server_options(app, options->server);
  app.add_option("org", options->org)->required();
  app.add_option("--entity", options->entity,
                 "user:bob, service:x, group:g, space:s or resource:s/r");
  app.add_option("--as", options->as, "On whose behalf: user:alice");
  app.add_option("--as-of", options->as_of, "Up to this version or time");
  app.add_option("--at-least", options->at_least, "A position that the answer must have seen");
  app.add_option("--limit", options->limit)->capture_default_str();
  app.add_option("--cursor", options->cursor);
  app.add_flag("--json", options->json, "Print the answer as the server sent it");
  return [options] { return run(*options); };
}

const Subcommand kHistory("history", "Show what was decided", configure);

}  // namespace
}  // namespace tenure
