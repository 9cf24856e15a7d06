#include "engine/partition/organizations.h"

namespace tenure {
namespace {

// What an entry takes beside its organization: for those that do not exist, all of it.
constexpr size_t kEntryMemory = sizeof(OrganizationEntry) + 64;

}  // namespace

OrganizationEntry* Organizations::find(uint64_t hash, std::string_view org) const {
  OrganizationEntry* found = nullptr;
  index_.find(hash, [&](uint32_t place) {
    OrganizationEntry* entry = entries_[place].get();
    if (entry->organization.id != org) return false;
    found = entry;
    return true;
  });
  return found;
}

OrganizationEntry& Organizations::add(uint64_t hash, std::string_view org) {
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const uint32_t place = free_places_.back();
  free_places_.pop_back();
  index_.insert(hash, place);
  entries_[place] = std::make_unique<OrganizationEntry>();
  OrganizationEntry& entry = *entries_[place];
  entry.hash = hash;
  entry.organization.id = OrgId(org);
  entry.memory = kEntryMemory;
  memory_ += entry.memory;
  return entry;
}

void Organizations::count_memory(OrganizationEntry& entry) {
  memory_ -= entry.memory;
  entry.memory = kEntryMemory + (entry.exists ? estimate_memory(entry.organization) : 0);
  memory_ += entry.memory;
}

void Organizations::remove(size_t place) {
  const OrganizationEntry& entry = *entries_[place];
  index_.erase(entry.hash, static_cast<uint32_t>(place));
  memory_ -= entry.memory;
  existing_ -= entry.exists;
  entries_[place] = nullptr;
  free_places_.push_back(static_cast<uint32_t>(place));
}

}  // namespace tenure
