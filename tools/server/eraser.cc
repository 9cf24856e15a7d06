#include "tools/server/eraser.h"

#include <spdlog/spdlog.h>

#include "engine/base/thread_name.h"
#include "engine/personal/erasures.h"
#include "tools/server/answer_json.h"

namespace tenure {
namespace {

constexpr std::chrono::seconds kTryAgain{1};
// A start looks at about as many decisions, in some 50 ms.
constexpr uint64_t kMarkEvery = 100'000;

Answer not_yet(const std::string& why) {
  return unavailable("it was decided, but the key could not be destroyed yet (" + why +
                     "); retry with the same id");
}

}  // namespace

Eraser::Eraser(Surroundings around, size_t partitions)
    : around_(std::move(around)), places_(partitions), thread_([this] { run(); }) {}

Eraser::~Eraser() { stop(); }

Reply Eraser::once_erased(const CommandBytes& command, Reply reply,
                          std::optional<PartitionId> decided_in) {
  if (command.get().command_as_EraseSubject() == nullptr) return reply;
  if (decided_in) {
    const std::scoped_lock lock(mutex_);
    ++places_[decided_in->value].unfinished;
  }
  return [this, reply = std::move(reply), decided_in](const Answer& answer) {
    carry_out(decided_in, answer, reply);
  };
}

void Eraser::carry_out(std::optional<PartitionId> partition, const Answer& answer,
                       const Reply& reply) {
  if (answer.kind == Answer::Kind::kUnavailable) {
    reply(answer);
    // Whether it was decided is not known; then the log says it.
    if (partition) catch_up(*partition, {});
    return finish(partition);
  }
  const auto kept = std::make_shared<KeptAnswer>(answer);
  const auto waits = std::make_shared<Reply>(reply);
  const bool taken = put(
      {.work =
           [this, kept] {
             return carry_out_erasures(
                 *flatbuffers::GetRoot<schema::Decision>(kept->decision().data()), around_.keys);
           },
       .tell =
           [this, kept, waits](const Result<void>& done) {
             Reply told = std::exchange(*waits, {});
             if (!told) return;
             around_.post([told = std::move(told), kept, done] {
               if (done) return told({kept->kind, kept->position, kept->decision(), kept->message});
               told(not_yet(done.error().message));
             });
           },
       .partition = partition});
  if (!taken) reply(not_yet("this process is stopping"));
}

void Eraser::catch_up(PartitionId partition, std::function<void()> done) {
  {
    const std::scoped_lock lock(mutex_);
    ++places_[partition.value].unfinished;
  }
  (void)put({.work = [this, partition]() -> Result<void> {
               return carry_out_erasures(around_.log, TRY(around_.log_id(partition)), partition,
                                         around_.keys);
             },
             .tell =
                 [this, done = std::move(done)](const Result<void>& outcome) {
                   if (outcome && done) around_.post(done);
                 },
             .partition = partition});
}

// An erasure among decisions below `durable` was counted before it was submitted, so before that
// number was seen.
void Eraser::advance(PartitionId partition, Number durable) {
  Place& place = places_[partition.value];
  if (durable.value < place.marked + kMarkEvery || !is_done(partition)) return;
  place.marked = durable.value;
  (void)put({.work = [this, partition, durable]() -> Result<void> {
               return mark_erasures(TRY(around_.log_id(partition)), partition, durable,
                                    around_.keys);
             },
             .tell = [](const Result<void>&) {},
             .partition = {}});
}

bool Eraser::is_done(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  return places_[partition.value].unfinished == 0;
}

void Eraser::finish(std::optional<PartitionId> partition) {
  if (!partition) return;
  const std::scoped_lock lock(mutex_);
  --places_[partition->value].unfinished;
}

// --- the thread ---

// False after stop(): its partition stays unfinished, and the next start does it.
bool Eraser::put(Task task) {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return false;
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void Eraser::run() {
  name_this_thread("tenure-eraser");
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    if (try_until_done(task)) finish(task.partition);
  }
}

bool Eraser::try_until_done(const Task& task) {
  for (bool first = true;; first = false) {
    const Result<void> outcome = task.work();
    task.tell(outcome);
    if (outcome) return true;
    if (first) spdlog::warn("event=erasure_waits error=\"{}\"", outcome.error().message);
    if (outcome.error().kind != ErrorKind::kUnavailable) {
      around_.on_failure(outcome.error());
      return false;
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kTryAgain, [this] { return stopping_; })) return false;
  }
}

void Eraser::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace tenure
