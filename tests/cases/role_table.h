// The tables of the rules, cell by cell, on the domain alone: every holder against every action,
// and every command against every holder, with each target and each role given.
//
// tables/*.json: `holders` are the columns (an organization role; where `space_roles` are named,
// with access to the space `s`, [] being access without a role); `in_organization` and `in_space`
// list the holders of every action; `commands` the outcome for each holder, `others` for those not
// named. The rulebook's owner is the user `first`, who also sent `given`; ${actor} is the holder,
// ${target} a member in the row's target role, with the row's `target_space_roles` in `s`.
//
// Written from the rules, not from the rulebooks.
#pragma once

#include <string>
#include <vector>

namespace tenure {

struct TableCheck {
  int cells = 0;
  std::vector<std::string> wrong;  // a line for each cell that is not as the table says
};

// The tables that there are, by name: "space".
std::vector<std::string> table_names();

// Holders have the actions listed and no others, and every action of the rulebook is listed.
TableCheck check_actions(const std::string& table);
// Commands come out as listed.
TableCheck check_commands(const std::string& table);
// The role selector offers a role exactly where giving it is accepted, and the role held. What it
// offers for a new member is not looked at where new members are invited: no row gives it.
TableCheck check_selector(const std::string& table);

}  // namespace tenure
