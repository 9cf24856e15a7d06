// `tenure audit key|checkpoint|proof`: what a server has signed, and what follows from it.
#include "tools/tenure/api_client.h"
#include "tools/tenure/audit.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServerOptions server;
  uint32_t partition = 0;
  std::string position, size, from, to;
  bool all = false, json = false;
};
int keys(const Options& options) {
  const auto answer = ApiClient(options.server).get("/v1/checkpoints");
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  simdjson::dom::parser parser;
  simdjson::dom::element root = parser.parse(answer->body);
  for (const simdjson::dom::element each : root["checkpoints"].get_array()) {
    std::printf("%s\n", std::string(std::string_view(each["key"])).c_str());
  }
  return kExitOk;
}

// Pages of notes, until there are no more.
int checkpoints(const Options& options) {
  const std::string path = "/v1/checkpoints/" + std::to_string(options.partition);
  std::string from = options.all ? "0" : "";
  do {
    const auto answer = ApiClient(options.server).get(with_query(path, "from", from));
    if (!answer) return report(answer.error());
    if (answer->status != 200) return report_refusal(*answer);
    std::fwrite(answer->body.data(), 1, answer->body.size(), stdout);
    from = answer->next;
  } while (!from.empty());
  return kExitOk;
}

int prove(const Options& options) {
  std::string target = "/v1/proofs/";
  if (options.position.empty()) {
    target = with_query(target + "consistency", "partition", std::to_string(options.partition));
    target = with_query(with_query(target, "from", options.from), "to", options.to);
  } else {
    target = with_query(with_query(target + "inclusion", "position", options.position), "size",
                        options.size);
  }
  const auto answer = ApiClient(options.server).get(target);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  print_answer(answer->body, options.json);
  return kExitOk;
}

void add_partition(CLI::App& app, Options& options) {
  app.add_option("--partition", options.partition, "Of the log")->capture_default_str();
}

}  // namespace

void add_audit_key(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand(
      "key", "The public keys that a server signs with, as verifiers take them (--key FILE)");
  add_server_options(*app, options->server);
  app->final_callback([&chosen, options] { chosen = [options] { return keys(*options); }; });
}

void add_audit_checkpoint(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand("checkpoint", "The last signed head, as a signed note");
  add_server_options(*app, options->server);
  add_partition(*app, *options);
  app->add_flag("--all", options->all, "All that were signed, oldest first");
  app->final_callback([&chosen, options] { chosen = [options] { return checkpoints(*options); }; });
}

void add_audit_proof(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand("proof",
                                       "That a decision is covered by a head, or that one "
                                       "head's history goes on in another's");
  add_server_options(*app, options->server);
  auto* position = app->add_option("position", options->position, "The decision, such as 0:41");
  app->add_option("--size", options->size, "Of the head; without it, the latest")->needs(position);
  add_partition(*app, *options);
  auto* from = app->add_option("--from", options->from, "Size of the older head");
  app->add_option("--to", options->to, "Of the newer one; without it, the latest")->needs(from);
  from->excludes(position);
  app->add_flag("--json", options->json, "Print the answer as the server sent it");
  app->parse_complete_callback([position, from] {
    if (position->count() + from->count() != 1) {
      throw CLI::ValidationError("name a decision, or the older head's size with --from");
    }
  });
  app->final_callback([&chosen, options] { chosen = [options] { return prove(*options); }; });
}

}  // namespace tenure
