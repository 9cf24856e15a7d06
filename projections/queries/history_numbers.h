// Walks the numbers of the decisions about one entity, rising; the one reader of history chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/result.h"
#include "projections/key_layout.h"
#include "projections/rows.h"
#include "schemas/decision_generated.h"

namespace tenure {

// One thread. The view must outlive it. What it costs goes by the decisions of the organization.
class HistoryNumbers {
 public:
  // `entity` empty: all decisions of the organization. Begins at `first`, or the next number after.
  HistoryNumbers(const RowView& view, std::string_view org, std::string_view entity,
                 uint64_t first);

  // The next number; nothing at the end. Some may be of others with the same hash: is_about().
  Result<std::optional<uint64_t>> next();

  // history_hash() of the id of the command that next() came to.
  uint32_t command() const { return command_; }

 private:
  void open_chunk();

  Key prefix_;
  const uint64_t first_;
  std::optional<uint32_t> about_;  // nothing: all
  std::unique_ptr<RowCursor> chunks_;
  uint64_t block_ = 0;
  size_t at_ = 0;  // byte in the chunk
  uint32_t command_ = 0;
};

// Whether a decision of an organization is about the entity; empty is the organization itself.
bool is_about(const schema::Decision& decision, std::string_view entity);

}  // namespace tenure
