#include "projections/memory_rows.h"

namespace tenure {
namespace {

class MemoryCursor final : public RowCursor {
 public:
  MemoryCursor(const MemoryRows::Rows& rows, std::string_view prefix)
      : rows_(rows), prefix_(prefix), at_(rows.lower_bound(prefix)) {}
  bool valid() const override { return at_ != rows_.end() && at_->first.starts_with(prefix_); }
  std::string_view key() const override { return at_->first; }
  RowBytes bytes() const override { return at_->second; }
  void next() override { ++at_; }
  void seek(std::string_view key) override { at_ = rows_.lower_bound(key); }
  Result<void> status() const override { return {}; }

 private:
  const MemoryRows::Rows& rows_;
  std::string prefix_;
  MemoryRows::Rows::const_iterator at_;
};

}  // namespace

Result<bool> MemoryRows::get(Family family, std::string_view key, Row& row) const {
  const Rows& rows = this->family(family);
  auto found = rows.find(key);
  if (found == rows.end()) return false;
  row.assign(found->second);
  return true;
}

std::unique_ptr<RowCursor> MemoryRows::scan(Family family, std::string_view prefix) const {
  return std::make_unique<MemoryCursor>(this->family(family), prefix);
}

void MemoryRows::put(Family family, std::string_view key, RowBytes row) {
  rows_[static_cast<size_t>(family)].insert_or_assign(std::string(key),
                                                      std::vector<uint8_t>(row.begin(), row.end()));
}

void MemoryRows::apply(const RowBatch::Entry& change) {
  Rows& rows = rows_[static_cast<size_t>(change.family)];
  switch (change.change) {
    case RowBatch::Change::kNone:
      return;
    case RowBatch::Change::kPut:
      return put(change.family, change.key_view(), change.bytes());
    case RowBatch::Change::kErase:
      rows.erase(std::string(change.key_view()));
      return;
    case RowBatch::Change::kAppend: {
      std::vector<uint8_t>& row = rows[std::string(change.key_view())];
      row.insert(row.end(), change.bytes().begin(), change.bytes().end());
      return;
    }
  }
}

Result<void> MemoryRows::copy_from(const RowView& view, std::span<const Family> families,
                                   std::string_view prefix) {
  for (Family family : families) {
    auto cursor = view.scan(family, prefix);
    for (; cursor->valid(); cursor->next()) put(family, cursor->key(), cursor->bytes());
    TRY(cursor->status());
  }
  return {};
}

size_t MemoryRows::size() const {
  size_t size = 0;
  for (const Rows& rows : rows_) size += rows.size();
  return size;
}

}  // namespace tenure
