// The actions that a command needs of its actor (COMMANDS, "needs"), for explaining a decision. A
// test holds them against what decide does.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/catalog.h"
#include "projections/queries/permission.h"
#include "schemas/decision_generated.h"

namespace tenure {

struct CommandNeeds {
  struct Need {
    std::string action;
    std::string space;    // empty: in the organization itself
    std::string or_else;  // another action that does as well; empty: none
    friend bool operator==(const Need&, const Need&) = default;
  };
  std::vector<Need> actions;
  std::string instead;  // of a command that needs none: by what it may be sent
};

// `before`: the organization just before the decision; null: there was none.
Result<CommandNeeds> needs_of(const schema::Decision& decision, OrganizationRows* before,
                              const Catalog& catalog);

}  // namespace tenure
