// `tenure doctor`: is this data directory sound, and the log in Kafka that it may be of? Changes
// nothing that a start would not change.
#include <cstdio>
#include <functional>

#include "engine/json/json_edge.h"
#include "engine/log/log_reader.h"
#include "engine/partition/state_store.h"
#include "engine/personal/key_store.h"
#include "projections/read_models.h"
#include "tools/server/admin_key.h"
#include "tools/tenure/log_source.h"
#include "tools/tenure/offline.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  LogFlags log;
  bool deep = false, json = false;
};

// A line a finding, or one JSON object of all; remembers whether any was bad.
class Findings {
 public:
  explicit Findings(bool json) : json_(json) {}

  void good(std::string_view what, const std::string& detail) { add(true, what, detail); }
  void bad(std::string_view what, const std::string& detail) { add(false, what, detail); }
  bool sound() const { return sound_; }

  void finish() const {
    if (!json_) return;
    std::printf(R"({"sound":%s,"findings":[%s]})"
                "\n",
                sound_ ? "true" : "false", list_.c_str());
  }

 private:
  void add(bool ok, std::string_view what, const std::string& detail) {
    sound_ = sound_ && ok;
    if (!json_) {
      std::printf("%s  %-12s %s\n", ok ? "ok " : "BAD", std::string(what).c_str(), detail.c_str());
      return;
    }
    list_ += list_.empty() ? R"({"what":)" : R"(,{"what":)";
    append_json_string(what, list_);
    list_ += ok ? R"(,"ok":true,"detail":)" : R"(,"ok":false,"detail":)";
    append_json_string(detail, list_);
    list_ += '}';
  }

  const bool json_;
  std::string list_;
  bool sound_ = true;
};

struct Counts {
  uint64_t decisions = 0, voids = 0, claims = 0;
};

using OpenCursor = std::function<Result<std::unique_ptr<RecordCursor>>(PartitionId)>;

// Reads every record through the reader's rule, so every checksum too.
Result<void> read_everything(const OpenCursor& open, PartitionId partition, Counts& counts) {
  auto cursor = TRY(open(partition));
  ReaderRule rule;
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
  return {};
}

void examine_records(Findings& findings, uint32_t partitions, const OpenCursor& open) {
  Counts counts;
  for (PartitionId id{0}; id.value < partitions; id = {id.value + 1}) {
    const auto read = read_everything(open, id, counts);
    if (!read) return findings.bad("records", read.error().message);
  }
  findings.good("records", std::to_string(counts.decisions) + " decisions, " +
                               std::to_string(counts.claims) + " claims, " +
                               std::to_string(counts.voids) + " void");
}

void examine_state(Findings& findings, const std::string& directory) {
  auto store = open_state_store(directory);
  if (!store) return findings.bad("state", store.error().message);
  auto mark = (*store)->mark();
  if (!mark) return findings.bad("state", mark.error().message);
  if (!*mark) return findings.good("state", "empty: the next start replays the log");
  findings.good("state", "checkpoint at decision " +
                             std::to_string((*mark)->position.next_number.value) + ", " +
                             std::to_string((*mark)->organizations) + " organizations");
}

void examine_states(Findings& findings, const OfflineData& offline) {
  if (offline.segments) return examine_state(findings, offline.data.state());
  for (const PartitionId id : offline.partitions) {
    examine_state(findings, offline.data.state_of(id));
  }
}

void examine_read_models(Findings& findings, const OfflineData& offline, bool deep) {
  {
    auto models = ReadModels::open(offline.data.read_models(), *offline.log, offline.partitions);
    if (!models) return findings.bad("read models", models.error().message);
    if (!(*models)->restarted().empty()) {
      findings.bad("read models", "begun anew: " + (*models)->restarted());
    }
    uint64_t applied = 0, behind = 0;
    for (const PartitionId id : offline.partitions) {
      const auto status = (*models)->status(id);
      if (!status) return findings.bad("read models", status.error().message);
      applied += status->applied.value;
      behind += status->behind;
    }
    findings.good("read models",
                  "applied " + std::to_string(applied) + ", behind " + std::to_string(behind));
  }
  if (!deep) return;
  auto report = verify_read_models(offline.data.read_models(), *offline.log, offline.partitions);
  if (!report) return findings.bad("rebuild", report.error().message);
  if (report->difference) return findings.bad("rebuild", *report->difference);
  findings.good("rebuild", "the rows equal a rebuild");
}

