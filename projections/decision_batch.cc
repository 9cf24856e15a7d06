#include "projections/decision_batch.h"

#include <algorithm>
#include <cstring>

namespace tenure {

// No std::unordered_map: a look-up there is four cache misses, and there is one for each decision.
uint32_t DecisionBatch::index_of(std::string_view org) {
  if ((used_ + 1) * 2 > table_.size()) grow();
  const uint64_t hash = std::hash<std::string_view>{}(org);
  const size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    const Organization& found = organizations_[table_[slot] - 1];
    if (found.hash == hash && found.id == org) return table_[slot] - 1;
  }
  if (used_ == organizations_.size()) organizations_.emplace_back();
  Organization& fresh = organizations_[used_];
  fresh.hash = hash;
  fresh.id.assign(org);
  fresh.decisions = 0;
  table_[slot] = static_cast<uint32_t>(++used_);
  return table_[slot] - 1;
}

void DecisionBatch::grow() {
  table_.assign(std::max<size_t>(64, table_.size() * 2), 0);
  const size_t mask = table_.size() - 1;
  for (size_t index = 0; index < used_; ++index) {
    size_t slot = organizations_[index].hash & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<uint32_t>(index + 1);
  }
}

void DecisionBatch::add(uint64_t number, std::span<const std::byte> payload) {
  uint8_t* copy = payloads_.take(payload.size());
  std::memcpy(copy, payload.data(), payload.size());
  const auto* decision = flatbuffers::GetRoot<schema::Decision>(copy);
  const uint32_t index = index_of(decision->command_nested_root()->org()->string_view());
  ++organizations_[index].decisions;
  added_.push_back({{number, decision}, index});
}

void DecisionBatch::put_together() {
  std::vector<Organization*> sorted;
  sorted.reserve(used_);
  for (size_t index = 0; index < used_; ++index) sorted.push_back(&organizations_[index]);
  std::ranges::sort(sorted, {}, &Organization::id);
  records_.resize(added_.size());
  std::span<const Record> left = records_;
  runs_.clear();
  for (Organization* organization : sorted) {
    organization->begin = records_.size() - left.size();
    runs_.push_back({organization->id, left.first(organization->decisions)});
    left = left.subspan(organization->decisions);
  }
  for (const Added& added : added_) {
    records_[organizations_[added.organization].begin++] = added.record;
  }
}

void DecisionBatch::fetch_ahead_of(const Record& record) const {
  constexpr ptrdiff_t kAhead = 4;
  constexpr size_t kLine = 64, kBytes = 320;  // about what a decision takes
  const Record* const ahead = &record + kAhead;
  if (ahead >= records_.data() + records_.size()) return;
  const auto* bytes = reinterpret_cast<const std::byte*>(ahead->decision);
  for (size_t at = 0; at < kBytes; at += kLine) __builtin_prefetch(bytes + at);
}

void DecisionBatch::clear() {
  std::ranges::fill(table_, 0);
  payloads_.clear();
  used_ = 0;
  added_.clear();
  runs_.clear();
}

}  // namespace tenure
