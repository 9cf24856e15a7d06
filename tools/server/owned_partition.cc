#include "tools/server/owned_partition.h"

#include <algorithm>
#include <utility>

namespace tenure {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff{50}, kLongestBackoff{5000};
// How long a claim must have held for the next back-off to begin small again.
constexpr std::chrono::seconds kSettledIn{10};
// What is waited for is looked at this often: a poll, a helper thread's last job.
constexpr std::chrono::milliseconds kLookAgain{10};

// Errors that no other claim mends.
bool is_final(const Error& error) {
  return error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kUnsupported ||
         error.kind == ErrorKind::kInvalid || error.kind == ErrorKind::kIo;
}

}  // namespace

Result<std::unique_ptr<OwnedPartition>> OwnedPartition::open_writing(
    const Surroundings& around, std::unique_ptr<StateStore> store, PartitionOptions options,
    Time now) {
  std::unique_ptr<OwnedPartition> owned(new OwnedPartition(around, std::move(store), options));
  owned->partition_ =
      TRY(Partition::open(around.log, *owned->store_, around.rulebooks, around.catalog,
                          around.writer, now, owned->options_, around.host));
  owned->writing_ = true;
  return owned;
}

Result<std::unique_ptr<OwnedPartition>> OwnedPartition::open_following(
    const Surroundings& around, std::unique_ptr<StateStore> store, PartitionOptions options,
    Time now) {
  std::unique_ptr<OwnedPartition> owned(new OwnedPartition(around, std::move(store), options));
  owned->partition_ = TRY(Partition::follow(around.log, *owned->store_, around.rulebooks,
                                            around.catalog, now, owned->options_, around.host));
  return owned;
}

void OwnedPartition::assign() {
  assigned_ = true;
  assigned_at_ = claim_at_ = {};
  polls_at_doubt_ = around_.polls();
}

void OwnedPartition::revoke(std::function<void()> let_go) {
  assigned_ = false;
  let_go_ = std::move(let_go);
}

Result<bool> OwnedPartition::step(Time now) {
  if (const auto why = partition_->failure()) {
    if (!one_process() && !is_final(*why)) return revive(now, *why);
    if (let_go_) let_go();
    return std::unexpected(*why);
  }
  if (assigned_at_ == Time{}) assigned_at_ = now;
  const bool busy = partition_->step(now);
  if (one_process()) return busy;
  if (partition_->is_writer() && !writing_) {
    writing_ = true;
    claiming_ = false;
    writer_since_ = now;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - assigned_at_);
    around_.on_writer(id(), partition_->settled(), took);
  }
  if (let_go_) let_go();
  if (assigned_) claim_if_due(now);
  return busy;
}

// Follows anew from the state store, once no helper works with it any more.
Result<bool> OwnedPartition::revive(Time now, const Error& why) {
  if (!std::exchange(doubted_, true)) {
    around_.on_doubt(id(), why);
    const bool held = writing_ && now - writer_since_ > kSettledIn;
    backoff_ = held ? kFirstBackoff : std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
    const auto jitter = backoff_ * (50 + static_cast<int>(random_() % 50)) / 100;
    claim_at_ = now + jitter;
    assigned_at_ = now;
    polls_at_doubt_ = around_.polls();
    claiming_ = writing_ = false;
  }
  if (let_go_) let_go();
  if (!partition_->idle()) return false;
  auto followed = Partition::follow(around_.log, *store_, around_.rulebooks, around_.catalog, now,
                                    options_, around_.host);
  if (!followed && !is_final(followed.error())) return false;  // the mirror lags; tried again
  partition_ = TRY(std::move(followed));
  doubted_ = false;
  return true;
}

void OwnedPartition::claim_if_due(Time now) {
  claim_at_ = std::min(claim_at_, now + kLongestBackoff);  // the clock may have gone back
  if (claiming_ || writing_ || now < claim_at_) return;
  if (!around_.assigned_since(id(), polls_at_doubt_)) return;
  claiming_ = true;
  partition_->claim(around_.writer);
}

// Once it is a writer without anything in flight, or none at all; a claim under way is waited for.
void OwnedPartition::let_go() {
  const bool dead = partition_->failure().has_value();
  if (!dead && claiming_) return;
  if (!dead && writing_ && !partition_->release()) return;
  writing_ = false;
  std::exchange(let_go_, {})();
}

std::optional<Time> OwnedPartition::wakes_at(Time now) const {
  if (one_process()) return partition_->next_due();
  std::optional<Time> next = partition_->next_due();
  const bool waits = partition_->failure() || let_go_ || claiming_ || (assigned_ && !writing_);
  if (waits) next = std::min(next.value_or(Time::max()), now + kLookAgain);
  return next;
}

}  // namespace tenure
