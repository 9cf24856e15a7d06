// The engine with its threads: one partition over the segment log of a data directory, or all
// partitions of a log over Kafka; and the read models that follow.
//
//   callers --> mailbox --> engine thread --> log's writer thread --> engine thread --> reply
//                                                    \--> projector thread --> read models
//   over Kafka (kafka_side.h):
//   callers --> commands topic --> the owner's mailbox --> ... --> results topic --> reply
//
// The engine and the projector are step machines without threads or clocks; here they get both.
// Every method may be called from any thread. A failure of the log ends the host: whatever waits is
// answered kUnavailable, `failure()` says why, and the process has to stop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/domain/catalog.h"
#include "engine/domain/rulebook.h"
#include "engine/json/json_edge.h"
#include "engine/log/segment_log.h"
#include "engine/partition/partition.h"
#include "projections/queries/as_of.h"
#include "projections/queries/queries.h"
#include "tools/server/host_stats.h"
#include "tools/server/kafka_side.h"
#include "tools/server/log_scrub.h"
#include "tools/server/mailbox.h"
#include "tools/server/notary_schedule.h"

namespace tenure {

class NotaryHost;  // notary_host.h

struct HostOptions {
  std::string data_directory;
  std::string address;  // where this process is reached; empty for one that serves nobody
  std::optional<KafkaSideOptions> kafka;  // else the log is in the data directory
  uint64_t segment_bytes = SegmentOptions{}.segment_bytes;
  LogScrubOptions scrub;                 // of the log in the data directory
  std::optional<NotarySchedule> notary;  // of signed heads; nothing: none are signed
  // Opens a log whose key store is gone: what was sealed with it cannot be read any more.
  bool accept_lost_keys = false;
  bool follow = true;   // false: the read models stay where they are (a bench of the engine alone)
  std::string catalog;  // a file; empty: the built-in one (catalog_file.h)
  PartitionOptions partition;
  FileSystem* files = &posix_file_system();  // of the log and of the keys; outlives the host
  Clock* clock = nullptr;  // by which is decided, asked on any thread; null: the system's
};

class EngineHost {
 public:
  // Opens or makes the data directory, replays what must be replayed, claims the partition, starts
  // the threads. kConflict: another process has the directory (the message names it).
  static Result<std::unique_ptr<EngineHost>> open(HostOptions options);
  ~EngineHost();  // close()

  // Personal text of the command sealed under the keys of this directory, or over Kafka those that
  // all processes share. To be done to every command from outside before it is submitted; may cost
  // a sync, or a message, for somebody new. kInvalid: the message begins with the rejection code,
  // as verify_command's; kIo; kUnavailable.
  Result<CommandBytes> seal(CommandBytes command);
  const Unsealer& unsealer() const;

  using Submission = tenure::Submission;
  // `reply` is called exactly once, on the engine thread (over Kafka: on others too, within 10
  // seconds, kUnavailable if no owner answered by then); it must not block.
  void submit(CommandBytes command, Reply reply);
  void submit(std::span<Submission> batch);  // moved from; in order, under one lock

  // Calls `done(true)` once the read models have the decision at `position`, or `done(false)` at
  // the deadline; at once if they have it already, else on a thread of the host.
  void when_applied(Position position, std::chrono::steady_clock::time_point deadline,
                    std::function<void(bool)> done);
  bool wait_applied(Position position, std::chrono::milliseconds timeout);

  // The live read models as they are now, and one organization's as they were.
  std::unique_ptr<const RowView> view() const;
  Result<PastOrganization> as_of(const RowView& now, std::string_view org, Moment moment,
                                 const std::stop_token& stop) const;
  // For reading; append only through submit().
  DecisionLog& log() const;

  const Rulebooks& rulebooks() const;
  RulebookCache& compiled_rulebooks() const;  // of organizations that have rules of their own
  const Catalog& catalog() const;
  // False: it keeps no read models, and view() must not be called.
  bool serves_reads() const;
  // Partitions of the log, all of which this process follows; and where an organization is.
  uint32_t partitions() const;
  PartitionId partition_of(std::string_view org) const;
  Number at_open(PartitionId partition) const;  // decisions below it were in the log when it opened
  Number durable(PartitionId partition) const;  // decisions below it are in the log
  Number applied(PartitionId partition) const;  // and, below this one, in the read models
  // Null: this process signs nothing.
  const NotaryHost* notaries() const;
  HostStats stats() const;
  std::vector<PartitionStatus> status() const;
  // What services may do, and their keys, as far as this process knows; null: none was granted
  // anything. A change is known before its command is answered here; to other processes when they
  // have read it from the log, usually within milliseconds.
  std::shared_ptr<const Services> services() const;
  // Whether the read models have all that the log had when it was opened.
  bool caught_up() const;

  // What stopped the engine, if something did. `on_failure` is called once, on the engine thread.
  std::optional<Error> failure() const;
  void on_failure(const std::function<void()>& callback);

  // Takes no more, answers what waits, makes it durable, marks the stop as clean.
  Result<void> close();

 private:
  struct Impl;
  explicit EngineHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
