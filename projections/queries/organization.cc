// An organization, its members and groups, and which roles may be given.
#include <algorithm>
#include <charconv>

#include "projections/queries/history_numbers.h"
#include "projections/queries/query_support.h"
#include "projections/queries/space_walk.h"

namespace tenure {
namespace {

void write_member(AnswerWriter& out, const QueryContext& context, std::string_view user,
                  const schema::MemberRow& row) {
  out.text("user", user).text("role", row.role()).time("since", row.since());
  out.text("status", row.status());
  write_personal(out, context, "name", row.name());
  write_personal(out, context, "email", row.email());
}

// Whether another member than `user` holds the owner role.
Result<bool> has_other_owner(OrganizationRows& organization, std::string_view user) {
  const std::string prefix = organization.keys().members().str();
  auto cursor = organization.view().scan(Family::kMembership, prefix);
  Row row;
  for (; cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    const Membership held = organization.read_membership(row.as<schema::MemberRow>());
    if (held.role == organization.rulebook().owner_role && !held.suspended &&
        after_prefix(cursor->key(), prefix) != user) {
      return true;
    }
  }
  TRY(cursor->status());
  return false;
}

// Only its member.view, or being that person, shows somebody's role to a viewer.
Result<void> need_view_of(const QueryContext& context, const VisibleOrganization& organization,
                          std::string_view user) {
  if (context.viewer.is(user)) return {};
  return organization.need(Action::kMemberView);
}

std::string finish_roles(AnswerWriter& out) { return out.end_array().end_object().take(); }

}  // namespace

Result<std::string> get_organization(const QueryContext& context, std::string_view org) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kOrganizationView));
  const schema::OrganizationRow& row = organization->row();
  AnswerWriter out;
  out.begin_object().text("org", org).text("name", row.name()).number("version", row.version());
  out.text("rulebook", row.rulebook()).text("status", row.status());
  out.text("billing_mode", row.billing_mode()).text("currency", row.currency());
  out.time("created", row.created());
  return out.end_object().take();
}

Result<std::string> get_members(const QueryContext& context, std::string_view org,
                                const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kMemberView));
  auto write = [&](AnswerWriter& out, std::string_view user, const Row& row) -> Result<bool> {
    out.begin_object();
    write_member(out, context, user, row.as<schema::MemberRow>());
    out.end_object();
    return true;
  };
  return write_page(context.rows, organization->keys().members().str(), "members", page, write);
}

Result<std::string> get_member(const QueryContext& context, std::string_view org,
                               std::string_view user) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(need_view_of(context, organization, user));
  Row row;
  if (!TRY(context.rows.get(Family::kMembership, organization->keys().member(user), row))) {
    return fail(ErrorKind::kNotFound, "no member " + std::string(user) + " in " + std::string(org));
  }
  const auto& member = row.as<schema::MemberRow>();
  Membership membership = organization->read_membership(member);
  AnswerWriter out;
  out.begin_object();
  write_member(out, context, user, member);
  // Of others, what the lists of groups and of a space's people would show the viewer.
  const bool oneself = context.viewer.is(user);
  out.begin_array("groups");
  if (oneself || organization.may(Action::kGroupView)) {
    for (const Membership::Group& group : membership.groups) out.text(group.id);
  }
  out.end_array().begin_array("spaces");
  for (const std::string& space : TRY(granted_spaces(organization.rows(), user, membership))) {
    if (!oneself && !TRY(organization.actions_in(space)).has(Action::kAccessView)) continue;
    auto access = summarize(organization.rows(), membership,
                            TRY(organization->grants(user, membership, space)));
    out.begin_object().text("space", space);
    if (access) write_access(out, *access);
    out.end_object();
  }
  return out.end_array().end_object().take();
}

Result<std::string> get_groups(const QueryContext& context, std::string_view org,
                               const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kGroupView));
  const std::string prefix = organization->keys().groups().str();
  auto write = [&](AnswerWriter& out, std::string_view group, const Row& row) -> Result<bool> {
    out.begin_object().text("group", group).text("name", row.as<schema::GroupRow>().name());
    out.begin_array("users");
    const std::string users = organization->keys().group_members(group).str();
    auto user = context.rows.scan(Family::kMembership, users);
    for (; user->valid(); user->next()) out.text(after_prefix(user->key(), users));
    TRY(user->status());
    out.end_array().end_object();
    return true;
  };
  return write_page(context.rows, prefix, "groups", page, write);
}

