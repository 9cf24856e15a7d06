// `tenure projections status|rebuild|verify`: the read models of a data directory that no daemon
// has open, also of one whose log is in Kafka.
#include <unistd.h>

#include <cstdio>

#include "engine/json/json_edge.h"
#include "projections/read_models.h"
#include "tools/tenure/offline.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  LogFlags log;
  bool json = false;
};

Progress progress_on_terminal() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](uint64_t decisions) {
    std::fprintf(stderr, "\r%lu decisions", static_cast<unsigned long>(decisions));
  };
}

unsigned long ulong_of(Number number) { return static_cast<unsigned long>(number.value); }

Result<int> status(const Options& options) {
  OfflineData offline = TRY(open_offline(options.log, "tenure projections status"));
  auto models = TRY(ReadModels::open(offline.data.read_models(), *offline.log, offline.partitions));
  ReadModelsStatus status;  // the sum over partitions
  for (const PartitionId id : offline.partitions) {
    const ReadModelsStatus one = TRY(models->status(id));
    status.applied.value += one.applied.value;
    status.behind += one.behind;
    status.void_records += one.void_records;
  }
  const char* form = options.json ? R"({"applied":%lu,"behind":%lu,"void_records":%lu})"
                                    "\n"
                                  : "applied       %lu\nbehind        %lu\nvoid records  %lu\n";
  std::printf(form, ulong_of(status.applied), static_cast<unsigned long>(status.behind),
              static_cast<unsigned long>(status.void_records));
  if (!models->restarted().empty()) {
    std::fprintf(stderr, "tenure: begun anew: %s\n", models->restarted().c_str());
  }
  return kExitOk;
}

Result<int> rebuild(const Options& options) {
  OfflineData offline = TRY(open_offline(options.log, "tenure projections rebuild"));
  uint64_t decisions = 0;
  Progress shown = progress_on_terminal();
  TRY(rebuild_read_models(offline.data.read_models(), *offline.log, offline.partitions, {},
                          [&](uint64_t done) {
                            decisions = done;
                            if (shown) shown(done);
                          }));
  std::printf(options.json ? "{\"rebuilt\":%lu}\n" : "rebuilt from %lu decisions\n",
              static_cast<unsigned long>(decisions));
  return kExitOk;
}

void print_verified(const VerifyReport& report, bool json) {
  std::string out = json ? "{" : "";
  for (size_t i = 0; i < kFamilies; ++i) {
    std::string family(family_name(kAllFamilies[i]));
    char line[128];
    std::snprintf(line, sizeof line,
                  json ? R"("%s":{"rows":%lu,"digest":"%016lx"},)" : "%-12s %10lu rows  %016lx\n",
                  family.c_str(), static_cast<unsigned long>(report.rows[i]),
                  static_cast<unsigned long>(report.digest[i]));
    out += line;
  }
  if (json) {
    out += R"("applied":)" + std::to_string(report.applied) + R"(,"difference":)";
    if (report.difference) {
      append_json_string(*report.difference, out);
    } else {
      out += "null";
    }
    out += "}\n";
  } else {
    out += report.difference
               ? "DIFFERENT: " + *report.difference + "\n"
               : "equal to a rebuild, up to decision " + std::to_string(report.applied) + "\n";
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

Result<int> verify(const Options& options) {
  OfflineData offline = TRY(open_offline(options.log, "tenure projections verify"));
  VerifyReport report = TRY(verify_read_models(offline.data.read_models(), *offline.log,
                                               offline.partitions, {}, progress_on_terminal()));
  print_verified(report, options.json);
  return report.difference ? kExitRefused : kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  using Action = Result<int> (*)(const Options&);
  auto chosen = std::make_shared<Action>(nullptr);
  auto add = [&](const char* name, const char* summary, Action action) {
    CLI::App* child = app.add_subcommand(name, summary);
    add_log_options(*child, options->log, "The data directory");
    child->add_flag("--json", options->json);
    child->final_callback([chosen, action] { *chosen = action; });
  };
  add("status", "How far they are", status);
  add("rebuild", "Build them anew from the log", rebuild);
  add("verify", "Compare them with a rebuild, row by row", verify);
  return [options, chosen] {
    Result<int> code = (*chosen)(*options);
    return code ? *code : report(code.error());
  };
}

const Subcommand kProjections("projections", "The read models of a data directory", configure);

}  // namespace
}  // namespace tenure
