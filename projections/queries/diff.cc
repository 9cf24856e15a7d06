#include "projections/queries/diff.h"

#include <fmt/format.h>

#include <map>

#include "projections/queries/query_support.h"
#include "projections/queries/space_walk.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

enum class Kind : uint8_t {
  kOrganization,
  kSpaceRole,
  kMember,
  kGroup,
  kGroupMember,
  kSpace,
  kPlan,
  kAccess,
  kResources,
};
constexpr std::string_view kNames[] = {"organization", "space_role",   "member",
                                       "group",        "group_member", "space",
                                       "plan",         "access",       "resources"};

// What holds of one thing, for people, and the decision that made it so.
struct Fact {
  std::string text;
  std::optional<uint64_t> number;
};
using Facts = std::map<std::pair<Kind, std::string>, Fact>;

std::string joined(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& names) {
  std::string all;
  for (const auto* name : names) {
    if (!all.empty()) all += ", ";
    all += name->string_view();
  }
  return all;
}

class FactReader {
 public:
  FactReader(OrganizationRows& rows, Facts& facts) : rows_(rows), facts_(facts) {}

  Result<void> read() {
    read_organization();
    TRY(read_space_roles());
    TRY(read_members());
    TRY(read_groups());
    SpaceWalk spaces(rows_, "");
    for (; spaces.valid(); spaces.next()) {
      const std::string space(spaces.space());
      const schema::SpaceRow& row = spaces.row();
      std::string text = row.name()->str();
      if (row.status()->string_view() != "active") text += " (" + row.status()->str() + ")";
      add(Kind::kSpace, space, text,
          row.status_number().has_value() ? *row.status_number() : row.number());
      TRY(read_space(space));
    }
    return spaces.status();
  }

 private:
  void add(Kind kind, std::string id, std::string text, std::optional<uint64_t> number) {
    facts_[{kind, std::move(id)}] = {std::move(text), number};
  }

  // Each row of a list: `see(id, row)`.
  template <class Table, class See>
  Result<void> each(const std::string& prefix, See see) {
    Row row;
    auto cursor = rows_.view().scan(Family::kMembership, prefix);
    for (; cursor->valid(); cursor->next()) {
      row.assign(cursor->bytes());
      see(std::string(after_prefix(cursor->key(), prefix)), row.as<Table>());
    }
    return cursor->status();
  }

  void read_organization() {
    const schema::OrganizationRow& row = rows_.row();
    const auto fact = [&](const char* name, const flatbuffers::String* value) {
      add(Kind::kOrganization, name, value->str(), std::nullopt);
    };
    fact("name", row.name());
    fact("status", row.status());
    fact("rulebook", row.rulebook());
    fact("billing_mode", row.billing_mode());
    if (const auto* sso = row.sso()) {
      add(Kind::kOrganization, "sso", sso->issuer()->str() + (sso->enforced() ? " (enforced)" : ""),
          std::nullopt);
    }
  }

  Result<void> read_space_roles() {
    Row row;
    if (!TRY(rows_.view().get(Family::kMembership, rows_.keys().rulebook(), row))) return {};
    const auto& own = row.as<schema::RulebookRow>();
    // Rules under a name that others have, too: they are told apart by what they say.
    if (own.text() != nullptr) {
      facts_[{Kind::kOrganization, "rulebook"}].number = rows_.row().rules_number();
      add(Kind::kOrganization, "rules",
          "a text of " + std::to_string(own.text()->size()) + " bytes, hash " +
              std::to_string(history_hash(own.text()->string_view())),
          rows_.row().rules_number());
    }
    if (own.space_roles() == nullptr) return {};
    for (const schema::CustomSpaceRole* role : *own.space_roles()) {
      add(Kind::kSpaceRole, role->role()->str(), joined(*role->actions()), role->number());
    }
    return {};
  }

  Result<void> read_members() {
    return each<schema::MemberRow>(
        rows_.keys().members().str(), [&](std::string user, const schema::MemberRow& row) {
          std::string text = row.role()->str();
          if (row.status()->string_view() != "active") text += " (" + row.status()->str() + ")";
          add(Kind::kMember, std::move(user), std::move(text),
              row.status_number().has_value() ? std::max(*row.status_number(), row.number())
                                              : row.number());
        });
  }

