#include "tools/server/kafka_lane.h"

#include <utility>

namespace tenure {

void KafkaLane::restart(Offset next) {
  const std::scoped_lock lock(mutex_);
  ++round_;
  entries_.clear();
  next_ = next;
  first_place_ = under_way_ = bytes_ = 0;
  troubled_ = false;
}

KafkaLane::Ticket KafkaLane::admit(Offset offset, size_t bytes) {
  const std::scoped_lock lock(mutex_);
  entries_.push_back({offset, bytes, false});
  next_ = offset.next();
  ++under_way_;
  bytes_ += bytes;
  return {round_, first_place_ + entries_.size() - 1};
}

void KafkaLane::settle(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.round != round_ || ticket.place < first_place_) return;
  Entry& entry = entries_[ticket.place - first_place_];
  if (std::exchange(entry.settled, true)) return;
  --under_way_;
  bytes_ -= entry.bytes;
  for (; !entries_.empty() && entries_.front().settled; ++first_place_) entries_.pop_front();
  if (waiting_) changed_.notify_all();
}

void KafkaLane::trouble(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.round != round_) return;
  troubled_ = true;
  if (waiting_) changed_.notify_all();
}

bool KafkaLane::troubled() const {
  const std::scoped_lock lock(mutex_);
  return troubled_;
}

std::optional<Offset> KafkaLane::settled_below() const {
  const std::scoped_lock lock(mutex_);
  if (round_ == 0) return std::nullopt;
  return entries_.empty() ? next_ : entries_.front().offset;
}

Offset KafkaLane::next() const {
  const std::scoped_lock lock(mutex_);
  return next_;
}

size_t KafkaLane::under_way() const {
  const std::scoped_lock lock(mutex_);
  return under_way_;
}

bool KafkaLane::wait_for_room(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!is_full()) return true;
  waiting_ = true;
  changed_.wait_for(lock, patience, [this] { return !is_full() || troubled_; });
  waiting_ = false;
  return !is_full();
}

bool KafkaLane::has_room_again() const {
  const std::scoped_lock lock(mutex_);
  return under_way_ <= limits_.messages / 2 && bytes_ <= limits_.bytes / 2;
}

void KafkaLane::publication_begins() {
  const std::scoped_lock lock(mutex_);
  ++publications_;
}

void KafkaLane::publication_ended() {
  const std::scoped_lock lock(mutex_);
  --publications_;
  if (waiting_) changed_.notify_all();
}

bool KafkaLane::wait_published(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  waiting_ = true;
  changed_.wait_for(lock, patience, [this] { return publications_ == 0; });
  waiting_ = false;
  return publications_ == 0;
}

}  // namespace tenure
