// The notaries of a host, one a partition (consumers/notary/notary.h), on a thread of their own:
// the engine does not wait for them.
//
// Every process signs with its own key all partitions that it follows, so over Kafka each process
// is a witness of the others. What a process signs of a partition that it writes goes to the topic
// `<prefix>.checkpoints` too, where it stays for ever: key the origin, value the note.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "consumers/notary/notary.h"
#include "tools/server/notary_schedule.h"
#include "tools/server/trouble.h"

namespace tenure {

class NotaryHost {
 public:
  // Where heads go; `done` is called once. On the notaries' thread; must not block.
  using Publish = std::function<void(const SignedHead&, std::function<void(Result<void>)> done)>;
  struct Surroundings {
    FileSystem& files;
    DecisionLog& log;  // these two outlive it
    uint32_t partitions;
    std::string directory;                        // `key.pem`, and a directory a partition
    std::function<bool(PartitionId)> is_written;  // by this process
    Publish publish;                              // if there is anywhere to
  };

  // Makes the key at the first start. What SigningKey says.
  static Result<std::unique_ptr<NotaryHost>> open(Surroundings around, NotarySchedule schedule);
  ~NotaryHost();

  // Takes in what the log still has, for some seconds at most, and signs a last time.
  void stop();

  // Null until its partition has a claim. Any thread; lives as long as this.
  const Notary* of(PartitionId partition) const;
  VerifierKey key_of(const Notary& notary) const { return key_.public_key(notary.origin()); }
  // What keeps it from signing, or from publishing; empty: nothing. `mismatch`: the log is not what
  // was signed.
  std::string trouble() const { return trouble_.now(); }
  std::string mismatch() const { return mismatch_.now(); }

 private:
  struct Place {
    std::unique_ptr<Notary> owned;
    std::atomic<const Notary*> notary = nullptr;
    std::optional<Error> ended;  // it cannot go on in this process
    bool is_written = false;
  };
  NotaryHost(Surroundings around, NotarySchedule schedule, SigningKey key);
  void run(const std::stop_token& stop);
  bool step_all(bool last_time, const std::function<bool()>& enough);
  Result<bool> step(Place& place, PartitionId id, Time now, bool last_time);
  void publish(const SignedHead& head);
  void wait_for_published();

  // What is on its way to where heads go. Whoever publishes may say so later than this host lives.
  struct Publishing {
    std::mutex mutex;
    std::condition_variable settled;
    uint64_t heads = 0;
    std::string error;  // of the last one that failed, until one succeeds
  };

  const Surroundings around_;
  const NotarySchedule schedule_;
  const SigningKey key_;
  std::deque<Place> places_;  // by partition
  Trouble trouble_{"notary_fails"}, mismatch_{"log_differs_from_signed"};

  const std::shared_ptr<Publishing> publishing_ = std::make_shared<Publishing>();

  std::mutex mutex_;  // of the thread's sleep
  std::condition_variable_any wakes_;
  std::jthread thread_;
};

}  // namespace tenure
