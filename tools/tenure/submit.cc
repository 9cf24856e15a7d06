// `tenure submit`: commands to a server, one from the arguments or many from a file.
#include <simdjson.h>

#include <cstdio>
#include <istream>
#include <map>
#include <random>

#include "engine/json/json_edge.h"
#include "tools/tenure/api_client.h"
#include "tools/tenure/command_file.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

constexpr size_t kMostBytesARequest = 4u << 20;
constexpr int kTaken = 200;

struct Options {
  ServerOptions server;
  std::string file, type, org, actor, id;
  std::vector<std::string> fields;
  std::string expected_version, reason;
  bool json = false;
};

// RFC 9562, version 4.
std::string random_uuid() {
  std::random_device random;
  std::string uuid;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) uuid += '-';
    unsigned digit = random() & 15;
    if (i == 12) digit = 4;
    if (i == 16) digit = 8 | (digit & 3);
    uuid += kDigits[digit];
  }
  return uuid;
}

void append_member(std::string_view name, std::string_view text, std::string& out) {
  if (!out.ends_with('{')) out += ',';
  append_json_string(name, out);
  out += ':';
  append_json_string(text, out);
}

// `name=text`, or `name:=json` for what is not text.
Result<std::string> fields_json(const std::vector<std::string>& fields) {
  std::string out = "{";
  for (const std::string& field : fields) {
    size_t equals = field.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorKind::kInvalid, "a field is name=text or name:=json, not " + field);
    }
    std::string value = field.substr(equals + 1);
    if (field[equals - 1] != ':') {
      append_member(field.substr(0, equals), value, out);
      continue;
    }
    if (!out.ends_with('{')) out += ',';
    append_json_string(field.substr(0, equals - 1), out);
    out += ':' + value;
  }
  return out + "}";
}

Result<std::string> command_json(const Options& options) {
  std::string out = "{";
  append_member("id", options.id.empty() ? random_uuid() : options.id, out);
  append_member("org", options.org, out);
  if (!options.actor.empty()) append_member("actor", options.actor, out);
  append_member("command_type", options.type, out);
  if (!options.reason.empty()) append_member("reason", options.reason, out);
  if (!options.expected_version.empty()) {
    out += R"(,"expected_version":)" + options.expected_version;
  }
  return out + R"(,"command":)" + TRY(fields_json(options.fields)) + "}";
}

int submit_one(const Options& options) {
  auto command = command_json(options);
  if (!command) {
    report(command.error());
    return kExitUsage;
  }
  auto answer = ApiClient(options.server).post("/v1/commands", "application/json", *command);
  if (!answer) return report(answer.error());
  bool undecided = answer->status == 401 || answer->status >= 500;
  if (undecided) return report_refusal(*answer);
  print_answer(answer->body, options.json);
  return answer->status == 200 ? kExitOk : kExitRefused;
}

struct Counts {
  size_t accepted = 0, others = 0;
  std::map<std::string, size_t> codes;

  void add(std::string_view line) {
    simdjson::dom::parser parser;
    simdjson::dom::element answer = parser.parse(line.data(), line.size());
    std::string_view code;
    if (answer["rejection"]["code"].get(code) == simdjson::SUCCESS) {
      ++others;
      ++codes[std::string(code)];
    } else {
      ++accepted;
    }
  }
};

// Sends what was gathered; prints or counts the decisions, if the server took the lines.
Result<HttpAnswer> flush(const Options& options, std::string& lines, Counts& counts) {
  HttpAnswer answer =
      TRY(ApiClient(options.server).post("/v1/commands", "application/x-ndjson", lines));
  if (answer.status != kTaken) return answer;
  lines.clear();
  if (options.json) std::fwrite(answer.body.data(), 1, answer.body.size(), stdout);
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    counts.add(line);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return answer;
}

// Gives the last answer; one that is not kTaken ends it.
Result<HttpAnswer> submit_stream(const Options& options, std::istream& input, Counts& counts) {
  HttpAnswer answer{.status = kTaken, .position = {}, .body = {}};
  std::string lines;
  for (std::string line; answer.status == kTaken && std::getline(input, line);) {
    lines += line + "\n";
    if (lines.size() >= kMostBytesARequest) answer = TRY(flush(options, lines, counts));
  }
  if (answer.status == kTaken && !lines.empty()) answer = TRY(flush(options, lines, counts));
  return answer;
}

int submit_file(const Options& options) {
  auto file = CommandFile::open(options.file);
  if (!file) return report(file.error());
  Counts counts;
  auto answer = submit_stream(options, file->stream(), counts);
  if (!answer) return report(answer.error());
  if (answer->status != kTaken) return report_refusal(*answer);
  if (auto read = file->at_end(); !read) return report(read.error());
  if (!options.json) {
    std::printf("accepted  %zu\n", counts.accepted);
    for (const auto& [code, count] : counts.codes) {
      std::printf("%s  %zu\n", code.c_str(), count);
    }
  }
  return counts.others == 0 ? kExitOk : kExitRefused;
}

int run(const Options& options) {
  if (!options.file.empty()) return submit_file(options);
  if (!options.type.empty() && !options.org.empty()) return submit_one(options);
  report({ErrorKind::kInvalid, "name a command type and --org, or --file"});
  return kExitUsage;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_server_options(app, options->server);
  app.add_option("type", options->type, "The command, such as AddMember");
  app.add_option("fields", options->fields, "Its fields: name=text, or name:=json");
  app.add_option("--file", options->file, "A file of commands instead, one a line; - is stdin");
  app.add_option("--org", options->org);
  app.add_option("--actor", options->actor, "user:x, or service:x; without it, whose key it is");
  app.add_option("--id", options->id, "The idempotency key; without it, a new one");
  app.add_option("--expected-version", options->expected_version)->check(CLI::NonNegativeNumber);
  app.add_option("--reason", options->reason);
  app.add_flag("--json", options->json, "Print the decisions as the server sent them");
  return [options] { return run(*options); };
}

const Subcommand kSubmit("submit", "Send commands to a server", configure);

}  // namespace
}  // namespace tenure
