// `tenure get WHAT ...`: every read of the API by a short name, or by its path.
#include <array>
#include <fstream>

#include "tools/tenure/api_client.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Read {
  std::string_view name;
  std::string_view path;  // each `{}` is filled with the next argument
};

constexpr std::array kReads = {
    Read{"org", "/v1/orgs/{}"},
    Read{"members", "/v1/orgs/{}/members"},
    Read{"member", "/v1/orgs/{}/members/{}"},
    Read{"groups", "/v1/orgs/{}/groups"},
    Read{"assignable-roles", "/v1/orgs/{}/assignable-roles"},
    Read{"spaces", "/v1/orgs/{}/spaces"},
    Read{"space", "/v1/orgs/{}/spaces/{}"},
    Read{"space-members", "/v1/orgs/{}/spaces/{}/members"},
    Read{"access", "/v1/orgs/{}/spaces/{}/access"},
    Read{"resources", "/v1/orgs/{}/spaces/{}/resources"},
    Read{"export", "/v1/orgs/{}/spaces/{}/export"},
    Read{"usage", "/v1/orgs/{}/spaces/{}/usage"},
    Read{"billing", "/v1/orgs/{}/spaces/{}/billing"},
    Read{"org-billing", "/v1/orgs/{}/billing"},
    Read{"plan-preview", "/v1/orgs/{}/spaces/{}/plan-preview?plan={}"},
    Read{"credits", "/v1/orgs/{}/spaces/{}/credits"},
    Read{"billing-log", "/v1/orgs/{}/spaces/{}/billing-log"},
    Read{"space-invoices", "/v1/orgs/{}/spaces/{}/invoices"},
    Read{"invoices", "/v1/orgs/{}/invoices"},
    Read{"invoice", "/v1/orgs/{}/invoices/{}"},
    Read{"command", "/v1/orgs/{}/commands/{}"},
    Read{"invitations", "/v1/orgs/{}/invitations"},
    Read{"space-roles", "/v1/orgs/{}/space-roles"},
    Read{"plans", "/v1/orgs/{}/plans"},
    Read{"user-invitations", "/v1/users/{}/invitations"},
    Read{"user-spaces", "/v1/users/{}/spaces"},
    Read{"user-organizations", "/v1/users/{}/organizations"},
    Read{"services", "/v1/services"},
    Read{"status", "/v1/status"},
};

struct Options {
  ServerOptions server;
  std::string what;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> query;
  std::string pdf;  // a file; empty: none
  bool json = false;
};

std::string names() {
  std::string list;
  for (const Read& read : kReads) list += (list.empty() ? "" : ", ") + std::string(read.name);
  return list;
}

// The pattern with its holes filled; as many arguments as holes.
Result<std::string> fill(std::string_view pattern, const std::vector<std::string>& arguments) {
  std::string path;
  std::string_view rest = pattern;
  size_t used = 0;
  for (size_t hole; (hole = rest.find("{}")) != std::string_view::npos; ++used) {
    if (used == arguments.size()) break;
    path += std::string(rest.substr(0, hole)) + percent_encode(arguments[used]);
    rest.remove_prefix(hole + 2);
  }
  if (used < arguments.size() || rest.find("{}") != std::string_view::npos) {
    return fail(ErrorKind::kInvalid, "one argument for each {} of " + std::string(pattern));
  }
  return path.append(rest);
}

Result<std::string> path_of(const Options& options) {
  if (options.what.starts_with('/')) return options.what;
  for (const Read& read : kReads) {
    if (read.name == options.what) return fill(read.path, options.arguments);
  }
  return fail(ErrorKind::kInvalid, "get knows " + names() + ", or a path such as /v1/orgs/acme");
}

int write_pdf(const HttpAnswer& answer, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << answer.body;
  file.close();
  if (file.good()) return kExitOk;
  return report({ErrorKind::kIo, "cannot write " + path});
}

int run(const Options& options) {
  auto path = path_of(options);
  if (!path) {
    report(path.error());
    return kExitUsage;
  }
  std::string target = *path;
  auto query = options.query;
  if (!options.pdf.empty()) query.emplace_back("format", "pdf");
  for (const auto& [name, value] : query) target = with_query(std::move(target), name, value);
  auto answer = ApiClient(options.server).get(target);
  if (!answer) return report(answer.error());
  if (answer->status != 200) return report_refusal(*answer);
  if (!options.pdf.empty()) return write_pdf(*answer, options.pdf);
  print_answer(answer->body, options.json);
  // Not among the lines, which are to be used as they are.
  if (!answer->next.empty()) {
    std::fprintf(stderr, "more with --cursor %s\n", answer->next.c_str());
  }
  return kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_server_options(app, options->server);
  app.add_option("what", options->what, "One of " + names() + "; or a path")->required();
  app.add_option("arguments", options->arguments, "The organization, then what is in it");
  options->query = {{"as", ""},     {"as_of", ""}, {"at_least", ""}, {"limit", ""},
                    {"cursor", ""}, {"actor", ""}, {"target", ""}};
  constexpr std::array kFlags = {"--as",     "--as-of", "--at-least", "--limit",
                                 "--cursor", "--actor", "--target"};
  for (size_t i = 0; i < kFlags.size(); ++i) {
    app.add_option(kFlags[i], options->query[i].second);
  }
  app.add_option("--pdf", options->pdf, "Write an invoice to this file, as PDF");
  app.add_flag("--json", options->json, "Print the answer as the server sent it");
  return [options] { return run(*options); };
}

const Subcommand kGet("get", "Read members, spaces, usage, billing, ... from a server", configure);

}  // namespace
}  // namespace tenure
