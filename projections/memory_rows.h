// Rows held in memory: those of one organization as of a moment of its past, and of tests.
//
// A view like the store's. Changed only while it is built, by one thread; then read by any.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "projections/row_batch.h"
#include "projections/rows.h"

namespace tenure {

class MemoryRows final : public RowView {
 public:
  Result<bool> get(Family family, std::string_view key, Row& row) const override;
  std::unique_ptr<RowCursor> scan(Family family, std::string_view prefix) const override;

  void put(Family family, std::string_view key, RowBytes row);
  void apply(const RowBatch::Entry& change);
  // Copies every row of `view` under `prefix`, family by family.
  Result<void> copy_from(const RowView& view, std::span<const Family> families,
                         std::string_view prefix);

  using Rows = std::map<std::string, std::vector<uint8_t>, std::less<>>;
  const Rows& family(Family family) const { return rows_[static_cast<size_t>(family)]; }
  size_t size() const;

 private:
  std::array<Rows, kFamilies> rows_;
};

}  // namespace tenure
