// A map from text ids to values: two cache misses a look-up, and both can be prefetched.
//
// Entries lie in one vector, in the order in which they came (an erased one's place is taken by the
// last); a table of 8-byte slots says where. So iterators, pointers and references end with the
// next insertion or erasure. Chosen over std::unordered_map for the look-ups by the hundred
// thousand a second: a node map takes four misses to say that an id is new
// (tests/domain/decide_speed, tests/partition/partition_speed). One thread writes, or any number
// read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/ids.h"

namespace tenure {

// `Key` is a TextId: made from a std::string_view, and seen as one.
template <class Key, class Value>
class TextMap {
 public:
  using value_type = std::pair<Key, Value>;
  using mapped_type = Value;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void clear() {
    entries_.clear();
    slots_.clear();
  }

  iterator find(std::string_view key) { return begin() + static_cast<ptrdiff_t>(place_of(key)); }
  const_iterator find(std::string_view key) const {
    return begin() + static_cast<ptrdiff_t>(place_of(key));
  }
  bool contains(std::string_view key) const { return place_of(key) < size(); }
  const Value& at(std::string_view key) const {
    if (const auto found = find(key); found != end()) return found->second;
    throw std::out_of_range("TextMap::at");
  }

  // Makes a value out of `arguments` unless the key is there.
  template <class... Arguments>
  std::pair<iterator, bool> try_emplace(const Key& key, Arguments&&... arguments) {
    if (const auto found = find(key); found != end()) return {found, false};
    make_room();
    place_slot({tag_of(key), static_cast<uint32_t>(entries_.size()) + 1});
    entries_.emplace_back(std::piecewise_construct, std::forward_as_tuple(key),
                          std::forward_as_tuple(std::forward<Arguments>(arguments)...));
    return {end() - 1, true};
  }
  Value& operator[](const Key& key) { return try_emplace(key).first->second; }
  void insert_or_assign(const Key& key, Value value) { (*this)[key] = std::move(value); }

  void erase(const_iterator entry) {
    const auto place = static_cast<uint32_t>(entry - begin());
    const auto last = static_cast<uint32_t>(size() - 1);
    remove_slot(slot_at(tag_of(entry->first), place));
    if (place != last) {
      slots_[slot_at(tag_of(entries_[last].first), last)].place = place + 1;
      entries_[place] = std::move(entries_[last]);
    }
    entries_.pop_back();
  }
  void erase(std::string_view key) {
    if (const auto found = find(key); found != end()) erase(found);
  }

  // Bring what a look-up of `key` will read into the cache: first the slot, then, once that is
  // there, the entry. They never wait for memory of the second kind.
  void prefetch_slot(std::string_view key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[tag_of(key) & mask()]);
  }
  void prefetch_entry(std::string_view key) const {
    const uint32_t tag = tag_of(key);
    probe(tag, [&](const Slot& slot) {
      if (slot.tag != tag) return false;
      __builtin_prefetch(&entries_[slot.place - 1]);
      return true;
    });
  }

  // The same entries, in whatever order.
  friend bool operator==(const TextMap& a, const TextMap& b) {
    return a.size() == b.size() && std::ranges::all_of(a, [&](const value_type& entry) {
             const auto other = b.find(entry.first);
             return other != b.end() && other->second == entry.second;
           });
  }

 private:
  struct Slot {
    uint32_t tag;        // of the key's hash; its low bits are the slot's home
    uint32_t place = 0;  // in entries_, plus 1; 0: empty
  };

  static uint32_t tag_of(std::string_view key) {
    const size_t hash = std::hash<std::string_view>{}(key);
    return static_cast<uint32_t>(hash ^ hash >> 32);
  }
  size_t mask() const { return slots_.size() - 1; }

  // Calls `accept` for the slots where `tag` may be until it says true; that slot's number, or the
  // number of slots.
  template <class Accept>
  size_t probe(uint32_t tag, Accept&& accept) const {
    if (slots_.empty()) return 0;
    for (size_t at = tag & mask(); slots_[at].place != 0; at = (at + 1) & mask()) {
      if (accept(slots_[at])) return at;
    }
    return slots_.size();
  }
  size_t slot_at(uint32_t tag, uint32_t place) const {
    return probe(tag, [&](const Slot& slot) { return slot.place == place + 1; });
  }
  size_t place_of(std::string_view key) const {
    const uint32_t tag = tag_of(key);
    const size_t found = probe(tag, [&](const Slot& slot) {
      return slot.tag == tag && entries_[slot.place - 1].first == key;
    });
    return found < slots_.size() ? slots_[found].place - 1 : size();
  }

  void place_slot(Slot slot) {
    size_t at = slot.tag & mask();
    while (slots_[at].place != 0) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  // Empties a slot and moves those behind it up, so that no look-up meets a gap before its key.
  void remove_slot(size_t gap) {
    for (size_t at = (gap + 1) & mask(); slots_[at].place != 0; at = (at + 1) & mask()) {
      const size_t home = slots_[at].tag & mask();
      if (((at - home) & mask()) < ((at - gap) & mask())) continue;
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = {};
  }

  // One more entry: at most 3/4 of the slots in use, and entries that grow by half, not to twice.
  void make_room() {
    if (size() == entries_.capacity()) {
      entries_.reserve(size() + std::max<size_t>(1, size() / 2));
    }
    if (4 * (size() + 1) <= 3 * slots_.size()) return;
    std::vector<Slot> old(std::max<size_t>(4, 2 * slots_.size()));
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.place != 0) place_slot(slot);
    }
  }

  std::vector<value_type> entries_;
  std::vector<Slot> slots_;  // a power of two of them, or none
};

}  // namespace tenure
