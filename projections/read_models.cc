#include "projections/read_models.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/base/check.h"
#include "engine/log/file_system.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStorePrefix = "rows-";

std::string store_path(const std::string& directory, uint64_t generation) {
  return directory + "/" + std::string(kStorePrefix) + std::to_string(generation);
}

// The generation in use; 0 if there is none yet.
uint64_t current_generation(const std::string& directory) {
  uint64_t generation = 0;
  std::ifstream(directory + "/current") >> generation;
  return generation;
}

// Names the generation in use; once this returns, it is so after a power loss too.
Result<void> switch_to(const std::string& directory, uint64_t generation) {
  FileSystem& files = posix_file_system();
  std::string text = std::to_string(generation) + "\n";
  std::string temporary = directory + "/current.new";
  std::error_code ignored;
  fs::remove(temporary, ignored);
  {
    auto file = TRY(files.open(temporary, OpenMode::kCreateNew));
    TRY(file->write_at(0, {std::as_bytes(std::span(text))}));
    TRY(file->sync());
  }
  TRY(files.rename(temporary, directory + "/current"));
  return files.sync_directory(directory);
}

// Deletes stores other than `keep`: leftovers of rebuilds, or what a rebuild replaced.
void remove_others(const std::string& directory, uint64_t keep) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    std::string name = entry.path().filename();
    if (name.starts_with(kStorePrefix) && entry.path() != store_path(directory, keep)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

// A store and its projectors.
struct Opened {
  std::unique_ptr<Store> store;
  std::vector<std::unique_ptr<Projector>> projectors;

  uint64_t applied() const {
    uint64_t sum = 0;
    for (const auto& projector : projectors) sum += projector->applied().value;
    return sum;
  }
};

// What several projectors hold at once is shared out among them.
ProjectorOptions share_of(ProjectorOptions options, size_t projectors) {
  options.batch_decisions = std::max<size_t>(options.batch_decisions / projectors, 1);
  options.batch_bytes = std::max<size_t>(options.batch_bytes / projectors, 1);
  options.cache_bytes /= projectors;
  return options;
}

Result<Opened> open_generation(const std::string& path, DecisionLog& log,
                               const Partitions& partitions, const ReadModelsOptions& options) {
  Opened opened;
  opened.store = TRY(Store::open(path, options.store));
  const ProjectorOptions share = share_of(options.projector, partitions.size());
  for (const PartitionId partition : partitions) {
    opened.projectors.push_back(TRY(Projector::open(log, partition, *opened.store, share)));
  }
  return opened;
}

// A store with nothing in it; whatever was there goes.
Result<Opened> begin_anew(const std::string& path, DecisionLog& log, const Partitions& partitions,
                          const ReadModelsOptions& options) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail(ErrorKind::kIo, "cannot remove " + path + ": " + error.message());
  return open_generation(path, log, partitions, options);
}

// To build all rows in one go, with nobody else to leave the processors to: the more decisions of
// an organization are at hand together, the less often its rows are looked up and written.
ReadModelsOptions to_rebuild(ReadModelsOptions options) {
  ProjectorOptions& projector = options.projector;
  projector.batch_decisions = std::max<size_t>(projector.batch_decisions, 1u << 20);
  projector.batch_bytes = 64u << 20;
  projector.cache_bytes = std::max<size_t>(projector.cache_bytes, 512u << 20);
  projector.threads = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
  return options;
}

Result<void> catch_up(const Opened& opened, const Progress& progress) {
  while (TRY(Projector::step_all(opened.projectors))) {
    if (progress) progress(opened.applied());
  }
  return {};
}

Result<void> make_directory(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(ErrorKind::kIo, "cannot make " + directory + ": " + error.message());
  return {};
}

}  // namespace

Result<std::unique_ptr<ReadModels>> ReadModels::open(const std::string& directory, DecisionLog& log,
                                                     const Partitions& partitions,
                                                     const ReadModelsOptions& options) {
  TRY(make_directory(directory));
  auto models = std::unique_ptr<ReadModels>(new ReadModels);
  models->log_ = &log;
  models->partitions_ = partitions;
  uint64_t generation = current_generation(directory);
  remove_others(directory, generation);
  Result<Opened> opened = fail(ErrorKind::kCorrupt, "");
  if (generation > 0) {
    opened = open_generation(store_path(directory, generation), log, partitions, options);
    if (!opened) models->restarted_ = opened.error().message;
  }
  if (!opened && (opened.error().kind == ErrorKind::kCorrupt ||
                  opened.error().kind == ErrorKind::kUnsupported)) {
    ++generation;
    opened = begin_anew(store_path(directory, generation), log, partitions, options);
    if (opened) {
      TRY(switch_to(directory, generation));
      remove_others(directory, generation);
    }
  }
  auto [store, projectors] = TRY(std::move(opened));
  models->store_ = std::move(store);
  models->projectors_ = std::move(projectors);
  return models;
}

ReadModels::~ReadModels() {
  projectors_.clear();
  // What is not flushed is read from the log again.
  if (store_) (void)store_->flush();
}

Result<bool> ReadModels::step() { return Projector::step_all(projectors_); }

const Projector& ReadModels::projector(PartitionId partition) const {
  const auto found = std::ranges::find(partitions_, partition);
  CHECK(found != partitions_.end());
  return *projectors_[static_cast<size_t>(found - partitions_.begin())];
}

Result<ReadModelsStatus> ReadModels::status(PartitionId partition) const {
  ReaderPosition from;
  if (const auto stored = TRY(store_->position(partition))) from = stored->reader;
  LogReader reader(TRY(log_->read(partition, from.next_offset)), from);
  ReadModelsStatus status{.applied = applied(partition),
                          .behind = 0,
                          .void_records = projector(partition).void_records()};
  while (TRY(reader.next())) ++status.behind;
  return status;
}

Result<void> rebuild_read_models(const std::string& directory, DecisionLog& log,
                                 const Partitions& partitions, const ReadModelsOptions& options,
                                 const Progress& progress) {
  TRY(make_directory(directory));
  uint64_t generation = current_generation(directory) + 1;
  auto built =
      TRY(begin_anew(store_path(directory, generation), log, partitions, to_rebuild(options)));
  TRY(catch_up(built, progress));
  TRY(built.store->flush());
  TRY(switch_to(directory, generation));
  remove_others(directory, generation);
  return {};
}

Result<VerifyReport> verify_read_models(const std::string& directory, DecisionLog& log,
                                        const Partitions& partitions,
                                        const ReadModelsOptions& options,
                                        const Progress& progress) {
  uint64_t generation = current_generation(directory);
  if (generation == 0) {
    return fail(ErrorKind::kNotFound, "no read models in " + directory + "; rebuild them first");
  }
  auto live = TRY(open_generation(store_path(directory, generation), log, partitions, options));
  TRY(catch_up(live, {}));
  TRY(live.store->check());

  std::string beside = directory + "/verify";
  VerifyReport report;
  {
    auto rebuilt = TRY(begin_anew(beside, log, partitions, to_rebuild(options)));
    TRY(catch_up(rebuilt, progress));
    report = TRY(compare_rows(*rebuilt.store->view(), *live.store->view()));
    report.applied = rebuilt.applied();
  }
  std::error_code ignored;
  fs::remove_all(beside, ignored);
  return report;
}

}  // namespace tenure
