#include "engine/partition/used_ids.h"

#include "engine/base/check.h"

namespace tenure {

Day day_of(Time time) {
  return static_cast<Day>(std::chrono::floor<std::chrono::days>(time).time_since_epoch().count());
}

UsedIds::Bucket& UsedIds::bucket_of(Day day, Number first) {
  if (buckets_.empty() || buckets_.back().day != day) {
    CHECK(buckets_.empty() || buckets_.back().day < day);
    buckets_.push_back({day, first, {}});
  }
  return buckets_.back();
}

void UsedIds::add_all(Day day, std::span<const UsedId> ids) {
  constexpr size_t kAhead = 32;
  for (size_t i = 0; i < ids.size(); i++) {
    if (i + kAhead < ids.size()) {
      bucket_of(day, ids[i].number).index.prefetch(ids[i + kAhead].hash);
    }
    add(day, ids[i]);
  }
}

void UsedIds::add(Day day, UsedId id) {
  Bucket& bucket = bucket_of(day, id.number);
  CHECK(id.number.value - bucket.first.value <= HashIndex::kMaxValue);
  bucket.index.insert(id.hash, static_cast<uint32_t>(id.number.value - bucket.first.value));
  size_++;
}

void UsedIds::prefetch(uint64_t hash) const {
  for (const Bucket& bucket : buckets_) bucket.index.prefetch(hash);
}

void UsedIds::find(uint64_t hash, std::vector<Number>& candidates) const {
  for (auto bucket = buckets_.rbegin(); bucket != buckets_.rend(); ++bucket) {
    bucket->index.find(hash, [&](uint32_t value) {
      candidates.push_back({bucket->first.value + value});
      return false;
    });
  }
}

bool UsedIds::full(Number next) const {
  return size_ >= max_ids_ ||
         (!buckets_.empty() && next.value - buckets_.back().first.value >= HashIndex::kMaxValue);
}

Day UsedIds::first_day(Time now) const {
  // A day is kept until all of it is older than the window.
  return day_of(now - window_);
}

void UsedIds::forget(Time now) {
  while (!buckets_.empty() && buckets_.front().day < first_day(now)) {
    size_ -= buckets_.front().index.size();
    buckets_.pop_front();
  }
}

}  // namespace tenure
