// The keys that personal text is sealed with: one random 256-bit key a person, for all
// organizations, outside the log. The log is never edited; destroying a key is what makes a
// person's text unreadable in it, and in every copy of it.
//
// Two places for them: a file of the data directory (key_store.h), a topic that all processes of a
// log over Kafka share (tools/server/kafka_keys.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"

namespace tenure {

using PersonKey = std::array<uint8_t, 32>;

// A digest, which says nothing of the key.
PersonKeyName name_of(const PersonKey& key);

// How far the erasures of a partition were carried out on the keys (erasures.h). Stored beside
// them, so that it is as old as they are, wherever they were copied to.
struct ErasureMark {
  std::array<uint8_t, 16> log{};  // a digest of its id
  uint64_t next = 0;              // those of decisions below this number were
  friend bool operator==(const ErasureMark&, const ErasureMark&) = default;
};

// Safe from any thread.
class PersonKeys {
 public:
  virtual ~PersonKeys() = default;

  // The keys of these subjects (a user's id, or `service:x`), in their order. Those that have none
  // get one, which is durable when this returns: text sealed with a key that a crash took would be
  // lost. It waits for that.
  virtual Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view> subjects) = 0;

  // For reading. Nothing if there never was one, or it was destroyed.
  virtual std::optional<PersonKey> find(std::string_view subject) const = 0;

  // When it returns, find() knows all that other processes had written before. kUnavailable.
  virtual Result<void> catch_up() = 0;

  // When it returns, nobody gets the person's key of this name any more; there may have been none.
  // A later command may give the person a new key, which opens nothing sealed before; it has
  // another name, and stays.
  virtual Result<void> destroy(std::string_view subject, const PersonKeyName& name) = 0;

  // All zero: none was made. The last one made counts, be it lower.
  virtual ErasureMark erasure_mark(PartitionId partition) const = 0;
  virtual Result<void> mark_erasures(PartitionId partition, const ErasureMark& mark) = 0;
};

}  // namespace tenure
