// `tenure log dump` and `tenure log tail`: the decisions of a data directory or of a log over
// Kafka, also while a daemon writes there: nothing is locked.
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "engine/json/json_edge.h"
#include "engine/log/log_reader.h"
#include "tools/tenure/decision_text.h"
#include "tools/tenure/log_source.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(200);

struct Options {
  LogFlags log;
  bool json = false, with_void = false, follow = false;
  uint64_t last = 20;
};

void print_void(PartitionId partition, const RawRecord& record) {
  std::printf(R"({"void":true,"partition":%u,"offset":%lu,"number":%lu,"stamp":%lu})"
              "\n",
              partition.value, static_cast<unsigned long>(record.offset.value),
              static_cast<unsigned long>(record.prefix.number.value),
              static_cast<unsigned long>(record.prefix.stamp.value));
}

void print_decision(const Options& options, PartitionId partition, const RawRecord& record) {
  const Position position{partition, record.prefix.number};
  std::string line;
  if (options.json) {
    write_decision_json(format_position(position), record.payload, line);
  } else {
    line = decision_line(position, record.payload);
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
}

// Prints what lies between the rule's position and the durable end.
Result<void> print_onward(const Options& options, LogSource& log, PartitionId partition,
                          ReaderRule& rule) {
  auto cursor = TRY(log.read(partition, rule.position().next_offset));
  // Output that cannot be written ends it; main says so.
  while (std::ferror(stdout) == 0) {
    const auto record = TRY(cursor->next());
    if (!record) break;
    switch (TRY(rule.judge(*record))) {
      case Validity::kValid:
        print_decision(options, partition, *record);
        break;
      case Validity::kVoid:
        if (options.with_void) print_void(partition, *record);
        break;
      case Validity::kClaim:
        break;
    }
  }
  if (options.follow) std::fflush(stdout);
  return {};
}

// Of all partitions, one after the other.
Result<void> print_onward(const Options& options, LogSource& log, std::vector<ReaderRule>& rules) {
  for (PartitionId id{0}; id.value < rules.size(); id = {id.value + 1}) {
    TRY(print_onward(options, log, id, rules[id.value]));
  }
  return {};
}

Result<void> dump(const Options& options) {
  const auto log = TRY(open_log_source(options.log));
  std::vector<ReaderRule> rules(log->partitions());
  return print_onward(options, *log, rules);
}

// The rule as it stands behind the last record, from which it follows.
Result<ReaderRule> rule_at_the_end(LogSource& log, PartitionId partition) {
  const Offset last{TRY(log.durable_end(partition)).value - 1};
  auto cursor = TRY(log.read(partition, last));
  auto record = TRY(cursor->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before its own end");
  ReaderRule rule(ReaderPosition{last, record->prefix.number, record->prefix.stamp});
  (void)TRY(rule.judge(*record));
  return rule;
}

// Where the last records begin, and the rule as it stands there.
Result<ReaderRule> rule_before_the_last(LogSource& log, PartitionId partition, uint64_t records) {
  const uint64_t end = TRY(log.durable_end(partition)).value;
  if (end <= records) return ReaderRule();
  if (records == 0) return rule_at_the_end(log, partition);
  auto cursor = TRY(log.read(partition, Offset{end - records}));
  while (auto record = TRY(cursor->next())) {
    if (record->status != RecordStatus::kOk) continue;  // somebody else's: it says nothing
    return ReaderRule(ReaderPosition{record->offset, record->prefix.number, record->prefix.stamp});
  }
  return ReaderRule();
}

Result<void> tail(const Options& options) {
  const auto log = TRY(open_log_source(options.log));
  std::vector<ReaderRule> rules;
  for (PartitionId id{0}; id.value < log->partitions(); id = {id.value + 1}) {
    rules.push_back(TRY(rule_before_the_last(*log, id, options.last)));
  }
  TRY(print_onward(options, *log, rules));
  while (options.follow && std::ferror(stdout) == 0) {
    std::this_thread::sleep_for(kBetweenLooks);
    TRY(print_onward(options, *log, rules));
  }
  return {};
}

int run(const Options& options, Result<void> (*walk)(const Options&)) {
  Result<void> walked = walk(options);
  return walked ? kExitOk : report(walked.error());
}

void add_common(CLI::App& app, Options& options) {
  add_log_options(app, options.log, "The data directory, unless the log is in Kafka");
  app.add_flag("--json", options.json, "Whole decisions, a JSON object a line");
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* dump_app = app.add_subcommand("dump", "All decisions, oldest first");
  add_common(*dump_app, *options);
  dump_app->add_flag("--void", options->with_void, "Also the records that count for nothing");
  CLI::App* tail_app = app.add_subcommand("tail", "The last decisions");
  add_common(*tail_app, *options);
  tail_app
      ->add_option("-n,--last", options->last, "How many; of a log over Kafka, of each partition")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  tail_app->add_flag("-f,--follow", options->follow, "Go on as more are made");
  return [options, dump_app] { return run(*options, dump_app->parsed() ? dump : tail); };
}

const Subcommand kLog("log", "Show the decisions of a log", configure);

}  // namespace
}  // namespace tenure
