// Has keys destroyed once their erasures are durable, on a thread of its own; nobody is told before
// that an erasure is done. engine/personal/README.md says why it is enough.
//
//   submit -> partition -> durable -> answer held back -> key destroyed -> engine thread -> reply
//
// What cannot be done now (kUnavailable) is tried again until it is done; whatever else fails ends
// the process, and the next one does it at its start.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/log/decision_log.h"
#include "engine/partition/answer.h"
#include "engine/partition/command_bytes.h"
#include "engine/personal/person_keys.h"

namespace tenure {

class Eraser {
 public:
  // The log and the keys must outlive it.
  struct Surroundings {
    DecisionLog& log;
    std::function<Result<std::string>(PartitionId)> log_id;
    PersonKeys& keys;
    std::function<void(std::function<void()>)> post;  // has the job run on the engine thread
    std::function<void(const Error&)> on_failure;     // any thread: the process has to stop
  };
  Eraser(Surroundings around, size_t partitions);
  ~Eraser();  // stop()

  // The command's reply; of an EraseSubject one that passes the answer on, on the engine thread,
  // when what it erased is, or says kUnavailable. `decided_in`: by this process. Any thread.
  Reply once_erased(const CommandBytes& command, Reply reply,
                    std::optional<PartitionId> decided_in);

  // Carries out what others may have left of the partition's durable decisions, then has `done` run
  // on the engine thread. Any thread.
  void catch_up(PartitionId partition, std::function<void()> done);

  // The engine thread. Decisions below `durable` are; this process wrote them, or has caught up
  // since they were written. Now and then the mark of the keys is moved there, so that a start has
  // little to look at.
  void advance(PartitionId partition, Number durable);

  // Takes no more, finishes what it can, and ends its thread.
  void stop();
  // Whether the mark can be moved to the end of what is durable: nothing is left to do. After
  // stop().
  bool is_done(PartitionId partition) const;

 private:
  struct Task {
    std::function<Result<void>()> work;
    std::function<void(const Result<void>&)> tell;  // after every try
    std::optional<PartitionId> partition;           // whose `unfinished` counts it
  };
  struct Place {
    uint64_t unfinished = 0;  // erasures and scans, from before they are decided on; under mutex_
    uint64_t marked = 0;      // the engine thread's
  };

  [[nodiscard]] bool put(Task task);
  void run();
  bool try_until_done(const Task& task);
  void carry_out(std::optional<PartitionId> partition, const Answer& answer, const Reply& reply);
  void finish(std::optional<PartitionId> partition);

  const Surroundings around_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::deque<Place> places_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tenure
