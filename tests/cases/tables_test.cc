// Each table of the rules, cell by cell.
#include <gmock/gmock.h>

#include <iostream>

#include "tests/cases/role_table.h"

namespace tenure {
namespace {

using testing::IsEmpty;

class RoleTable : public testing::TestWithParam<std::string> {
 protected:
  void expect_all_as_listed(const TableCheck& check, const char* of) {
    EXPECT_THAT(check.wrong, IsEmpty());
    EXPECT_GT(check.cells, 0);
    std::cout << GetParam() << ": " << check.cells << " cells of " << of << "\n";
  }
};

TEST_P(RoleTable, HoldersHaveTheirActionsAndNoOthers) {
  expect_all_as_listed(check_actions(GetParam()), "actions");
}

TEST_P(RoleTable, CommandsComeOutAsTheTableSays) {
  expect_all_as_listed(check_commands(GetParam()), "commands");
}

TEST_P(RoleTable, TheSelectorOffersExactlyTheRolesThatMayBeGiven) {
  expect_all_as_listed(check_selector(GetParam()), "the selector");
}

INSTANTIATE_TEST_SUITE_P(Rulebooks, RoleTable, testing::ValuesIn(table_names()),
                         [](const auto& info) { return info.param; });

TEST(RoleTables, AreThereForEveryBuiltinRulebook) {
  EXPECT_THAT(table_names(), testing::ElementsAre("anaphora", "flotiq", "space", "upcloud"));
}

}  // namespace
}  // namespace tenure
