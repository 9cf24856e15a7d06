#include "projections/decision_batch.h"

#include <algorithm>
#include <cstring>

#include "engine/log/record.h"

namespace tenure {
namespace {

constexpr size_t kBlock = 16u << 20;
static_assert(kBlock >= kMaxPayload);

}  // namespace

std::byte* DecisionBatch::take(size_t size) {
  size = padded(size);
  if (size > left_) {
    if (blocks_used_ == blocks_.size()) {
      blocks_.push_back(std::make_unique_for_overwrite<uint64_t[]>(kBlock / 8));
    }
    next_ = reinterpret_cast<std::byte*>(blocks_[blocks_used_++].get());
    left_ = kBlock;
  }
  std::byte* taken = next_;
  next_ += size;
  left_ -= size;
  bytes_ += size;
  return taken;
}

void DecisionBatch::add(uint64_t number, std::span<const std::byte> payload) {
  std::byte* copy = take(payload.size());
  std::memcpy(copy, payload.data(), payload.size());
  const auto* decision = flatbuffers::GetRoot<schema::Decision>(copy);
  std::string_view org = decision->command_nested_root()->org()->string_view();
  auto [found, fresh] = run_of_.try_emplace(org, static_cast<uint32_t>(run_of_.size()));
  if (fresh) {
    if (found->second == runs_.size()) runs_.emplace_back();
    runs_[found->second].org = org;
    runs_[found->second].records.clear();
  }
  runs_[found->second].records.push_back({number, decision});
  ++decisions_;
}

std::span<const DecisionBatch::Run> DecisionBatch::runs() {
  std::span<Run> runs(runs_.data(), run_of_.size());
  std::ranges::sort(runs, {}, &Run::org);
  return runs;
}

void DecisionBatch::clear() {
  run_of_.clear();
  blocks_used_ = 0;
  next_ = nullptr;
  left_ = decisions_ = bytes_ = 0;
}

}  // namespace tenure
