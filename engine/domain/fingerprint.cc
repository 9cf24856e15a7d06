#include "engine/domain/fingerprint.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tenure {
namespace {

// The constants of SipHash, with its 128-bit variant's 0xee, and our fixed key.
constexpr uint64_t kKeyLow = 0x74656e7572652075;   // "tenure u"
constexpr uint64_t kKeyHigh = 0x7361676520696473;  // "sage ids"

class SipHash {
 public:
  void add(uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  Fingerprint finish() {
    v2_ ^= 0xee;
    for (int i = 0; i < 4; ++i) round();
    const uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < 4; ++i) round();
    return {v0_ ^ v1_ ^ v2_ ^ v3_, low};
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_ = kKeyLow ^ 0x736f6d6570736575;
  uint64_t v1_ = kKeyHigh ^ 0x646f72616e646f6d ^ 0xee;
  uint64_t v2_ = kKeyLow ^ 0x6c7967656e657261;
  uint64_t v3_ = kKeyHigh ^ 0x7465646279746573;
};

static_assert(std::endian::native == std::endian::little);

// Feeds text eight bytes at a time; the bytes of one text and the next run on without a gap.
class TextHasher {
 public:
  void add(std::string_view text) {
    const size_t held = 8 * (length_ % 8);  // bits of word_ in use
    while (text.size() >= sizeof(uint64_t)) {
      uint64_t next;
      std::memcpy(&next, text.data(), sizeof(next));
      hash_.add(word_ | next << held);
      word_ = held == 0 ? 0 : next >> (64 - held);
      length_ += sizeof(next);
      text.remove_prefix(sizeof(next));
    }
    for (const char c : text) {
      word_ |= uint64_t{static_cast<unsigned char>(c)} << (8 * (length_ % 8));
      if (++length_ % 8 == 0) flush();
    }
  }
  Fingerprint finish() {
    word_ |= uint64_t{length_ & 0xff} << 56;
    flush();
    return hash_.finish();
  }

 private:
  void flush() {
    hash_.add(word_);
    word_ = 0;
  }
  SipHash hash_;
  uint64_t word_ = 0;
  size_t length_ = 0;
};

}  // namespace

Fingerprint usage_fingerprint(std::string_view source, std::string_view id) {
  TextHasher hasher;
  hasher.add(source);
  hasher.add("\x1f");
  hasher.add(id);
  Fingerprint fingerprint = hasher.finish();
  if (fingerprint == Fingerprint{}) fingerprint.low = 1;  // all zero marks an empty slot
  return fingerprint;
}

Fingerprint content_fingerprint(std::string_view name, std::string_view digest) {
  TextHasher hasher;
  hasher.add(name);
  hasher.add("\x1f");
  hasher.add(digest);
  return hasher.finish();
}

Fingerprint text_fingerprint(std::string_view text) {
  TextHasher hasher;
  hasher.add(text);
  return hasher.finish();
}

size_t FingerprintSet::slot_of(Fingerprint fingerprint) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = fingerprint.low & mask;
  while (slots_[slot] != Fingerprint{} && slots_[slot] != fingerprint) slot = (slot + 1) & mask;
  return slot;
}

bool FingerprintSet::contains(Fingerprint fingerprint) const {
  return !slots_.empty() && slots_[slot_of(fingerprint)] == fingerprint;
}

bool FingerprintSet::insert(Fingerprint fingerprint) {
  if (4 * (size_ + 1) > 3 * slots_.size()) grow();
  Fingerprint& slot = slots_[slot_of(fingerprint)];
  if (slot == fingerprint) return false;
  slot = fingerprint;
  ++size_;
  return true;
}

void FingerprintSet::grow() {
  std::vector<Fingerprint> old(std::max<size_t>(8, 2 * slots_.size()));
  old.swap(slots_);
  for (const Fingerprint& fingerprint : old) {
    if (fingerprint != Fingerprint{}) slots_[slot_of(fingerprint)] = fingerprint;
  }
}

bool operator==(const FingerprintSet& a, const FingerprintSet& b) {
  if (a.size_ != b.size_) return false;
  return std::ranges::all_of(
      a.slots_, [&](const Fingerprint& f) { return f == Fingerprint{} || b.contains(f); });
}

}  // namespace tenure
