// `tenure doctor`: is this data directory sound? Changes nothing that a start would not change.
#include <cstdio>
#include <functional>

#include "engine/log/segment_reader.h"
#include "engine/partition/state_store.h"
#include "projections/read_models.h"
#include "tools/tenure/offline.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  std::string data = "tenure-data";
  bool deep = false;
};

// One line a finding; remembers whether any was bad.
class Findings {
 public:
  void good(const char* what, const std::string& detail) { print("ok ", what, detail); }
  void bad(const char* what, const std::string& detail) {
    print("BAD", what, detail);
    sound_ = false;
  }
  bool sound() const { return sound_; }

 private:
  static void print(const char* verdict, const char* what, const std::string& detail) {
    std::printf("%s  %-12s %s\n", verdict, what, detail.c_str());
  }
  bool sound_ = true;
};

struct Counts {
  uint64_t decisions = 0, voids = 0, claims = 0;
};

// Reads every record through the reader's rule, so every checksum too.
Result<Counts> read_everything(const std::function<Result<std::unique_ptr<RecordCursor>>()>& open) {
  auto cursor = TRY(open());
  ReaderRule rule;
  Counts counts;
  while (auto record = TRY(cursor->next())) {
    switch (TRY(rule.judge(*record))) {
      case Validity::kValid:
        ++counts.decisions;
        break;
      case Validity::kVoid:
        ++counts.voids;
        break;
      case Validity::kClaim:
        ++counts.claims;
        break;
    }
  }
  return counts;
}

void examine_records(Findings& findings,
                     const std::function<Result<std::unique_ptr<RecordCursor>>()>& open) {
  auto counts = read_everything(open);
  if (!counts) return findings.bad("records", counts.error().message);
  findings.good("records", std::to_string(counts->decisions) + " decisions, " +
                               std::to_string(counts->claims) + " claims, " +
                               std::to_string(counts->voids) + " void");
}

void examine_state(Findings& findings, const OfflineData& offline) {
  auto store = open_state_store(offline.data.state());
  if (!store) return findings.bad("state", store.error().message);
  auto mark = (*store)->mark();
  if (!mark) return findings.bad("state", mark.error().message);
  if (!*mark) return findings.good("state", "empty: the next start replays the log");
  findings.good("state", "checkpoint at decision " +
                             std::to_string((*mark)->position.next_number.value) + ", " +
                             std::to_string((*mark)->organizations) + " organizations");
}

void examine_read_models(Findings& findings, const OfflineData& offline, bool deep) {
  {
    auto models = ReadModels::open(offline.data.read_models(), *offline.log, {PartitionId{}});
    if (!models) return findings.bad("read models", models.error().message);
    if (!(*models)->restarted().empty()) {
      findings.bad("read models", "begun anew: " + (*models)->restarted());
    }
    ReadModelsStatus status = (*models)->status(PartitionId{});
    findings.good("read models", "applied " + std::to_string(status.applied.value) + ", behind " +
                                     std::to_string(status.behind));
  }
  if (!deep) return;
  auto report = verify_read_models(offline.data.read_models(), *offline.log, {PartitionId{}});
  if (!report) return findings.bad("rebuild", report.error().message);
  if (report->difference) return findings.bad("rebuild", *report->difference);
  findings.good("rebuild", "the rows equal a rebuild");
}

void examine_log(Findings& findings, const SegmentLog& log) {
  const RecoveryReport& report = log.recovery();
  std::string detail = std::to_string(report.segments) + " segments";
  if (report.cut_bytes > 0) {
    detail += ", cut " + std::to_string(report.cut_bytes) + " bytes of a torn last batch at " +
              report.cut_place;
  }
  findings.good("log", detail);
}

// While a daemon has the directory, only what needs no lock.
void examine_in_use(Findings& findings, const Options& options, const std::string& by_whom) {
  findings.good("lock", by_whom);
  auto log = SegmentReader::open(posix_file_system(), options.data + "/log");
  if (!log) return findings.bad("log", log.error().message);
  findings.good("log", "records up to " + std::to_string(log->durable_end().value));
  if (options.deep) examine_records(findings, [&] { return log->read(Offset{}); });
}

Result<bool> examine(const Options& options) {
  Findings findings;
  auto offline = open_offline(options.data, "tenure doctor");
  if (!offline && offline.error().kind == ErrorKind::kConflict) {
    examine_in_use(findings, options, offline.error().message);
    return findings.sound();
  }
  if (!offline && offline.error().kind == ErrorKind::kCorrupt) {
    findings.bad("log", offline.error().message);
    return false;
  }
  if (!offline) return std::unexpected(offline.error());
  findings.good("lock", "no process has the directory open");
  examine_log(findings, *offline->log);
  if (options.deep) {
    examine_records(findings, [&] { return offline->log->read(PartitionId{}, Offset{}); });
  }
  examine_state(findings, *offline);
  examine_read_models(findings, *offline, options.deep);
  return findings.sound();
}

int run(const Options& options) {
  Result<bool> sound = examine(options);
  if (!sound) return report(sound.error());
  return *sound ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--data", options->data, "The data directory")
      ->envname("TENURE_DATA")
      ->capture_default_str();
  app.add_flag("--deep", options->deep,
               "Read every record; compare the read models with a rebuild");
  return [options] { return run(*options); };
}

const Subcommand kDoctor("doctor", "Examine a data directory", configure);

}  // namespace
}  // namespace tenure
