// The tables of the rules, cell by cell: every holder against every action, and every command
// against every holder, with each target and each role given.
//
// tables/*.json: `holders` are the columns (an organization role, with a level in the space `s`
// where one is named); `in_organization` and `in_space` list the holders of every action;
// `commands` the outcome for each holder. The rulebook's owner is the user `first`, who also sent
// `given`; ${actor} is the holder, ${target} a member in the row's target role.
#include <gtest/gtest.h>
#include <set>

#include "engine/domain/access.h"
#include "engine/json/json_edge.h"
#include "tests/cases/json_access.h"
#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

// One table's organization, made anew for each cell that changes it.
class Table {
 public:
  explicit Table(const JsonElement& table) : table_(table) {
    rulebook_ = test_rulebooks().find(string_at(table, "rulebook"));
    send("first", R"("command_type":"CreateOrganization","command":{"name":"T","rulebook":")" +
                      std::string(string_at(table, "rulebook")) + R"("})");
    for (const JsonElement step : array_at(table, "given")) send_step("first", step);
  }

  const Rulebook& rulebook() const { return *rulebook_; }
  const Organization& organization() const { return *machine_.find("t"); }

  // The user in whose name a holder acts: the owner, or a new member.
  std::string add_holder(const JsonElement& holder) {
    const std::string role(string_at(holder, "role"));
    if (is_owner(role)) return "first";
    add_member("actor", role);
    const std::string level(string_at(holder, "level"));
    if (!level.empty()) {
      send("first", R"("command_type":"GrantAccess","command":{"space":"s","subject":"user:actor",)"
                    R"("roles":[")" +
                        level + R"("]})");
    }
    return "actor";
  }

  std::string add_target(const std::string& role) {
    if (is_owner(role) && rulebook_->single_owner) return "first";
    add_member("target", role);
    return "target";
  }

  // The code of what the command comes to.
  std::string outcome(const std::string& actor, const JsonElement& row) {
    const std::string_view role = string_at(row, "target");
    const std::string target = role.empty() ? "" : add_target(std::string(role));
    std::string command = json_text(at(row, "command"));
    replace_all(command, "${target}", target);
    replace_all(command, "${actor}", actor);
    const schema::Decision& decision =
        submit(actor, R"("command_type":")" + std::string(string_at(row, "command_type")) +
                          R"(","command":)" + command);
    if (decision.outcome() == schema::Outcome::accepted) return "accepted";
    return schema::EnumNameRejectionCode(decision.rejection()->code());
  }

 private:
  bool is_owner(std::string_view role) const {
    return rulebook_->organization_roles[rulebook_->owner_role].name == role;
  }

  void add_member(const std::string& user, const std::string& role) {
    send("first", R"("command_type":"AddMember","command":{"user":")" + user + R"(","role":")" +
                      role + R"("})");
  }

  const schema::Decision& submit(const std::string& actor, const std::string& rest) {
    const auto command =
        reader_.read(R"({"id":"c","org":"t","actor":"user:)" + actor + R"(",)" + rest + "}");
    EXPECT_TRUE(command.has_value()) << command.error().message << " in " << rest;
    return machine_.apply(command.value(), from_micros(1'790'000'000'000'000));
  }

  void send(const std::string& actor, const std::string& rest) {
    const schema::Decision& decision = submit(actor, rest);
    ASSERT_EQ(decision.outcome(), schema::Outcome::accepted)
        << rest << ": " << decision.rejection()->message()->str();
  }

  void send_step(const std::string& actor, const JsonElement& step) {
    const std::string fields = json_text(step);
    send(actor, fields.substr(1, fields.size() - 2));
  }

  JsonElement table_;
  std::shared_ptr<const Rulebook> rulebook_;
  JsonReader reader_{command_schema()};
  DomainMachine machine_;
};

class RoleTable : public testing::TestWithParam<const char*> {
 protected:
  JsonElement load() { return parser_.load(std::string(TENURE_CASES "/tables/") + GetParam()); }

 private:
  simdjson::dom::parser parser_;
};

std::set<std::string> names_in(const JsonElement& list) {
  std::set<std::string> names;
  for (const JsonElement name : simdjson::dom::array(list)) names.emplace(std::string_view(name));
  return names;
}

// Every action that a role of the rulebook may hold.
std::set<std::string> all_actions(const Rulebook& rulebook) {
  std::set<std::string> actions;
  for (size_t i = 0; i < static_cast<size_t>(kFirstServiceAction); ++i) {
    actions.emplace(action_name(static_cast<Action>(i)));
  }
  for (const ResourceType& type : rulebook.resource_types) {
    for (const char* verb : {"read", "create", "update", "delete"}) {
      actions.insert("resource." + std::string(verb) + ":" + type.name);
    }
  }
  return actions;
}

TEST_P(RoleTable, HoldersHaveTheirActionsAndNoOthers) {
  const JsonElement table = load();
  std::set<std::string> listed;
  int cells = 0;
  for (const JsonElement holder : array_at(table, "holders")) {
    Table fresh(table);
    const std::string user = fresh.add_holder(holder);
    const std::string name(string_at(holder, "name"));
    for (const char* place : {"in_organization", "in_space"}) {
      const std::string_view space = place == std::string_view("in_space") ? "s" : "";
      for (const auto& [action, holders] : object_at(table, place)) {
        listed.emplace(action);
        ++cells;
        EXPECT_EQ(is_allowed(fresh.organization(), user, action, space),
                  names_in(holders).contains(name))
            << name << " " << action;
      }
    }
  }
  EXPECT_EQ(listed, all_actions(*test_rulebooks().find(string_at(table, "rulebook"))));
  std::cout << GetParam() << ": " << cells << " cells of actions\n";
}

TEST_P(RoleTable, CommandsComeOutAsTheTableSays) {
  const JsonElement table = load();
  int cells = 0;
  for (const JsonElement row : array_at(table, "commands")) {
    for (const JsonElement holder : array_at(table, "holders")) {
      Table fresh(table);
      const std::string user = fresh.add_holder(holder);
      const std::string_view expected = string_at(at(row, "outcome"), string_at(holder, "name"));
      EXPECT_EQ(fresh.outcome(user, row), expected)
          << string_at(holder, "name") << " " << json_text(row);
      ++cells;
    }
  }
  std::cout << GetParam() << ": " << cells << " cells of commands\n";
}

INSTANTIATE_TEST_SUITE_P(
    Rulebooks, RoleTable, testing::Values("space.json", "anaphora.json"), [](const auto& info) {
      return std::string(info.param).substr(0, std::string(info.param).find('.'));
    });

}  // namespace
}  // namespace tenure
