// A partition on one thread, with a clock, a log and a store that the test controls: nothing
// becomes durable, nothing is loaded and nothing posted runs before the test says so.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/log/memory_log.h"
#include "engine/partition/partition.h"
#include "schemas/decision_generated.h"

namespace tenure::test {

// An answer, kept. `decision` outlives the reply.
struct KeptAnswer {
  Answer::Kind kind{};
  uint64_t number = 0;
  std::string message;
  std::vector<std::byte> bytes;
  size_t times = 0;  // how often the reply was called

  bool there() const { return times > 0; }
  const schema::Decision& decision() const;
  bool accepted() const { return decision().outcome() == schema::Outcome::accepted; }
  schema::RejectionCode code() const;  // of a rejection
  uint64_t version() const { return decision().version(); }
  int64_t time() const { return decision().time(); }
};

// Parses and verifies a command in JSON, or ends the test program.
CommandBytes command(std::string_view json);

std::string numbered(std::string_view name, uint64_t number);  // "org7"

// Commands of one organization in few words; `what` is the body of "command".
std::string json(std::string_view id, std::string_view org, std::string_view actor,
                 std::string_view type, std::string_view what, std::string_view more = "");
std::string create(std::string_view id, std::string_view org);  // by user:olga, rulebook space
std::string add(std::string_view id, std::string_view org, std::string_view user,
                std::string_view role = "MANAGER");

class Harness {
 public:
  explicit Harness(StateStore& store, PartitionOptions options = {});

  // Opens the partition; on a restart what was in flight and all jobs are lost, as in a crash.
  Result<void> try_open();
  void open();
  // Opens it without a claim, and claims.
  void follow();
  void claim();

  // The index of the answer-to-be.
  size_t send(std::string_view json) { return send(command(json)); }
  size_t send(CommandBytes command, std::optional<uint64_t> source = {});
  // send, then settle, then the answer, which must be there.
  const KeptAnswer& ask(std::string_view json);
  const KeptAnswer& answer(size_t index) const { return *answers_[index]; }

  bool step() { return partition_->step(now); }
  bool run_job();     // the oldest job for a helper thread
  bool run_posted();  // everything posted
  void settle();      // until nothing moves: steps, jobs, posts, batches become durable
  void checkpoint();  // lets the checkpoint's time come, and settles

  // All decisions of the log, by number.
  std::vector<std::string> decisions();

  Partition& partition() { return *partition_; }
  MemoryLog& log() { return *log_; }
  void replace_log() { log_ = std::make_shared<MemoryLog>(); }  // by an empty one; reopen then
  void share_log_of(Harness& other) { log_ = other.log_; }

  Time now = from_micros(1'800'000'000'000'000);
  // What it told of services, and what another partition is said to have told.
  std::vector<std::shared_ptr<const Services>> told_services;
  std::shared_ptr<const Services> services_elsewhere;
  std::function<void()> on_told = [] {};

 private:
  PartitionHost begin_anew();
  StateStore& store_;
  PartitionOptions options_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::deque<std::function<void()>> jobs_, posted_;
  std::vector<std::shared_ptr<KeptAnswer>> answers_;
  std::unique_ptr<Partition> partition_;
};

}  // namespace tenure::test
