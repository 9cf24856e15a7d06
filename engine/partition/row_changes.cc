#include <algorithm>
#include <cstring>

#include "engine/partition/state_store.h"

namespace tenure {

void RowChanges::clear() {
  changes_.clear();
  organizations_.clear();
  texts_.clear();
}

std::string_view RowChanges::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* kept = reinterpret_cast<char*>(texts_.take(text.size()));
  std::memcpy(kept, text.data(), text.size());
  return {kept, text.size()};
}

std::vector<std::span<const RowChanges::Change>> RowChanges::in_key_order() const {
  struct Run {
    std::string_view organization;
    std::span<const Change> changes;
  };
  std::vector<Run> runs;
  runs.reserve(organizations_.size());
  for (size_t i = 0; i < organizations_.size(); ++i) {
    const size_t first = organizations_[i].first;
    const size_t end =
        i + 1 < organizations_.size() ? organizations_[i + 1].first : changes_.size();
    runs.push_back({organizations_[i].organization, all().subspan(first, end - first)});
  }
  std::ranges::sort(runs, {}, &Run::organization);
  std::vector<std::span<const Change>> ordered;
  ordered.reserve(runs.size());
  for (const Run& run : runs) ordered.push_back(run.changes);
  return ordered;
}

}  // namespace tenure
