// The engine's state on disk: what a partition knew at one number of the log, so that a start is
// open + tail and organizations that nobody uses need no memory.
//
// It holds rows (state_rows.h), the ids of used commands, the due index, and one CheckpointMark for
// all of it. It changes only by whole checkpoints, each one atomic: after a crash it is at one of
// the last checkpoints, never between two. A checkpoint is gathered while decisions go on, so its
// organizations are of different moments, and each says of which (as in the fuzzy checkpoints of
// ARIES: Mohan et al., ACM TODS 17, 1992). The log is the authority: a store that is damaged or of
// another version is begun anew and filled by replay.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/arena.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/log/log_reader.h"
#include "engine/partition/used_ids.h"

namespace tenure {

// Raise when the rows or keys of the store change their meaning.
inline constexpr uint32_t kStateRowsVersion = 6;

// The last decision that a state knows, as a witness that a log is the one it was made of.
struct LastDecision {
  Number next;       // its number and one; 0: there is none
  Offset offset;     // of its record
  uint32_t crc = 0;  // of its record
};

// What the store's content stands for. Everything before `position` is in it: replay goes on from
// there. An organization's rows, and its entry in the due index, may know later decisions too, up
// to OrganizationRow.next_number: they are not applied to it again.
struct CheckpointMark {
  ReaderPosition position;
  LastDecision last;            // the latest that any row knows; at or after the position
  Time last_time{};             // at the position; no later decision is earlier
  uint64_t organizations = 0;   // how many existed at the position
  uint32_t evolve_version = 0;  // kEvolveVersion
  uint32_t rows_version = 0;    // kStateRowsVersion
};

// Changes of rows, organization by organization: each once, its changes in the order of their keys,
// and no key below a prefix that is removed.
class RowChanges {
 public:
  enum class Kind : uint8_t { kPut, kRemove, kRemovePrefix };
  struct Change {
    Kind kind;
    std::string_view key, value;
  };

  // What follows is of this organization.
  void begin(std::string_view organization) {
    organizations_.push_back({keep(organization), changes_.size()});
  }
  void put(std::string_view key, std::string_view value) { add(Kind::kPut, key, value); }
  void remove(std::string_view key) { add(Kind::kRemove, key, {}); }
  void remove_prefix(std::string_view prefix) { add(Kind::kRemovePrefix, prefix, {}); }
  // Keeps the memory for what comes next.
  void clear();

  // All of them. Keys begin with their organization, so its changes are side by side in key order
  // too.
  std::span<const Change> all() const { return changes_; }
  // Organization by organization in key order: altogether the order of keys.
  std::vector<std::span<const Change>> in_key_order() const;

 private:
  struct Begun {
    std::string_view organization;
    size_t first;  // in changes_
  };

  std::string_view keep(std::string_view text);
  void add(Kind kind, std::string_view key, std::string_view value) {
    changes_.push_back({kind, keep(key), keep(value)});
  }

  Arena texts_;
  std::vector<Change> changes_;
  std::vector<Begun> organizations_;
};

// When an organization has its next due work, by time: the due index without the organizations.
struct DueEntry {
  Time at;
  std::string org;
  friend auto operator<=>(const DueEntry&, const DueEntry&) = default;
};

struct Checkpoint {
  CheckpointMark mark;
  RowChanges rows;
  std::vector<DueEntry> due_removed, due_added;
  std::map<Day, std::vector<UsedId>> ids;  // used since the last checkpoint
  Day first_day = 0;                       // ids of earlier days are dropped
};

// Random bytes made with the store: the key of the hashes of its ids.
using StoreSecret = std::array<uint8_t, 192>;

class StateStore {
 public:
  virtual ~StateStore() = default;

  // While opening, one thread: what the store holds. Errors: kCorrupt, kIo.
  virtual const StoreSecret& secret() const = 0;
  virtual Result<std::optional<CheckpointMark>> mark() const = 0;  // nothing: it is empty
  virtual Result<void> read_due(const std::function<void(DueEntry)>& visit) const = 0;
  // By day, in the order of their numbers.
  virtual Result<void> read_ids(
      const std::function<void(Day, std::span<const UsedId>)>& visit) const = 0;
  // Begins anew, empty, in a new directory.
  virtual Result<void> reset() = 0;

  // Any thread, next to write(): the rows of an organization in key order, `key` without the
  // organization; none if it does not exist. Sees every checkpoint whose write() returned.
  using VisitRow = std::function<Result<void>(std::string_view key, std::string_view value)>;
  virtual Result<void> read_rows(std::string_view org, const VisitRow& visit) const = 0;

  // One thread at a time. When it returns, the checkpoint is on disk. kIo, kUnavailable: the store
  // stays at an earlier checkpoint and the same one may be written again.
  virtual Result<void> write(const Checkpoint& checkpoint) = 0;

  // Notes that the store is damaged: the next open begins it anew.
  virtual void condemn() = 0;
};

// The store in RocksDB. Opens or makes `directory`; one that does not open is replaced by an empty
// one beside it. kConflict: another process has it; kIo.
struct StateStoreOptions {
  size_t block_cache_bytes = 256u << 20;
};
Result<std::unique_ptr<StateStore>> open_state_store(const std::string& directory,
                                                     const StateStoreOptions& options = {});

}  // namespace tenure
