// A partition: the step machine that turns commands into decisions.
//
//   submit -> [dedupe -> due work first -> decide -> append -> evolve] -> durable -> reply
//
// No threads, no sleeps, no clock, no random inside: whoever owns it calls submit() and step(now),
// and runs what it posts, all on one thread (the engine thread of tools/server, or
// tests/simulation). It decides ahead of the disk; it answers nothing before the record is durable.
// It never waits for storage: an organization that must be loaded, or a retry whose original must
// be read, waits in line while all others go on.
//
//   open():              claims at once; for a log of one process
//   follow() .. claim(): applies what others write until it has claimed; then it decides
//
// After a failed append, a lost claim or with a damaged state store it is dead: every waiting
// command is answered kUnavailable and failure() says why. On a log of one process the process must
// stop; else, once idle(), follow() begins anew from the state store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/domain/catalog.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/services.h"
#include "engine/log/decision_log.h"
#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"
#include "engine/partition/state_store.h"

namespace tenure {

struct PartitionOptions {
  PartitionId id = {};
  size_t max_queued = 65536;      // beyond it submit answers kUnavailable at once
  size_t batch_bytes = 1u << 20;  // a batch is handed over when the log is idle, or at this size
  size_t memory_for_organizations = 4ull << 30;
  std::chrono::hours dedupe_window{24 * 7};
  uint64_t dedupe_max_ids = 200'000'000;      // 8 to 16 bytes of memory and 16 of disk each
  size_t checkpoint_bytes = 64u << 20;        // a checkpoint begins when this much has changed
  std::chrono::seconds checkpoint_every{10};  // or something has, for this long
};

// What the owner lends to a partition. Neither function may run the job inside the call.
struct PartitionHost {
  // Any thread: has the job run on the partition's thread, in order. step() should follow it.
  std::function<void(std::function<void()>)> post;
  // The partition's thread: has the job run on a helper thread. Jobs read or write storage and may
  // be slow; they are independent, so several may run at once and in any order. All must have ended
  // or been dropped before the log and the store are destroyed; the partition may go before.
  std::function<void(std::function<void()>)> run_aside;
  // The same for what nobody waits for, on threads that give way to others; if not set, run_aside.
  std::function<void(std::function<void()>)> run_in_background = {};
  // The partition's thread, if set: no record may say that sources from this one on are settled,
  // since what was never submitted here (forwarded, refused) may not be dealt with yet.
  std::function<uint64_t(PartitionId)> settled_below = {};
  // The partition's thread, both if set. What services may do is decided in one partition, that of
  // the organization `_tenure`, and counts in all: tell_services is called in that one when it has
  // opened, and whenever a change of it is durable, before that change is answered; `services`
  // gives the others what was told last, or null.
  std::function<void(std::shared_ptr<const Services>)> tell_services = {};
  std::function<std::shared_ptr<const Services>()> services = {};
  // The partition's thread, if set: which key the person has, whom an EraseSubject names that is
  // being decided. What was sealed for them in decisions of this partition was sealed with it, or
  // with keys that are destroyed.
  std::function<std::optional<PersonKeyName>(std::string_view user)> person_key = {};
};

struct PartitionStats {
  size_t waiting = 0;               // commands submitted and not yet decided
  uint64_t in_flight = 0;           // decisions that are not durable yet
  std::optional<Time> due_at;       // of the work that it gives itself; in the past: late
  size_t organizations = 0;         // in memory
  size_t organizations_memory = 0;  // bytes, estimated
  uint64_t total_organizations = 0;
  uint64_t used_ids = 0;
  uint64_t loads = 0;         // organizations read from the store
  uint64_t retries_read = 0;  // original decisions read from the log
  uint64_t checkpoints = 0;
  double open_seconds = 0;    // reading the state store at the start
  double replay_seconds = 0;  // then reading the log's tail
  uint64_t replayed = 0;      // decisions of that tail
  std::string store_error;    // why the last checkpoint could not be written, if so; tried again

  // The sum over partitions.
  PartitionStats& operator+=(const PartitionStats& other);
};

class Partition {
 public:
  // Opens the state store's checkpoint, claims the partition, replays the tail of the log through
  // evolve. A store of another version or with damaged rows is rebuilt from the log. kCorrupt: the
  // log ends before the store's checkpoint, or is not the one that it was made of: decisions were
  // lost.
  static Result<std::unique_ptr<Partition>> open(DecisionLog& log, StateStore& store,
                                                 const Rulebooks& rulebooks, const Catalog& catalog,
                                                 const Writer& writer, Time now,
                                                 PartitionOptions options,
                                                 const PartitionHost& host);
  // The same without the claim: step() reads what others write, and nothing is decided.
  static Result<std::unique_ptr<Partition>> follow(DecisionLog& log, StateStore& store,
                                                   const Rulebooks& rulebooks,
                                                   const Catalog& catalog, Time now,
                                                   PartitionOptions options,
                                                   const PartitionHost& host);
  ~Partition();

  // Claims, on a helper thread; is_writer() once the claim has come through. One that fails ends
  // the partition: failure().
  void claim(Writer writer);
  bool is_writer() const;
  // A writer whose every decision is durable follows again: true. False: something is in line or in
  // flight, or it is no writer.
  bool release();

  // Queues a command; `reply` is called exactly once, from submit(), step() or a posted job, unless
  // the partition is destroyed before. A reply may submit. `source`: the command's place in what it
  // was read from, if that can be read again (Kafka's commands partition); rising.
  void submit(CommandBytes command, Reply reply, std::optional<uint64_t> source = {});

  // Decides what is due and what is queued (a bounded number: call again while it says true), hands
  // batches to the log, begins a checkpoint when one is due. `now` may jump either way; decisions
  // never go back in time. False if there was nothing to do.
  bool step(Time now);

  // When step must be called next even if nothing is submitted or posted; nothing if no work is
  // due.
  std::optional<Time> next_due() const;

  Number next_number() const;            // of the next decision
  Number durable() const;                // decisions below it are durable
  std::optional<Error> failure() const;  // why it is dead, if it is
  // Every command whose source is below this was decided or was a retry, as the log says.
  uint64_t settled() const;
  // No helper thread works for it any more: after a failure, its store may be used again.
  bool idle() const;
  PartitionStats stats() const;

  // A hash over all that the engine knows of an organization, 0 if it does not exist; reads the
  // store if it must. Equal histories give equal digests, on every machine. For checks.
  Result<uint64_t> digest(std::string_view org);

  // Writes what the state store lacks, on the calling thread, so that the next start reads no tail:
  // the last thing before it ends, with no step or job running. Does nothing after a failure, or
  // while something is not durable. kIo, kUnavailable: the store stays as it was.
  Result<void> save();

 private:
  class Machine;
  explicit Partition(std::shared_ptr<Machine> machine);
  std::shared_ptr<Machine> machine_;
};

}  // namespace tenure