Result<std::string> get_assignable_roles(const QueryContext& context, std::string_view org,
                                         std::string_view actor, std::string_view target) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(need_view_of(context, organization, actor));
  AnswerWriter out;
  out.begin_object().begin_array("roles");
  auto giver = TRY(organization->standing(actor));
  if (!giver || giver->role == kNoRole) return finish_roles(out);
  std::optional<RoleTarget> held;
  if (!target.empty()) {
    auto membership = TRY(organization->membership(target));
    if (!membership) return finish_roles(out);
    bool owner = membership->role == organization->rulebook().owner_role && !membership->suspended;
    held = {.role = membership->role,
            .oneself = actor == target,
            .sole_owner = owner && !TRY(has_other_owner(organization.rows(), target))};
  }
  RoleSet roles = assignable_roles(organization->rulebook(), giver->role, held);
  const auto& known = organization->rulebook().organization_roles;
  for (size_t index = 0; index < known.size(); ++index) {
    if (roles.test(index)) out.text(known[index].name);
  }
  return finish_roles(out);
}

Result<std::string> get_assignable_space_roles(const QueryContext& context, std::string_view org,
                                               std::string_view space, std::string_view actor) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(need_view_of(context, organization, actor));
  TRY(organization.need_in(space, Action::kSpaceView));
  AnswerWriter out;
  out.begin_object().begin_array("roles");
  auto giver = TRY(organization->standing(actor));
  if (!giver) return finish_roles(out);
  SpaceGrants grants = composed(TRY(organization->grants(actor, *giver, space)));
  const Rulebook& rulebook = organization->rulebook();
  if (!effective_actions(rulebook, giver->role, grants).has(Action::kAccessManage)) {
    return finish_roles(out);
  }
  RoleSet roles = assignable_space_roles(rulebook, giver->role, grants);
  for (size_t index = 0; index < rulebook.space_roles.size(); ++index) {
    if (roles.test(index)) out.text(rulebook.space_roles[index].name);
  }
  return finish_roles(out);
}

Result<HistoryPage> get_history(const QueryContext& context, std::string_view org,
                                std::string_view entity, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kAuditRead));
  uint64_t first = 0;
  if (!page.cursor.empty()) {
    const char* end = page.cursor.data() + page.cursor.size();
    auto [parsed, error] = std::from_chars(page.cursor.data(), end, first);
    if (error != std::errc{} || parsed != end) {
      return fail(ErrorKind::kInvalid, "cursor must be the next of a page before");
    }
  }
  HistoryNumbers numbers(context.rows, org, entity, first);
  HistoryPage found;
  while (auto number = TRY(numbers.next())) {
    if (found.numbers.size() == page.limit) {
      found.next = std::to_string(*number);
      break;
    }
    found.numbers.push_back(*number);
  }
  return found;
}

bool refused_as_outsider(const schema::Decision& decision) {
  return decision.rejection() != nullptr &&
         decision.rejection()->code() == schema::RejectionCode::not_a_member;
}

Result<CommandPlaces> find_command(const QueryContext& context, std::string_view org,
                                   std::string_view id) {
  CommandPlaces found{.numbers = {}, .all_visible = context.viewer.sees_everything()};
  if (!found.all_visible) {
    const auto organization = VisibleOrganization::open(context, org);
    const auto visible = organization ? organization->need(Action::kAuditRead)
                                      : std::unexpected(organization.error());
    if (!visible && visible.error().kind != ErrorKind::kNotFound) {
      return std::unexpected(visible.error());
    }
    found.all_visible = visible.has_value();
  }
  const uint32_t hash = history_hash(id);
  HistoryNumbers numbers(context.rows, org, "", 0);
  while (auto number = TRY(numbers.next())) {
    if (numbers.command() == hash) found.numbers.push_back(*number);
  }
  std::ranges::reverse(found.numbers);
  return found;
}

}  // namespace tenure
