#include "tools/tenure/rulebook_text.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace tenure {
namespace {

constexpr size_t kWidth = 100;
constexpr std::string_view kNo = "-";

std::string yes(bool is) { return is ? "yes" : std::string(kNo); }

void append_padded(std::string_view text, size_t width, std::string& out) {
  out += text;
  out.append(width - std::min(width, text.size()), ' ');
}

void end_line(std::string& out) {
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

// A title, a column for each of `heads`, and rows in sections that a blank line parts.
class TextTable {
 public:
  TextTable(std::string title, std::vector<std::string> heads)
      : title_(std::move(title)), heads_(std::move(heads)) {}

  // A row unless all its cells say no. True if it was added.
  bool add(std::string label, std::vector<std::string> cells) {
    if (std::ranges::all_of(cells, [](const std::string& cell) { return cell == kNo; })) {
      return false;
    }
    rows_.push_back({std::move(label), std::move(cells)});
    return true;
  }
  void part() {
    if (!rows_.empty() && !rows_.back().label.empty()) rows_.push_back({});
  }

  void draw(std::string& out) const {
    size_t first = title_.size();
    for (const Row& row : rows_) first = std::max(first, row.label.size());
    for (size_t from = 0; from < heads_.size();) from = draw_columns(from, first + 3, out);
  }

 private:
  struct Row {
    std::string label;
    std::vector<std::string> cells;
  };

  // As many columns as fit, at least one. Returns the next.
  size_t draw_columns(size_t from, size_t first, std::string& out) const {
    std::vector<size_t> widths;
    size_t total = first;
    for (size_t column = from; column < heads_.size(); ++column) {
      const size_t width = width_of(column);
      if (total + width > kWidth && !widths.empty()) break;
      widths.push_back(width + 3);
      total += width + 3;
    }
    out += '\n';
    append_padded(title_, first, out);
    for (size_t i = 0; i < widths.size(); ++i) append_padded(heads_[from + i], widths[i], out);
    end_line(out);
    out.append(std::min(total - 3, kWidth), '-');
    out += '\n';
    for (const Row& row : rows_) {
      append_padded(row.label, first, out);
      for (size_t i = 0; i < widths.size() && !row.cells.empty(); ++i) {
        append_padded(row.cells[from + i], widths[i], out);
      }
      end_line(out);
    }
    return from + widths.size();
  }

  size_t width_of(size_t column) const {
    size_t width = heads_[column].size();
    for (const Row& row : rows_) {
      if (!row.cells.empty()) width = std::max(width, row.cells[column].size());
    }
    return width;
  }

  std::string title_;
  std::vector<std::string> heads_;
  std::vector<Row> rows_;  // one without a label parts two sections
};

// One cell a role.
template <class Role, class Cell>
std::vector<std::string> cells(const std::vector<Role>& roles, const Cell& cell) {
  std::vector<std::string> all;
  all.reserve(roles.size());
  for (const Role& role : roles) all.push_back(cell(role));
  return all;
}

template <class Role>
std::vector<std::string> names(const std::vector<Role>& roles) {
  return cells(roles, [](const Role& role) { return role.name; });
}

std::string action_cell(const OrganizationRole& role, Action action) {
  const bool limited = action == Action::kGroupManage && role.non_destructive;
  return limited && role.actions.has(action) ? "add only" : yes(role.actions.has(action));
}
std::string action_cell(const SpaceRole& role, Action action) {
  return yes(role.actions.has(action));
}

// What a role may do with a type: "rcud", "r---".
std::string resource_cell(const ActionSet& actions, TypeIndex type) {
  std::string letters = "rcud";
  for (size_t verb = 0; verb < kResourceVerbs; ++verb) {
    if (!actions.has(static_cast<ResourceVerb>(verb), type)) letters[verb] = '-';
  }
  return letters == "----" ? std::string(kNo) : letters;
}

template <class Role>
void add_actions(const Rulebook& rulebook, const std::vector<Role>& roles, TextTable& table) {
  for (size_t i = 0; i < static_cast<size_t>(kFirstServiceAction); ++i) {
    const auto action = static_cast<Action>(i);
    table.add(std::string(action_name(action)),
              cells(roles, [&](const Role& role) { return action_cell(role, action); }));
  }
  table.part();
  for (size_t i = 0; i < rulebook.resource_types.size(); ++i) {
    const auto type = static_cast<TypeIndex>(i);
    table.add("resource " + rulebook.resource_types[i].name,
              cells(roles, [&](const Role& role) { return resource_cell(role.actions, type); }));
  }
}

template <class Role>
void add_reach(const std::vector<Role>& roles, TextTable& table) {
  table.part();
  for (size_t i = 0; i < roles.size(); ++i) {
    table.add("assigns " + roles[i].name,
              cells(roles, [&](const Role& role) { return yes(role.assigns.test(i)); }));
  }
  table.part();
  for (size_t i = 0; i < roles.size(); ++i) {
    table.add("acts on " + roles[i].name,
              cells(roles, [&](const Role& role) { return yes(role.acts_on.test(i)); }));
  }
}

void draw_organization_roles(const Rulebook& rulebook, std::string& out) {
  const auto& roles = rulebook.organization_roles;
  TextTable table("ORGANIZATION ROLES", names(roles));
  add_actions(rulebook, roles, table);
  table.part();
  table.add("in every space", cells(roles, [&](const OrganizationRole& role) {
              if (role.inherits_all) return std::string("all resources");
              return role.inherits == kNoRole ? std::string(kNo)
                                              : rulebook.space_roles[role.inherits].name;
            }));
  add_reach(roles, table);
  table.draw(out);
}

void draw_space_roles(const Rulebook& rulebook, std::string& out) {
  if (rulebook.space_roles.empty()) return;
  TextTable table("SPACE ROLES", names(rulebook.space_roles));
  add_actions(rulebook, rulebook.space_roles, table);
  add_reach(rulebook.space_roles, table);
  table.draw(out);
}

void draw_types(const Rulebook& rulebook, std::string& out) {
  TextTable table("RESOURCE TYPES", {"copied", "together with linked"});
  for (const ResourceType& type : rulebook.resource_types) {
    std::string linked;
    for (size_t i = 0; i < rulebook.resource_types.size(); ++i) {
      if (!type.linked_copyable.test(i)) continue;
      linked += (linked.empty() ? "" : ", ") + rulebook.resource_types[i].name;
    }
    table.add(type.name, {!type.copyable        ? "never"
                          : type.copy_keeps_ids ? "keeping ids"
                                                : "with new ids",
                          linked.empty() ? std::string(kNo) : linked});
  }
  table.draw(out);
}

void draw_what_holds_for_all(const Rulebook& rulebook, std::string& out) {
  const auto line = [&](std::string_view name, const std::string& value) {
    append_padded(name, 16, out);
    out += value + "\n";
  };
  out += rulebook.pinned_name + "\n\n";
  line("owner role", rulebook.organization_roles[rulebook.owner_role].name +
                         (rulebook.single_owner ? ", exactly one" : ", one or more"));
  std::string joins = rulebook.direct_join ? "added directly" : "";
  if (rulebook.invitation_join) joins += joins.empty() ? "by invitation" : " or by invitation";
  line("members join", joins);
  line("members leave", rulebook.members_may_leave ? "by themselves" : "when they are removed");
  line("space guests", rulebook.space_guests ? "may be, without an organization role" : "none");
  line("space roles", rulebook.custom_space_roles    ? "each organization defines its own"
                      : rulebook.space_roles.empty() ? "none"
                                                     : "built in, one each");
  if (rulebook.custom_space_roles || !rulebook.space_roles.empty()) {
    line("without one", rulebook.access_without_role_is_all
                            ? "access means all resources of the space"
                            : "no access");
  }
  line("default plan", rulebook.default_plan);
  if (rulebook.needs_payment_method) line("before a paid plan", "a payment method of the space");
  if (rulebook.creator_space_role != kNoRole) {
    line("space creator", rulebook.space_roles[rulebook.creator_space_role].name);
  }
}

}  // namespace

std::string rulebook_text(const Rulebook& rulebook) {
  std::string out;
  draw_what_holds_for_all(rulebook, out);
  draw_organization_roles(rulebook, out);
  draw_space_roles(rulebook, out);
  out += "\nr read, c create, u update, d delete; what no role has is left out.\n";
  draw_types(rulebook, out);
  return out;
}

}  // namespace tenure
