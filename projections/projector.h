// The projector: a step machine that follows the decision log and keeps a store's rows up to it.
//
// No clock inside, and no thread but within a step. A step reads a batch of valid decisions,
// reduces them, and writes the rows with the new position in one write: killed between any two
// steps, or within one, it goes on from the rows as they stand. Threads: step() from one; the
// others from any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/log/decision_log.h"
#include "projections/store.h"

namespace tenure {

struct ProjectorOptions {
  size_t batch_decisions = 131'072;
  size_t batch_bytes = 64u << 20;   // of decisions
  size_t cache_bytes = 256u << 20;  // of rows kept from batch to batch
  // That organizations are shared out among. With more than one, the next batch is read while one
  // is written: twice as many decisions are held then.
  size_t threads = 1;
};

class Projector {
 public:
  // Goes on from the store's position, after checking that the log still holds the record it names.
  // kCorrupt: the log is another one or was cut; the store must be rebuilt.
  static Result<std::unique_ptr<Projector>> open(DecisionLog& log, PartitionId partition,
                                                 Store& store,
                                                 const ProjectorOptions& options = {});
  ~Projector();

  // Applies the next batch; false if there was none. kUnavailable: the disk is full, call again.
  // Any other error leaves the store as it was, and is final if it is about the rows; what the log
  // refuses (kCorrupt, kUnsupported) comes after everything before it has been applied.
  Result<bool> step();
  // A step of each, of one store, in one write of it: many small ones cost more.
  static Result<bool> step_all(std::span<const std::unique_ptr<Projector>> projectors);

  Number applied() const;      // decisions below it are in the rows
  Offset next_offset() const;  // the record to be read next
  uint64_t void_records() const;

 private:
  struct Impl;
  explicit Projector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
