#include "tests/cases/role_table.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "engine/base/check.h"
#include "engine/domain/access.h"
#include "engine/json/json_edge.h"
#include "tests/cases/json_access.h"
#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

constexpr Time kNow = from_micros(1'790'000'000'000'000);

// A table's file, and the parser that its elements live in.
class TableFile {
 public:
  explicit TableFile(const std::string& name)
      : root_(parser_.load(TENURE_CASES "/tables/" + name + ".json")) {}
  const JsonElement& root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  JsonElement root_;
};

// One table's organization, made anew for each cell that changes it.
class Table {
 public:
  explicit Table(const JsonElement& table)
      : rulebook_(test_rulebooks().find(string_at(table, "rulebook"))) {
    send(R"("command_type":"CreateOrganization","command":{"name":"T","rulebook":")" +
         std::string(string_at(table, "rulebook")) + R"("})");
    for (const JsonElement step : array_at(table, "given")) {
      const std::string fields = json_text(step);
      send(fields.substr(1, fields.size() - 2));
    }
  }

  const Organization& organization() const { return *machine_.find("t"); }
  const Rulebook& rulebook() const { return *rulebook_; }

  // The user in whose name a holder acts: the owner, or a new member.
  std::string add_holder(const JsonElement& holder) {
    const std::string role(string_at(holder, "role"));
    if (is_owner(role)) return "first";
    add_member("actor", role, holder, "space_roles");
    return "actor";
  }

  // The user whom the row is about; empty if it is about nobody.
  std::string add_target(const JsonElement& row) {
    const std::string role(string_at(row, "target"));
    if (role.empty()) return "";
    if (is_owner(role) && rulebook_->single_owner) return "first";
    add_member("target", role, row, "target_space_roles");
    return "target";
  }

  // The code of what the row's command comes to.
  std::string outcome(const std::string& actor, const std::string& target, const JsonElement& row) {
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

  // By what joining leaves behind, because how one joins differs from rulebook to rulebook.
  void add_member(const std::string& user, const std::string& role, const JsonElement& row,
                  std::string_view space_roles) {
    machine_.happen("t", kNow, [&](EventSink& events) {
      auto& builder = events.builder();
      events.add(schema::CreateMemberAddedDirect(builder, user.c_str(), role.c_str()));
      if (!has(row, space_roles)) return;
      std::vector<std::string> names;
      for (const JsonElement name : array_at(row, space_roles)) {
        names.emplace_back(std::string_view(name));
      }
      const auto space = builder.CreateString("s");
      const auto subject = builder.CreateString("user:" + user);
      events.add(schema::CreateAccessGranted(builder, space, subject,
                                             builder.CreateVectorOfStrings(names)));
    });
  }

  const schema::Decision& submit(const std::string& actor, const std::string& rest) {
    const auto command =
        reader_.read(R"({"id":"c","org":"t","actor":"user:)" + actor + R"(",)" + rest + "}");
    CHECK(command.has_value());
    return machine_.apply(command.value(), kNow);
  }

  void send(const std::string& rest) {
    CHECK(submit("first", rest).outcome() == schema::Outcome::accepted);
  }

  std::shared_ptr<const Rulebook> rulebook_;
  JsonReader reader_{command_schema()};
  DomainMachine machine_;
};

bool lists(const JsonElement& holders, std::string_view name) {
  return std::ranges::any_of(simdjson::dom::array(holders), [&](const JsonElement& holder) {
    return std::string_view(holder) == name;
  });
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

std::string expected_outcome(const JsonElement& row, std::string_view holder) {
  const JsonElement outcome = at(row, "outcome");
  return std::string(string_at(outcome, has(outcome, holder) ? holder : "others"));
}

// Looks at every row with every holder: `look` says what is wrong with the cell, nothing if
// nothing is, and counts it.
template <class Look>
TableCheck each_cell(const std::string& name, const Look& look) {
  const TableFile file(name);
  TableCheck check;
  for (const JsonElement row : array_at(file.root(), "commands")) {
    for (const JsonElement holder : array_at(file.root(), "holders")) {
      Table table(file.root());
      const std::string wrong = look(table, row, holder, check.cells);
      if (wrong.empty()) continue;
      check.wrong.push_back(std::string(string_at(holder, "name")) + ", " + json_text(row) + ": " +
                            wrong);
    }
  }
  return check;
}

}  // namespace

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TENURE_CASES "/tables")) {
    names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

TableCheck check_actions(const std::string& name) {
  const TableFile file(name);
  TableCheck check;
  std::set<std::string> listed;
  for (const JsonElement holder : array_at(file.root(), "holders")) {
    Table table(file.root());
    const std::string user = table.add_holder(holder);
    const std::string_view column = string_at(holder, "name");
    for (const char* place : {"in_organization", "in_space"}) {
      const std::string_view space = place == std::string_view("in_space") ? "s" : "";
      for (const auto& [action, holders] : object_at(file.root(), place)) {
        listed.emplace(action);
        ++check.cells;
        const bool allowed = is_allowed(table.organization(), user, action, space);
        if (allowed == lists(holders, column)) continue;
        check.wrong.push_back(std::string(column) + (allowed ? " has " : " lacks ") +
                              std::string(action));
      }
    }
  }
  for (const std::string& action :
       all_actions(*test_rulebooks().find(string_at(file.root(), "rulebook")))) {
    if (!listed.contains(action)) check.wrong.push_back(action + " is not in the table");
  }
  return check;
}

TableCheck check_commands(const std::string& name) {
  return each_cell(name,
                   [](Table& table, const JsonElement& row, const JsonElement& holder,
                      int& cells) -> std::string {
                     const std::string user = table.add_holder(holder);
                     const std::string target = table.add_target(row);
                     const std::string outcome = table.outcome(user, target, row);
                     ++cells;
                     const std::string expected = expected_outcome(row, string_at(holder, "name"));
                     return outcome == expected ? ""
                                                : "came out as " + outcome + ", not " + expected;
                   });
}

TableCheck check_selector(const std::string& name) {
  return each_cell(
      name,
      [](Table& table, const JsonElement& row, const JsonElement& holder,
         int& cells) -> std::string {
        const JsonElement command = at(row, "command");
        const bool adds = string_at(row, "command_type") == "AddMember" && !has(command, "space");
        if (!adds && string_at(row, "command_type") != "ChangeRole") return "";
        if (adds && !table.rulebook().direct_join) return "";
        const std::string user = table.add_holder(holder);
        const std::string added = table.add_target(row);
        std::string target;
        if (!adds) target = string_at(command, "user") == "${actor}" ? user : added;
        const std::vector<std::string> offered =
            assignable_roles(table.organization(), user, target);
        ++cells;
        const std::string outcome = expected_outcome(row, string_at(holder, "name"));
        const bool gives = outcome == "accepted" || outcome == "nothing_to_do";
        const bool offers = std::ranges::find(offered, string_at(command, "role")) != offered.end();
        return gives == offers ? "" : offers ? "the selector offers it" : "the selector hides it";
      });
}

}  // namespace tenure