// What lies beside the log: the keys that open its personal text, and the hash of the admin's key.
void examine_keys(Findings& findings, const DataDirectory& data, bool log_has_records) {
  const auto people = KeyStore::examine(posix_file_system(), data.keys());
  if (people) {
    findings.good("keys", "of " + std::to_string(*people) + " people and services");
  } else if (people.error().kind != ErrorKind::kNotFound) {
    findings.bad("keys", people.error().message);
  } else if (log_has_records) {
    findings.bad("keys", data.keys() +
                             "/people is missing: reasons, names and e-mails in the log "
                             "cannot be read; restore it from a backup");
  } else {
    findings.good("keys", "none yet");
  }
  const auto admin = AdminKey::is_stored(data.root);
  if (!admin) return findings.bad("admin key", admin.error().message);
  findings.good("admin key", *admin ? "its hash is stored"
                                    : "none is stored: TENURE_ADMIN_KEY names it, or the next "
                                      "start makes one");
}

// What opening it told: of a log in files, or of the mirrors, which are brought up to the topic.
void examine_log(Findings& findings, const OfflineData& offline) {
  if (!offline.segments) {
    uint64_t records = 0;
    for (const PartitionId id : offline.partitions) records += offline.log->durable_end(id).value;
    return findings.good("log", std::to_string(records) + " records in " +
                                    std::to_string(offline.partitions.size()) +
                                    " partitions of the topic");
  }
  const RecoveryReport& report = offline.segments->recovery();
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
  auto log = open_log_source(options.log);
  if (!log) return findings.bad("log", log.error().message);
  uint64_t records = 0;
  for (PartitionId id{0}; id.value < (*log)->partitions(); id = {id.value + 1}) {
    const auto end = (*log)->durable_end(id);
    if (!end) return findings.bad("log", end.error().message);
    records += end->value;
  }
  findings.good("log", "records up to " + std::to_string(records));
  // Over Kafka the keys are in a topic of their own.
  if (!options.log.is_kafka()) examine_keys(findings, DataDirectory{options.log.data}, records > 0);
  if (!options.deep) return;
  examine_records(findings, (*log)->partitions(),
                  [&](PartitionId id) { return (*log)->read(id, Offset{}); });
}

Result<void> examine(Findings& findings, const Options& options) {
  auto offline = open_offline(options.log, "tenure doctor");
  if (!offline && offline.error().kind == ErrorKind::kConflict) {
    examine_in_use(findings, options, offline.error().message);
    return {};
  }
  if (!offline && offline.error().kind == ErrorKind::kCorrupt) {
    findings.bad("log", offline.error().message);
    examine_keys(findings, DataDirectory{options.log.data}, true);
    return {};
  }
  if (!offline) return std::unexpected(offline.error());
  findings.good("lock", "no process has the directory open");
  examine_log(findings, *offline);
  if (options.deep) {
    examine_records(findings, static_cast<uint32_t>(offline->partitions.size()),
                    [&](PartitionId id) { return offline->log->read(id, Offset{}); });
  }
  if (offline->segments) {
    examine_keys(findings, offline->data, offline->log->durable_end({}).value > 0);
  }
  examine_states(findings, *offline);
  examine_read_models(findings, *offline, options.deep);
  return {};
}

int run(const Options& options) {
  Findings findings(options.json);
  const Result<void> examined = examine(findings, options);
  if (!examined) return report(examined.error());
  findings.finish();
  return findings.sound() ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_log_options(app, options->log, "The data directory");
  app.add_flag("--deep", options->deep,
               "Read every record; compare the read models with a rebuild");
  app.add_flag("--json", options->json, "One JSON object: sound, and the findings");
  return [options] { return run(*options); };
}

const Subcommand kDoctor("doctor", "Examine a data directory", configure);

}  // namespace
}  // namespace tenure
