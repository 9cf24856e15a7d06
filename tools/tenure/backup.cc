// `tenure backup` and `tenure restore`: the log to another directory, while a daemon writes it, and
// back. Read models and the engine's state are not in it: they are built from the log again, so
// they are never ahead of it.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "engine/base/time.h"
#include "engine/log/log_copy.h"
#include "engine/log/log_directory.h"
#include "engine/log/segment_check.h"
#include "engine/log/segment_log.h"
#include "engine/personal/erasures.h"
#include "engine/personal/key_store.h"
#include "tools/server/data_directory.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string data = "tenure-data", backup, keys;
  bool verify = false, json = false;
};

constexpr int kKeyLooks = 5;

std::string people(const std::string& directory) { return directory + "/people"; }

// The newest copy replaces the one before it, so that no copy of a destroyed key is left there.
Result<void> copy_keys(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  fs::permissions(to, fs::perms::owner_all, error);
  // Beside a writer a look may come between two of its writes: then another.
  Result<size_t> sound = 0;
  for (int look = 0; look < kKeyLooks; ++look) {
    const std::string unfinished = to + "/unfinished";
    fs::create_directories(unfinished, error);
    fs::copy_file(people(from), people(unfinished), fs::copy_options::overwrite_existing, error);
    if (error) {
      return fail(ErrorKind::kIo, "cannot copy the keys in " + from + ": " + error.message());
    }
    sound = KeyStore::examine(posix_file_system(), unfinished);
    if (!sound && sound.error().kind == ErrorKind::kCorrupt) continue;
    if (!sound) break;
    fs::permissions(people(unfinished), fs::perms::owner_read | fs::perms::owner_write, error);
    auto file = TRY(posix_file_system().open(people(unfinished), OpenMode::kReadWrite));
    TRY(file->sync());
    TRY(posix_file_system().rename(people(unfinished), people(to)));
    fs::remove_all(unfinished, error);
    return posix_file_system().sync_directory(to);
  }
  return std::unexpected(sound.error());
}

void print(const Options& options, const char* what, const LogCopy& copy, const std::string& to) {
  if (options.json) {
    std::printf(R"({"log_id":"%s","decisions":%lu,"new_records":%lu})"
                "\n",
                copy.log_id.c_str(), static_cast<unsigned long>(copy.decisions),
                static_cast<unsigned long>(copy.new_records));
  } else {
    std::printf("%s %s: %lu decisions, %lu records of them new; log %s\n", what, to.c_str(),
                static_cast<unsigned long>(copy.decisions),
                static_cast<unsigned long>(copy.new_records), copy.log_id.c_str());
  }
}

Result<LogCopy> copy_with_progress(const std::string& from, const std::string& to,
                                   CopyIdentity identity) {
  return copy_log(posix_file_system(), from, to, identity, [](uint64_t done, uint64_t all) {
    std::fprintf(stderr, "%lu of %lu records\n", static_cast<unsigned long>(done),
                 static_cast<unsigned long>(all));
  });
}

// The keys after the log: text of a decision in the copy was sealed with a key that was there
// before.
Result<void> backup(const Options& options) {
  const DataDirectory data = TRY(DataDirectory::existing(options.data));
  const DataDirectory out{options.backup};
  const LogCopy copy = TRY(copy_with_progress(data.log(), out.log(), CopyIdentity::kSame));
  if (!options.keys.empty()) TRY(copy_keys(data.keys(), options.keys));
  print(options, "backed up to", copy, options.backup);
  return {};
}

// The first claim under the new id, so that whoever compares the two logs sees where they part. The
// keys may be older than the log: whoever is erased in it has none any more.
Result<void> begin(const DataDirectory& data, bool with_keys) {
  SegmentOptions options;
  options.directory = data.log();
  options.own_thread = false;
  options.command = "tenure restore";
  auto log = TRY(SegmentLog::open(std::move(options)));
  TRY(log->open_writer(PartitionId{}, {.process = "tenure restore",
                                       .address = {},
                                       .build = TENURE_VERSION,
                                       .time_us = to_micros(SystemClock().now())}));
  if (with_keys) {
    const auto keys = TRY(KeyStore::open(posix_file_system(), data.keys()));
    TRY(carry_out_erasures(*log, to_text(log->log_id()), PartitionId{}, *keys));
  }
  return log->close();
}

Result<void> restore(const Options& options) {
  const DataDirectory from = TRY(DataDirectory::existing(options.backup));
  std::error_code error;
  if (fs::exists(options.data, error) && !fs::is_empty(options.data, error)) {
    return fail(ErrorKind::kConflict,
                options.data + " is not empty: restore into a directory of its own");
  }
  if (options.verify) TRY(check_log_deeply(posix_file_system(), from.log()));
  const DataDirectory data = TRY(DataDirectory::create(options.data));
  const LogCopy copy = TRY(copy_with_progress(from.log(), data.log(), CopyIdentity::kNew));
  if (!options.keys.empty()) TRY(copy_keys(options.keys, data.keys()));
  TRY(begin(data, !options.keys.empty()));
  if (options.verify) TRY(check_log_deeply(posix_file_system(), data.log()));
  print(options, "restored to", copy, options.data);
  return {};
}

void add_common(CLI::App& app, Options& options) {
  app.add_option("--data", options.data, "The data directory")
      ->envname("TENURE_DATA")
      ->capture_default_str();
  app.add_flag("--json", options.json, "What was copied as a JSON object");
}

Subcommand::Run run_with(const std::shared_ptr<Options>& options,
                         Result<void> (*work)(const Options&)) {
  return [options, work] {
    const Result<void> done = work(*options);
    return done ? kExitOk : report(done.error());
  };
}

Subcommand::Run configure_backup(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_common(app, *options);
  app.add_option("--out", options->backup,
                 "Where the copy goes; one that is there already is gone on with")
      ->required();
  app.add_option("--keys", options->keys,
                 "Where the keys of personal text go; not beside the log. Only the newest copy is "
                 "kept, so that erased persons stay erased");
  return run_with(options, backup);
}

Subcommand::Run configure_restore(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_common(app, *options);
  app.add_option("--from", options->backup, "The copy of the log")->required();
  app.add_option("--keys", options->keys,
                 "The copy of the keys; without it personal text stays unreadable, and the first "
                 "start wants --accept-lost-keys");
  app.add_flag("--verify", options->verify, "Read every byte, before and after");
  return run_with(options, restore);
}

const Subcommand kBackup("backup", "Copy the log while it is written", configure_backup);
const Subcommand kRestore("restore", "Make a data directory of a backup", configure_restore);

}  // namespace
}  // namespace tenure
