// `tenure check ORG USER ACTION`: may they? Ends with 0 if so, 1 if not.
#include "engine/json/json_edge.h"
#include "tools/tenure/api_client.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServerOptions server;
  std::string org, user, action, space, type, as_of, at_least;
  bool json = false;
};

std::string question(const Options& options) {
  std::string body = "{";
  auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (body.size() > 1) body += ',';
    append_json_string(name, body);
    body += ':';
    append_json_string(value, body);
  };
  add("org", options.org);
  add("space", options.space);
  add("user", options.user);
  add("action", options.action);
  add("type", options.type);
  return body + "}";
}

int run(const Options& options) {
  std::string target = "/v1/check";
  for (const auto& [name, value] :
       {std::pair("as_of", &options.as_of), std::pair("at_least", &options.at_least)}) {
    target = with_query(std::move(target), name, *value);
  }
  auto answer = ApiClient(options.server).post(target, "application/json", question(options));
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  print_answer(answer->body, options.json);
  bool allowed = answer->body.starts_with(R"({"allowed":true)");
  return allowed ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_server_options(app, options->server);
  app.add_option("org", options->org)->required();
  app.add_option("user", options->user)->required();
  app.add_option("action", options->action, "Such as member.add or resource.read:job")->required();
  app.add_option("--space", options->space, "The space; without it, the organization itself");
  app.add_option("--type", options->type, "The type of resource, if the action does not name it");
  app.add_option("--as-of", options->as_of, "A version or a time");
  app.add_option("--at-least", options->at_least, "A position that the answer must have seen");
  app.add_flag("--json", options->json, "Print the answer as the server sent it");
  return [options] { return run(*options); };
}

const Subcommand kCheck("check", "Ask whether somebody may do something", configure);

}  // namespace
}  // namespace tenure
