#include "tests/partition/memory_state_store.h"

namespace tenure::test {

Result<void> MemoryStateStore::read_due(const std::function<void(DueEntry)>& visit) const {
  for (const DueEntry& entry : now_.due) visit(entry);
  return {};
}

Result<void> MemoryStateStore::read_ids(
    const std::function<void(Day, std::span<const UsedId>)>& visit) const {
  for (const auto& [day, ids] : now_.ids) {
    visit(day, ids);
    if (!hashes_collide_) continue;
    for (size_t i = 0; i + 1 < ids.size(); i++) {
      const UsedId mistaken{ids[i].hash, ids[i + 1].number};
      visit(day, {&mistaken, 1});
    }
  }
  return {};
}

Result<void> MemoryStateStore::reset() {
  const StoreSecret secret = now_.secret;
  now_ = {.secret = secret, .mark = std::nullopt, .rows = {}, .due = {}, .ids = {}};
  before_ = now_;
  condemned_ = false;
  resets_++;
  return {};
}

Result<void> MemoryStateStore::read_rows(std::string_view org, const VisitRow& visit) const {
  const std::string begin = std::string(org) + '\0';
  for (auto row = now_.rows.lower_bound(begin);
       row != now_.rows.end() && row->first.starts_with(begin); ++row) {
    TRY(visit(std::string_view(row->first).substr(begin.size()), row->second));
  }
  return {};
}

Result<void> MemoryStateStore::write(const Checkpoint& checkpoint) {
  if (write_error_) return std::unexpected(*write_error_);
  before_ = now_;
  for (const RowChanges::Change& change : checkpoint.rows.all()) {
    const std::string key(change.key);
    switch (change.kind) {
      case RowChanges::Kind::kPut:
        now_.rows[key] = change.value;
        break;
      case RowChanges::Kind::kRemove:
        now_.rows.erase(key);
        break;
      case RowChanges::Kind::kRemovePrefix:
        std::erase_if(now_.rows, [&](const auto& row) { return row.first.starts_with(key); });
        break;
    }
  }
  for (const DueEntry& entry : checkpoint.due_removed) now_.due.erase(entry);
  for (const DueEntry& entry : checkpoint.due_added) now_.due.insert(entry);
  for (const auto& [day, ids] : checkpoint.ids) {
    now_.ids[day].insert(now_.ids[day].end(), ids.begin(), ids.end());
  }
  while (!now_.ids.empty() && now_.ids.begin()->first < checkpoint.first_day) {
    now_.ids.erase(now_.ids.begin());
  }
  now_.mark = checkpoint.mark;
  return {};
}

void MemoryStateStore::damage_rows_of(std::string_view org) {
  for (auto& [key, value] : now_.rows) {
    if (key.starts_with(std::string(org) + '\0')) value = "not a row";
  }
}

}  // namespace tenure::test
