#include "projections/queries/rulebook_cache.h"

namespace tenure {

namespace {
constexpr size_t kMostKept = 1024;
}

std::shared_ptr<const Rulebook> RulebookCache::find(std::string_view org,
                                                    uint64_t rules_number) const {
  std::scoped_lock lock(mutex_);
  auto found = compiled_.find(Key(org, rules_number));
  return found == compiled_.end() ? nullptr : found->second;
}

void RulebookCache::keep(std::string_view org, uint64_t rules_number,
                         std::shared_ptr<const Rulebook> rulebook) {
  std::scoped_lock lock(mutex_);
  if (compiled_.size() >= kMostKept) compiled_.clear();
  compiled_.insert_or_assign(Key(org, rules_number), std::move(rulebook));
}

}  // namespace tenure