  Result<void> read_groups() {
    std::vector<std::string> groups;
    TRY(each<schema::GroupRow>(rows_.keys().groups().str(),
                               [&](std::string group, const schema::GroupRow& row) {
                                 add(Kind::kGroup, group, row.name()->str(), row.number());
                                 groups.push_back(std::move(group));
                               }));
    for (const std::string& group : groups) {
      TRY(each<schema::GroupMemberRow>(
          rows_.keys().group_members(group).str(),
          [&](const std::string& user, const schema::GroupMemberRow& row) {
            add(Kind::kGroupMember, fmt::format("{}/{}", group, user), "in it", row.number());
          }));
    }
    return {};
  }

  Result<void> read_space(const std::string& space) {
    TRY(each<schema::AccessRow>(rows_.keys().accesses(space).str(),
                                [&](const std::string& subject, const schema::AccessRow& row) {
                                  const std::string roles = joined(*row.roles());
                                  add(Kind::kAccess, fmt::format("{}/{}", space, subject),
                                      roles.empty() ? "all" : roles, row.number());
                                }));
    std::map<std::string, uint64_t> counts;
    TRY(each<schema::ResourceRow>(rows_.keys().resources(space).str(),
                                  [&](const std::string&, const schema::ResourceRow& row) {
                                    if (!row.deleted()) ++counts[row.type()->str()];
                                  }));
    for (const auto& [type, count] : counts) {
      add(Kind::kResources, fmt::format("{}/{}", space, type), std::to_string(count), std::nullopt);
    }
    Row row;
    if (!TRY(rows_.view().get(Family::kBilling, rows_.keys().subscription(space), row))) return {};
    const auto& held = row.as<schema::SubscriptionRow>();
    add(Kind::kPlan, space, held.plan()->str() + " (" + held.status()->str() + ")", std::nullopt);
    return {};
  }

  OrganizationRows& rows_;
  Facts& facts_;
};

Result<Facts> facts_of(const QueryContext& live, std::string_view org,
                       const PastOrganization& past) {
  const QueryContext context{.rows = *past.rows,
                             .rulebooks = live.rulebooks,
                             .viewer = live.viewer,
                             .now = past.time,
                             .partition = live.partition,
                             .live_rows = &live.rows,
                             .compiled = live.compiled};
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kAuditRead));
  Facts facts;
  TRY(FactReader(organization.rows(), facts).read());
  return facts;
}

void write_moment(AnswerWriter& out, std::string_view name, const PastOrganization& past) {
  out.begin_object(name).number("version", past.version).time("time", to_micros(past.time));
  out.end_object();
}

void write_change(AnswerWriter& out, const QueryContext& live, const Facts::key_type& about,
                  const Fact* was, const Fact* is) {
  out.begin_object();
  out.text("kind", kNames[static_cast<size_t>(about.first)]).text("id", about.second);
  for (const auto& [name, fact] : {std::pair("was", was), std::pair("is", is)}) {
    fact == nullptr ? out.null(name) : out.text(name, fact->text);
  }
  if (is != nullptr && is->number) {
    out.text("position", format_position({live.partition, Number{*is->number}}));
  } else {
    out.null("position");
  }
  out.end_object();
}

}  // namespace

Result<std::string> get_diff(const QueryContext& live, std::string_view org,
                             const PastOrganization& from, const PastOrganization& to) {
  const Facts before = TRY(facts_of(live, org, from));
  const Facts after = TRY(facts_of(live, org, to));
  AnswerWriter out;
  out.begin_object().text("org", org);
  write_moment(out, "from", from);
  write_moment(out, "to", to);
  out.begin_array("changes");
  auto was = before.begin();
  auto is = after.begin();
  while (was != before.end() || is != after.end()) {
    if (is == after.end() || (was != before.end() && was->first < is->first)) {
      write_change(out, live, was->first, &was->second, nullptr);
      ++was;
    } else if (was == before.end() || is->first < was->first) {
      write_change(out, live, is->first, nullptr, &is->second);
      ++is;
    } else {
      if (was->second.text != is->second.text) {
        write_change(out, live, is->first, &was->second, &is->second);
      }
      ++was;
      ++is;
    }
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace tenure
