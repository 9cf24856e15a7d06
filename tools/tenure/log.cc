// `tenure log dump` and `tenure log tail`: the decisions of a data directory, also while a daemon
// writes there: nothing is locked.
#include <chrono>
#include <cstdio>
#include <thread>

#include "engine/json/json_edge.h"
#include "engine/log/segment_reader.h"
#include "tools/server/data_directory.h"
#include "tools/tenure/decision_text.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(200);

struct Options {
  std::string data = "tenure-data";
  bool json = false, with_void = false, follow = false;
  uint64_t last = 20;
};

void print_void(const RawRecord& record) {
  std::printf(R"({"void":true,"offset":%lu,"number":%lu,"stamp":%lu})"
              "\n",
              static_cast<unsigned long>(record.offset.value),
              static_cast<unsigned long>(record.prefix.number.value),
              static_cast<unsigned long>(record.prefix.stamp.value));
}

void print_decision(const Options& options, const RawRecord& record) {
  Position position{PartitionId{}, record.prefix.number};
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
Result<void> print_onward(const Options& options, const SegmentReader& log, ReaderRule& rule) {
  auto cursor = TRY(log.read(rule.position().next_offset));
  // Output that cannot be written ends it; main says so.
  while (std::ferror(stdout) == 0) {
    const auto record = TRY(cursor->next());
    if (!record) break;
    switch (TRY(rule.judge(*record))) {
      case Validity::kValid:
        print_decision(options, *record);
        break;
      case Validity::kVoid:
        if (options.with_void) print_void(*record);
        break;
      case Validity::kClaim:
        break;
    }
  }
  if (options.follow) std::fflush(stdout);
  return {};
}

Result<SegmentReader> open_log(const Options& options) {
  DataDirectory data = TRY(DataDirectory::existing(options.data));
  return SegmentReader::open(posix_file_system(), data.log());
}

Result<void> dump(const Options& options) {
  SegmentReader log = TRY(open_log(options));
  ReaderRule rule;
  return print_onward(options, log, rule);
}

// The rule as it stands behind the last record, from which it follows.
Result<ReaderRule> rule_at_the_end(const SegmentReader& log) {
  const Offset last{log.durable_end().value - 1};
  auto cursor = TRY(log.read(last));
  auto record = TRY(cursor->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before its own end");
  ReaderRule rule(ReaderPosition{last, record->prefix.number, record->prefix.stamp});
  TRY(rule.judge(*record));
  return rule;
}

// Where the last records begin, and the rule as it stands there.
Result<ReaderRule> rule_before_the_last(const SegmentReader& log, uint64_t records) {
  uint64_t end = log.durable_end().value;
  if (end <= records) return ReaderRule();
  if (records == 0) return rule_at_the_end(log);
  Offset from{end - records};
  auto cursor = TRY(log.read(from));
  auto record = TRY(cursor->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before its own end");
  return ReaderRule(ReaderPosition{from, record->prefix.number, record->prefix.stamp});
}

Result<void> tail(const Options& options) {
  SegmentReader log = TRY(open_log(options));
  ReaderRule rule = TRY(rule_before_the_last(log, options.last));
  TRY(print_onward(options, log, rule));
  while (options.follow && std::ferror(stdout) == 0) {
    std::this_thread::sleep_for(kBetweenLooks);
    TRY(print_onward(options, TRY(open_log(options)), rule));
  }
  return {};
}

int run(const Options& options, Result<void> (*walk)(const Options&)) {
  Result<void> walked = walk(options);
  return walked ? kExitOk : report(walked.error());
}

void add_common(CLI::App& app, Options& options) {
  app.add_option("--data", options.data, "The data directory")
      ->envname("TENURE_DATA")
      ->capture_default_str();
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
  tail_app->add_option("-n,--last", options->last, "How many")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  tail_app->add_flag("-f,--follow", options->follow, "Go on as more are made");
  return [options, dump_app] { return run(*options, dump_app->parsed() ? dump : tail); };
}

const Subcommand kLog("log", "Show the decisions of a data directory", configure);

}  // namespace
}  // namespace tenure
