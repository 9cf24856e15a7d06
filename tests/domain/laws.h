// What the laws of the domain are stated with, for random histories and for fuzzed ones.
#pragma once

#include <optional>

#include "tests/domain/domain_machine.h"

namespace tenure {

struct OwnerCount {
  uint32_t active = 0, suspended = 0;
};

inline OwnerCount owners_of(const Organization& organization) {
  OwnerCount count;
  for (const auto& [user, member] : organization.members) {
    if (member.role != organization.rulebook->owner_role) continue;
    ++(member.suspended ? count.suspended : count.active);
  }
  return count;
}

using OrganizationMap = std::map<std::string, Organization, std::less<>>;

// What the machine's history alone makes of them. Nothing if one came to another version than its
// decision says.
inline std::optional<OrganizationMap> replayed(const DomainMachine& machine) {
  OrganizationMap organizations;
  for (Number number; number.value < machine.history().size(); number = number.next()) {
    const schema::Decision& decision = decision_of(machine.history()[number.value]);
    if (decision.outcome() != schema::Outcome::accepted) continue;
    const std::string org = decision.command_nested_root()->org()->str();
    Organization& organization = organizations[org];
    organization.id = OrgId(org);
    evolve(organization, decision, number, test_rulebooks());
    if (organization.version != decision.version()) return std::nullopt;
  }
  return organizations;
}

}  // namespace tenure
