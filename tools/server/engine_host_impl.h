// The inside of a host (engine_host.h). Its methods stand in three files: engine_host.cc (what
// others call), engine_host_open.cc (open, close), engine_host_threads.cc (what runs).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/log/segment_log.h"
#include "engine/personal/key_store.h"
#include "engine/personal/seal_command.h"
#include "projections/queries/rulebook_cache.h"
#include "projections/read_models.h"
#include "tools/server/applied_waiters.h"
#include "tools/server/data_directory.h"
#include "tools/server/engine_host.h"
#include "tools/server/eraser.h"
#include "tools/server/kafka_publisher.h"
#include "tools/server/kafka_side.h"
#include "tools/server/mailbox.h"
#include "tools/server/notary_host.h"
#include "tools/server/owned_partition.h"
#include "tools/server/trouble.h"
#include "tools/server/work_pool.h"

namespace tenure {

struct EngineHost::Impl {
  explicit Impl(HostOptions given) : options(std::move(given)) {}

  HostOptions options;
  SystemClock system_clock;
  Rulebooks rulebooks;
  RulebookCache compiled_rulebooks;
  std::optional<Catalog> catalog;
  std::atomic<uint64_t> log_batches = 0, log_sync_nanoseconds = 0;
  Mailbox mailbox;

  // Destroyed from the last to the first: helpers end before what they work on.
  std::unique_ptr<SegmentLog> segments;  // this or
  std::unique_ptr<KafkaSide> kafka;      // this
  DecisionLog* log = nullptr;            // is the log
  std::unique_ptr<KeyStore> key_file;    // this, or those of the topic,
  PersonKeys* keys = nullptr;            // are the keys
  std::optional<KeyUnsealer> unsealer;
  std::optional<Eraser> eraser;
  std::optional<OwnedPartition::Surroundings> around;
  std::unique_ptr<ReadModels> models;
  std::unique_ptr<WorkPool> helpers, background;
  std::unique_ptr<LogScrub> scrub;  // null over Kafka

  // Told by the partition of `_tenure`, looked at by all.
  mutable std::mutex services_mutex;
  std::shared_ptr<const Services> services;

  // What is known of one partition from other threads.
  struct Place {
    std::unique_ptr<OwnedPartition> owned;  // the engine thread's
    AppliedWaiters waiters;
    AppliedWaiters followed;  // by the engine thread
    Number at_open;           // decisions in the log when it was opened
    std::atomic<uint64_t> durable = 0;
    PartitionStats stats;  // under state_mutex, as are these
    bool writer = false;
    uint64_t settled = 0;
  };
  std::deque<Place> places;  // by partition

  std::thread engine, projector;
  std::mutex projector_mutex;
  std::condition_variable projector_wakes;
  bool projector_has_work = false, projector_gathers = false, projector_stops = false;

  // Seen by the engine thread, and by the projector thread.
  Trouble log_refuses{"log_refuses"}, state_store_fails{"state_store_fails"};
  Trouble read_models_fail{"read_models_fail"};
  Trouble another_build{"another_build_owns"};  // by the engine thread
  std::atomic<bool> claims_read = false;        // since it looked at the owners

  mutable std::mutex state_mutex;  // of what follows
  std::optional<Error> failure;
  std::function<void()> on_failure;
  bool closed = false;

  // Last: their threads look at all of the above.
  std::unique_ptr<KafkaPublisher> heads_topic;  // over Kafka
  std::unique_ptr<NotaryHost> notaries;         // null: this process signs nothing

  Result<void> open();
  Result<void> open_segments(const DataDirectory& data);
  Reply once_known(const CommandBytes& command, Reply reply);
  Result<void> open_kafka(const DataDirectory& data);
  Result<void> open_keys(const DataDirectory& data);
  Result<void> open_notaries(const DataDirectory& data);
  Time now() { return options.clock != nullptr ? options.clock->now() : system_clock.now(); }
  Result<std::string> log_id(PartitionId partition) const;
  void open_eraser();
  void surround();
  Result<void> open_partitions(const DataDirectory& data);
  void log_read_models() const;
  Partitions partitions() const;
  void run_engine();
  bool step_partitions();
  std::chrono::microseconds patience();
  bool drained() const;
  void publish();
  std::string who_decides_otherwise() const;  // over Kafka; empty: nobody
  void fail(const Error& error);
  void run_projector();
  void advance();
  void wake_projector();
  uint64_t behind() const;  // decisions that the read models lack
  bool worth_a_step() const;
  Result<void> close();
};

}  // namespace tenure
