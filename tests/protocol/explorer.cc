#include "tests/protocol/explorer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "tests/protocol/protocol_checks.h"

namespace tenure::test {
namespace {

using Words = std::array<uint64_t, sizeof(State) / sizeof(uint64_t)>;
static_assert(std::tuple_size_v<Words> <= 64);

Words words_of(const State& state) {
  Words words;
  std::memcpy(words.data(), &state, sizeof(State));
  return words;
}

State state_of(const Words& words) {
  State state;
  std::memcpy(&state, words.data(), sizeof(State));
  return state;
}

uint64_t hash_of(const State& state) {
  uint64_t hash = 0x9e3779b97f4a7c15u;
  for (const uint64_t word : words_of(state)) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (hash >> 32)) * 0xc4ceb9fe1a85ec53u;
    hash ^= hash >> 29;
  }
  return hash;
}

// States that wait for their turn, in order. Most of a state is zero, so only its other words are
// kept, behind a map that says which those are.
class Waiting {
 public:
  bool empty() const { return kept_.empty(); }
  void clear() { kept_.clear(); }

  void add(const State& state) {
    const Words words = words_of(state);
    const size_t map_at = kept_.size();
    kept_.push_back(0);
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] == 0) continue;
      kept_[map_at] |= uint64_t{1} << i;
      kept_.push_back(words[i]);
    }
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (size_t at = 0; at < kept_.size();) {
      Words words{};
      for (uint64_t map = kept_[at++]; map != 0; map &= map - 1) {
        words[std::countr_zero(map)] = kept_[at++];
      }
      if (!visit(state_of(words))) return;
    }
  }

 private:
  std::vector<uint64_t> kept_;
};

// The states met, numbered in the order of their discovery.
class Met {
 public:
  Met() : slots_(size_t{1} << 16, kFree) {}

  // False: was there before.
  bool add(uint64_t hash, uint32_t parent) {
    if (2 * hashes_.size() >= slots_.size()) grow();
    uint32_t& slot = slot_of(hash);
    if (slot != kFree) return false;
    slot = static_cast<uint32_t>(hashes_.size());
    hashes_.push_back(hash);
    parents_.push_back(parent);
    return true;
  }

  size_t size() const { return hashes_.size(); }

  // The hashes from the first state (not included) to the last one.
  std::vector<uint64_t> path_to_last() const {
    std::vector<uint64_t> path;
    for (size_t at = size() - 1; at != 0; at = parents_[at]) path.push_back(hashes_[at]);
    std::reverse(path.begin(), path.end());
    return path;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  uint32_t& slot_of(uint64_t hash) {
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    while (slots_[at] != kFree && hashes_[slots_[at]] != hash) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    slots_.assign(2 * slots_.size(), kFree);
    for (uint32_t i = 0; i < hashes_.size(); ++i) slot_of(hashes_[i]) = i;
  }

  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> slots_;
};

// States are not kept, so the steps are found by walking the path again.
std::vector<Step> steps_along(const ProtocolModel& model, const std::vector<uint64_t>& path) {
  std::vector<Step> steps;
  State state{};
  std::vector<Successor> next;
  for (const uint64_t hash : path) {
    next.clear();
    model.successors(state, next);
    const auto taken = std::find_if(next.begin(), next.end(), [&](const Successor& successor) {
      return hash_of(successor.state) == hash;
    });
    if (taken == next.end()) std::abort();  // successors() is not a function of the state
    steps.push_back(taken->step);
    state = State{taken->state};
  }
  return steps;
}

class Walk {
 public:
  Walk(const ProtocolModel& model, size_t limit) : model_(model), limit_(limit) {}

  Exploration run() {
    if (meet(State{}, 0)) walk_levels();
    found_.states = met_.size();
    if (found_.fault) found_.path = steps_along(model_, met_.path_to_last());
    return std::move(found_);
  }

 private:
  void walk_levels() {
    uint32_t parent = 0;
    Waiting level;
    std::vector<Successor> next;
    while (!discovered_.empty()) {
      std::swap(level, discovered_);
      discovered_.clear();
      bool going_on = true;
      level.for_each([&](const State& state) {
        next.clear();
        model_.successors(state, next);
        found_.transitions += next.size();
        for (size_t i = 0; i < next.size() && going_on; ++i) {
          going_on = meet(next[i].state, parent);
        }
        ++parent;
        return going_on;
      });
      if (!going_on) return;
      if (!discovered_.empty()) ++found_.depth;
    }
    found_.complete = true;
  }

  // False: the walk is over.
  bool meet(const State& state, uint32_t parent) {
    if (!met_.add(hash_of(state), parent)) return true;
    const Reading history = model_.read(state, state.log_size);
    found_.stopped += history.stopped;
    found_.finished += !history.stopped && history.size == model_.bounds().commands;
    found_.fault = find_fault(model_, state, history);
    if (!found_.fault) found_.fault = find_obstacle(model_, state);
    if (found_.fault || met_.size() > limit_) return false;
    discovered_.add(state);
    return true;
  }

  const ProtocolModel& model_;
  const size_t limit_;
  Met met_;
  Waiting discovered_;
  Exploration found_;
};

}  // namespace

Exploration explore(const ProtocolModel& model, size_t limit) { return Walk(model, limit).run(); }

}  // namespace tenure::test
