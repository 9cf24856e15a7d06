// `tenure apply FILE.ndjson`: a file of commands, decided in this process, without a server.
// Whoever may write to the data directory may do anything in it, so every actor is taken as named.
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <istream>
#include <map>
#include <mutex>

#include "engine/partition/vouched_command.h"
#include "tools/server/answer_json.h"
#include "tools/server/command_parser.h"
#include "tools/server/engine_host.h"
#include "tools/server/logging.h"
#include "tools/tenure/catalog_flag.h"
#include "tools/tenure/command_file.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

const Vouched kFromFile{.sign_in = {}, .key_hash = {}, .sent_by = "apply"};
constexpr size_t kMostInFlight = 8192;
constexpr size_t kMostNamedLines = 20;

struct Options {
  std::string file, data = "tenure-data", catalog;
  uint64_t segment_bytes = SegmentOptions{}.segment_bytes;
  bool json = false, times_from_ids = false;
};

// When a UUIDv7 says that it was made (RFC 9562, 5.7); nothing if it is none.
std::optional<Time> time_of_uuid7(std::string_view id) {
  constexpr size_t kSize = 36, kVersion = 14;
  if (id.size() != kSize || id[8] != '-' || id[kVersion] != '7') return std::nullopt;
  std::string digits(id.substr(0, 8));
  digits += id.substr(9, 4);
  uint64_t milliseconds = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, milliseconds, 16);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return from_micros(static_cast<int64_t>(milliseconds) * 1000);
}

// Stands where it is put.
class StoryClock final : public Clock {
 public:
  Time now() override { return from_micros(micros_); }
  void move_to(Time time) { micros_ = to_micros(time); }

 private:
  std::atomic<int64_t> micros_ = to_micros(SystemClock().now());
};

struct Summary {
  uint64_t accepted = 0, repeated = 0, malformed = 0, undecided = 0;
  std::map<std::string, uint64_t> rejected;
  double seconds = 0;

  uint64_t decided() const {
    uint64_t all = accepted;
    for (const auto& [code, count] : rejected) all += count;
    return all;
  }
};

// The answers, taken in the order of the lines.
class Answers {
 public:
  // Room for the answer to one more command, waiting while too many are out.
  Reply expect(size_t line) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return slots_.size() < kMostInFlight || slots_.front().answer; });
    Slot& slot = slots_.emplace_back(Slot{line, nullptr});
    return [this, &slot](const Answer& answer) {
      auto kept = std::make_unique<KeptAnswer>(answer);
      std::lock_guard guard(mutex_);
      slot.answer = std::move(kept);
      if (&slot == &slots_.front()) arrived_.notify_one();
    };
  }

  // The next answer; null if it is not there yet (or, with `wait`, if none is expected).
  std::unique_ptr<KeptAnswer> take(bool wait, size_t& line) {
    std::unique_lock lock(mutex_);
    if (slots_.empty()) return nullptr;
    if (wait) arrived_.wait(lock, [this] { return slots_.front().answer != nullptr; });
    if (slots_.front().answer == nullptr) return nullptr;
    auto answer = std::move(slots_.front().answer);
    line = slots_.front().line;
    slots_.pop_front();
    return answer;
  }

 private:
  struct Slot {
    size_t line;
    std::unique_ptr<KeptAnswer> answer;
  };
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Slot> slots_;  // references stay valid: only the ends change
};

class Applying {
 public:
  // `clock`: to be moved to when each command was made; null: it is decided when it comes.
  Applying(EngineHost& host, StoryClock* clock, bool json)
      : host_(host), clock_(clock), json_(json) {}

  Summary run(std::istream& input) {
    auto started = std::chrono::steady_clock::now();
    CommandParser parser;
    size_t line_number = 0;
    for (std::string line; std::getline(input, line);) {
      ++line_number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto command = parser.parse(line, {.id = {}, .actor = "service:admin"});
      if (command) command = seal_for(host_, vouch_for(*std::move(command), kFromFile));
      if (command && clock_ != nullptr) command = at_its_time(*std::move(command));
      if (!command) {
        refuse(line_number, command.error());
        continue;
      }
      Reply reply = answers_.expect(line_number);
      host_.submit(*std::move(command), std::move(reply));
      take(clock_ != nullptr);  // the clock moves on when this is decided
    }
    take(true);
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    summary_.seconds = took.count();
    return summary_;
  }

 private:
  Expected<CommandBytes, Undecided> at_its_time(CommandBytes command) {
    const auto made = time_of_uuid7(command.get().id()->string_view());
    if (!made || *made > SystemClock().now()) {
      return std::unexpected(Undecided{400, "invalid_id",
                                       "with --times-from-ids an id must be a UUIDv7 of the past; "
                                       "make it one, or leave the option out"});
    }
    clock_->move_to(*made);
    return command;
  }

