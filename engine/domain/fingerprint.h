// Fingerprints of usage entries: 16 bytes each instead of two strings, because every one is
// remembered for three months.
//
// A fingerprint is SipHash-2-4 with 128-bit output (Aumasson and Bernstein, 2012) under a fixed
// key: the state must be the same on every machine, so it cannot be secret. Two entries of one
// space with one fingerprint would count once; at a thousand million entries the odds are below
// 2^-68.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tenure {

struct Fingerprint {
  uint64_t high = 0, low = 0;
  friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

// Of the entry that `source` calls `id`. Ids hold no separator, so no two pairs share their bytes.
// Stored in the state store: changing it needs a new kEvolveVersion.
Fingerprint usage_fingerprint(std::string_view source, std::string_view id);

// Of the name and the digest of a resource, which hold no control character; empty if it has none.
// Stored as the other.
Fingerprint content_fingerprint(std::string_view name, std::string_view digest);

// Of a rulebook's text. Stored as the others.
Fingerprint text_fingerprint(std::string_view text);

// A set of fingerprints in one flat table. Grows, never shrinks; nothing is ever taken out.
class FingerprintSet {
 public:
  bool contains(Fingerprint fingerprint) const;
  bool insert(Fingerprint fingerprint);  // false if it was there
  size_t size() const { return size_; }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Fingerprint& slot : slots_) {
      if (slot != Fingerprint{}) visit(slot);
    }
  }

  // The same members, however they got in.
  friend bool operator==(const FingerprintSet& a, const FingerprintSet& b);

 private:
  size_t slot_of(Fingerprint fingerprint) const;
  void grow();

  std::vector<Fingerprint> slots_;  // a power of two of them; all zero is an empty one
  size_t size_ = 0;
};

}  // namespace tenure
