// Which partition an organization belongs to: Kafka's own spreading of keys, so that any Java
// client (and any other set to `partitioner=murmur2_random`) sends a command keyed by its
// organization straight to the partition that decides it. Fixed for ever: logs are laid out by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenure {

// org.apache.kafka.common.utils.Utils.murmur2 of the Java client, as the same 32 bits.
constexpr uint32_t murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c, kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  const auto at = [&](size_t i) { return uint32_t{static_cast<unsigned char>(bytes[i])}; };
  uint32_t hash = kSeed ^ static_cast<uint32_t>(bytes.size());
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t word = at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash = (hash * kMultiplier) ^ word;
  }
  const size_t left = bytes.size() - i;
  if (left >= 3) hash ^= at(i + 2) << 16;
  if (left >= 2) hash ^= at(i + 1) << 8;
  if (left >= 1) hash = (hash ^ at(i)) * kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ hash >> 15;
}

// As the Java client's default partitioner puts a key: the sign is masked, not negated.
constexpr uint32_t partition_of(std::string_view org, uint32_t partitions) {
  return (murmur2(org) & 0x7fffffff) % partitions;
}

}  // namespace tenure
