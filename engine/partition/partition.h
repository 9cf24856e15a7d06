// A partition: the step machine that turns commands into decisions.
//
//   submit -> [dedupe -> due work first -> decide -> append -> evolve] -> durable -> reply
//
// No threads, no sleeps, no clock, no random inside: whoever owns it calls step(now) and
// on_durable(), all from one thread (the engine thread of tools/server, or tests/simulation). It
// decides ahead of the disk; it answers nothing before the record is durable. After a failed append
// it is dead: every waiting command is answered kUnavailable, and the process must stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/domain/catalog.h"
#include "engine/domain/rulebook.h"
#include "engine/log/decision_log.h"
#include "engine/partition/command_bytes.h"
#include "engine/partition/state_store.h"

namespace tenure {

// What became of a command. `decision` is the schema::Decision, valid during the call of the reply
// only.
struct Answer {
  enum class Kind : uint8_t {
    kDecided,              // a new decision, durable
    kDuplicate,            // decided before: the original decision, durable
    kIdempotencyMismatch,  // the id was used for another payload; nothing was recorded
    kUnavailable,  // not now (503): nothing was recorded, or, after a crash of the log, unknown:
                   // retry with the same id
  };
  Kind kind;
  Position position;
  std::span<const std::byte> decision;
  std::string message;  // for kIdempotencyMismatch and kUnavailable: what to do
};
using Reply = std::function<void(const Answer&)>;

struct PartitionOptions {
  PartitionId id;
  size_t max_queued = 65536;      // beyond it submit answers kUnavailable at once
  size_t batch_bytes = 1u << 20;  // a batch is handed over when the log is idle, or at this size
  size_t memory_for_organizations = 4ull << 30;
  std::chrono::hours dedupe_window{24 * 7};
  uint64_t dedupe_max_ids = 200'000'000;
};

class Partition {
 public:
  // Opens the state store's checkpoint, replays the tail of the log through evolve, claims the
  // partition.
  static Result<std::unique_ptr<Partition>> open(DecisionLog& log, StateStore& store,
                                                 const Rulebooks& rulebooks, const Catalog& catalog,
                                                 const Writer& writer, Time now,
                                                 PartitionOptions options);
  ~Partition();

  // Queues a command; `reply` is called exactly once, from step() or on_durable().
  void submit(CommandBytes command, Reply reply);

  // Decides what is due and what is queued, hands full batches to the log, starts a checkpoint when
  // one is due. `now` may jump either way; decisions never go back in time. False if there was
  // nothing to do.
  bool step(Time now);

  // The log made the oldest batch in flight durable, or failed.
  void on_appended(Result<void> outcome);

  // When step must be called next even if nothing is submitted; nothing if no work is due.
  std::optional<Time> next_due() const;

  Number next_number() const;  // of the next decision
  Number durable() const;      // decisions below it are durable
  bool failed() const;

 private:
  struct Impl;
  explicit Partition(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