  void take(bool to_the_end) {
    size_t line = 0;
    while (auto answer = answers_.take(to_the_end, line)) count(*answer, line);
  }

  void count(const KeptAnswer& answer, size_t line) {
    if (json_) {
      std::string text;
      append_line(answer, line, host_.unsealer(), text);
      std::fwrite(text.data(), 1, text.size(), stdout);
    }
    const schema::Decision* decision = answer.root();
    if (answer.kind == Answer::Kind::kIdempotencyMismatch) {
      ++summary_.rejected["idempotency_mismatch"];  // an answer, though it leaves no record
      return;
    }
    if (decision == nullptr) {
      ++summary_.undecided;
      name(line, answer.message);
      return;
    }
    if (answer.kind == Answer::Kind::kDuplicate) ++summary_.repeated;
    if (const auto* rejection = decision->rejection()) {
      ++summary_.rejected[schema::EnumNameRejectionCode(rejection->code())];
    } else {
      ++summary_.accepted;
    }
  }

  void refuse(size_t line, const Undecided& undecided) {
    take(true);  // so that --json keeps the order of the lines
    ++summary_.malformed;
    name(line, std::string(undecided.code) + ": " + undecided.message);
    if (!json_) return;
    std::string text;
    append_line(undecided, line, text);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }

  void name(size_t line, const std::string& what) {
    ++named_;
    if (named_ <= kMostNamedLines) {
      std::fprintf(stderr, "tenure: line %zu: %s\n", line, what.c_str());
    } else if (named_ == kMostNamedLines + 1) {
      std::fprintf(stderr, "tenure: more such lines are only counted\n");
    }
  }

  EngineHost& host_;
  StoryClock* const clock_;
  const bool json_;
  Answers answers_;
  Summary summary_;
  size_t named_ = 0;
};

void print(const Summary& summary, FILE* out) {
  auto row = [out](const std::string& name, uint64_t count) {
    std::fprintf(out, "%-28s %12lu\n", name.c_str(), static_cast<unsigned long>(count));
  };
  row("accepted", summary.accepted);
  for (const auto& [code, count] : summary.rejected) row("rejected " + code, count);
  if (summary.repeated > 0) row("of these, decided before", summary.repeated);
  if (summary.malformed > 0) row("not a command", summary.malformed);
  if (summary.undecided > 0) row("not decided", summary.undecided);
  double rate = summary.seconds > 0 ? static_cast<double>(summary.decided()) / summary.seconds : 0;
  std::fprintf(out, "%-28s %12.0f a second, in %.2f s\n", "rate", rate, summary.seconds);
}

Result<Summary> apply(const Options& options) {
  CommandFile file = TRY(CommandFile::open(options.file));
  start_logging("warning");
  HostOptions host_options;
  host_options.data_directory = options.data;
  host_options.segment_bytes = options.segment_bytes;
  host_options.catalog = options.catalog;
  StoryClock clock;
  if (options.times_from_ids) {
    host_options.clock = &clock;
    // Years pass here while the file is read: the same id is the same command all the same.
    host_options.partition.dedupe_window =
        std::chrono::duration_cast<std::chrono::hours>(SystemClock().now().time_since_epoch());
  }
  auto host = TRY(EngineHost::open(host_options));
  StoryClock* const moved = options.times_from_ids ? &clock : nullptr;
  Summary summary = Applying(*host, moved, options.json).run(file.stream());
  if (auto failure = host->failure()) return std::unexpected(*failure);
  TRY(host->close());
  TRY(file.at_end());
  return summary;
}

int run(const Options& options) {
  auto summary = apply(options);
  if (!summary) return report(summary.error());
  // With --json, stdout holds decisions and nothing else.
  print(*summary, options.json ? stderr : stdout);
  bool complete = summary->malformed == 0 && summary->undecided == 0;
  return complete ? kExitOk : kExitRefused;
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("file", options->file, "Commands, a JSON object a line; - is stdin")->required();
  app.add_option("--data", options->data, "The data directory; made if missing")
      ->envname("TENURE_DATA")
      ->capture_default_str();
  app.add_option("--segment-bytes", options->segment_bytes,
                 "Size of new log segments; a decision (8 MiB at most) must fit twice")
      ->check(CLI::Range(int64_t{64} << 10, int64_t{16} << 30))
      ->capture_default_str();
  add_catalog_option(app, options->catalog);
  app.add_flag("--times-from-ids", options->times_from_ids,
               "Decide each command, one by one, as of the time in its id (UUIDv7): a history from "
               "elsewhere, into a new data directory");
  app.add_flag("--json", options->json, "Print each decision; the summary goes to stderr");
  app.footer("Ends with 0 if every line was decided (a rejection is a decision), else with 1.");
  return [options] { return run(*options); };
}

const Subcommand kApply("apply", "Decide a file of commands without a server", configure);

}  // namespace
}  // namespace tenure
