// The read models of some partitions of a log in one directory: a store, and a projector for each
// partition; opened, rebuilt, verified.
//
// The directory holds `rows-N`, a store, and `current`, the name of the one in use, replaced by
// renaming. Rebuilding fills `rows-N+1` from the beginning of the log and then switches, so a
// rebuild that is cut off changes nothing. One process at a time (the data directory's LOCK).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projections/projector.h"
#include "projections/rows.h"
#include "projections/store.h"

namespace tenure {

// Usually one; a process that follows several partitions keeps all their rows in one store.
using Partitions = std::vector<PartitionId>;

struct ReadModelsOptions {
  StoreOptions store;
  ProjectorOptions projector;
};

struct ReadModelsStatus {
  Number applied;             // decisions below it are in the rows
  uint64_t behind = 0;        // decisions of the log that are not
  uint64_t void_records = 0;  // seen since this process opened the read models
};

class ReadModels {
 public:
  // Opens the store in use. One that is damaged, of another row format or of another log is left
  // behind for a new, empty one, and `restarted()` says why; step() until it returns false to catch
  // up. kConflict, kIo, and whatever the log says.
  static Result<std::unique_ptr<ReadModels>> open(const std::string& directory, DecisionLog& log,
                                                  const Partitions& partitions,
                                                  const ReadModelsOptions& options = {});
  ~ReadModels();  // flushes, so that the next start reads little of the log

  // Projector::step_all. Rows that cannot be read are marked, so that the next open begins
  // anew.
  Result<bool> step();
  // Of a partition that it was opened with.
  Number applied(PartitionId partition) const { return projector(partition).applied(); }
  // Reads the log from where the rows end.
  Result<ReadModelsStatus> status(PartitionId partition) const;
  std::unique_ptr<RowView> view() const { return store_->view(); }
  Store& store() { return *store_; }
  const std::string& restarted() const { return restarted_; }

 private:
  ReadModels() = default;
  const Projector& projector(PartitionId partition) const;

  DecisionLog* log_ = nullptr;
  Partitions partitions_;
  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<Projector>> projectors_;  // of partitions_, in their order
  std::string restarted_;
};

// Told now and then how many decisions are done.
using Progress = std::function<void(uint64_t decisions)>;

// Builds the rows from the whole log into a new directory and switches to it. Not while open.
Result<void> rebuild_read_models(const std::string& directory, DecisionLog& log,
                                 const Partitions& partitions,
                                 const ReadModelsOptions& options = {},
                                 const Progress& progress = {});

struct VerifyReport {
  uint64_t applied = 0;                              // decisions, of all partitions
  std::array<uint64_t, kFamilies> rows{}, digest{};  // of the rebuilt rows
  std::optional<std::string> difference;             // the first one: family, key, what differs
};

// Brings the rows up to the log, rebuilds them beside, and compares both row by row. Not while
// open.
Result<VerifyReport> verify_read_models(const std::string& directory, DecisionLog& log,
                                        const Partitions& partitions,
                                        const ReadModelsOptions& options = {},
                                        const Progress& progress = {});

// Compares two sets of rows in key order; also counts and digests those of `expected`.
Result<VerifyReport> compare_rows(const RowView& expected, const RowView& actual);

}  // namespace tenure
