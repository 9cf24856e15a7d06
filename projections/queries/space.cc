// Spaces: the list with plans and use, who is in one, what it holds, what it uses and costs.
#include <map>
#include <set>

#include "engine/domain/meters.h"
#include "projections/month.h"
#include "projections/queries/query_support.h"
#include "projections/queries/space_walk.h"

namespace tenure {
namespace {

// How much of one meter is used now.
Result<uint64_t> use_of(const QueryContext& context, OrganizationRows& organization,
                        std::string_view space, const schema::MeterTerms& terms) {
  std::string_view meter = terms.meter()->string_view();
  if (meter == kMembersMeter) return count_space_users(organization, space);
  const Time now = now_in(context, organization);
  Month month = terms.kind() == schema::MeterKind::gauge ? kGaugeMonth : month_of(now);
  Row row;
  if (!TRY(context.rows.get(Family::kUsage, organization.keys().meter(space, month, meter), row))) {
    return 0;
  }
  return row.as<schema::MeterRow>().used();
}

std::optional<uint64_t> limit_of(const schema::MeterTerms& terms) { return terms.limit(); }

Result<void> write_space(AnswerWriter& out, const QueryContext& context,
                         VisibleOrganization& organization, std::string_view space,
                         const schema::SpaceRow& row, const Debts& debts) {
  ActionSet actions = TRY(organization.actions_in(space));
  Row subscription_row = TRY(subscription_of(context, organization.rows(), space));
  const auto& subscription = subscription_row.as<schema::SubscriptionRow>();
  out.begin_object().text("space", space).text("name", row.name());
  const bool suspended =
      row.status()->string_view() == "active" && debts.of(space) == DunningStep::kSuspended;
  out.text("plan", subscription.plan());
  out.text("status", suspended ? "suspended" : row.status()->string_view());
  out.time("created", row.created());
  out.begin_array("usage");
  if (actions.has(Action::kUsageView)) {
    for (const schema::MeterTerms* terms : *subscription.terms()->meters()) {
      uint64_t used = TRY(use_of(context, organization.rows(), space, *terms));
      out.begin_object().text("meter", terms->meter()).number("used", used);
      out.number("limit", limit_of(*terms)).end_object();
    }
  }
  out.end_array().end_object();
  return {};
}

// All grants in one space, by subject: read once for a whole list of users.
using SpaceAccess = std::map<std::string, Grant, std::less<>>;

Result<SpaceAccess> access_in(OrganizationRows& organization, std::string_view space) {
  SpaceAccess access;
  const std::string prefix = organization.keys().accesses(space).str();
  auto cursor = organization.view().scan(Family::kMembership, prefix);
  Row row;
  for (; cursor->valid(); cursor->next()) {
    row.assign(cursor->bytes());
    const auto& grant = row.as<schema::AccessRow>();
    std::string subject(after_prefix(cursor->key(), prefix));
    access[subject] = {subject, organization.space_roles(*grant.roles()), grant.number(), 0};
  }
  TRY(cursor->status());
  return access;
}

std::vector<Grant> grants_from(const SpaceAccess& access, std::string_view user,
                               const Membership& membership) {
  std::vector<Grant> grants;
  auto add = [&](std::string_view subject, uint64_t joined) {
    auto found = access.find(subject);
    if (found == access.end()) return;
    grants.push_back(found->second);
    grants.back().joined = joined;
  };
  add(SubjectKey::user(user), 0);
  for (const Membership::Group& group : membership.groups) {
    add(SubjectKey::group(group.id), group.number);
  }
  return grants;
}

bool may_restore(const VisibleOrganization& organization) {
  return organization.may(Action::kSpaceArchive) || organization.may(Action::kSpaceDelete);
}

// Who is granted access directly and is no member, sorted.
Result<std::set<std::string>> guests_in(OrganizationRows& organization, const SpaceAccess& access) {
  constexpr std::string_view kUser = "user:";
  std::set<std::string> guests;
  for (const auto& [subject, grant] : access) {
    if (!subject.starts_with(kUser)) continue;
    std::string user = subject.substr(kUser.size());
    if (!TRY(organization.membership(user))) guests.insert(std::move(user));
  }
  return guests;
}

}  // namespace

Result<void> write_limits(AnswerWriter& out, const QueryContext& context,
                          OrganizationRows& organization, std::string_view space,
                          const schema::Plan& plan) {
  out.begin_array("limits");
  for (const schema::MeterTerms* terms : *plan.meters()) {
    out.begin_object().text("meter", terms->meter());
    out.text("kind", schema::EnumNameMeterKind(terms->kind()));
    out.number("limit", limit_of(*terms)).end_object();
  }
  out.end_array().begin_array("excess");
  for (const schema::MeterTerms* terms : *plan.meters()) {
    const std::optional<uint64_t> limit = limit_of(*terms);
    const uint64_t used = TRY(use_of(context, organization, space, *terms));
    if (!limit || used <= *limit) continue;
    out.begin_object().text("meter", terms->meter()).number("used", used);
    out.number("limit", *limit).number("excess", used - *limit).end_object();
  }
  out.end_array();
  return {};
}

// Those that the viewer sees; deleted ones only for who could restore them by their role.
Result<std::string> get_spaces(const QueryContext& context, std::string_view org,
                               const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  const Debts debts = TRY(read_debts(organization.rows()));
  AnswerWriter out;
  out.begin_object().begin_array("spaces");
  std::string last;
  size_t shown = 0;
  bool more = false;  // that the viewer sees, too
  SpaceWalk walk(organization.rows(), page.cursor);
  for (; walk.valid(); walk.next()) {
    if (!TRY(organization.actions_in(walk.space())).has(Action::kSpaceView)) continue;
    if (is_deleted(walk.row()) && !may_restore(organization)) continue;
    more = shown == page.limit;
    if (more) break;
    TRY(write_space(out, context, organization, walk.space(), walk.row(), debts));
    last = walk.space();
    ++shown;
  }
  out.end_array();
  TRY(walk.status());
  return finish_page(out, more ? last : "");
}

Result<std::string> get_space(const QueryContext& context, std::string_view org,
                              std::string_view space) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kSpaceView));
  Row row;
  const schema::SpaceRow* found = TRY(organization->space(space, row));
  AnswerWriter out;
  const Debts debts = TRY(read_debts(organization.rows()));
  TRY(write_space(out, context, organization, space, *found, debts));
  return out.take();
}

Result<std::string> get_space_members(const QueryContext& context, std::string_view org,
                                      std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kAccessView));
  const SpaceAccess access = TRY(access_in(organization.rows(), space));
  const std::set<std::string> guests = TRY(guests_in(organization.rows(), access));
  const std::string prefix = organization->keys().members().str();
  auto member = context.rows.scan(Family::kMembership, prefix);
  member->seek(page_start(prefix, page));
  auto guest = guests.upper_bound(page.cursor);
  AnswerWriter out;
  out.begin_object().begin_array("members");
  std::string last;
  Row row;
  size_t shown = 0;
  bool more = false;  // who have access
  // Members and guests, in one order of their ids.
  while (member->valid() || guest != guests.end()) {
    const bool is_member =
        member->valid() && (guest == guests.end() || after_prefix(member->key(), prefix) < *guest);
    const std::string user = is_member ? std::string(after_prefix(member->key(), prefix)) : *guest;
    Membership held;
    if (is_member) {
      row.assign(member->bytes());
      held = organization->read_membership(row.as<schema::MemberRow>());
      member->next();
    } else {
      ++guest;
    }
    auto summary = summarize(organization.rows(), held, grants_from(access, user, held));
    if (!summary || held.suspended) continue;
    more = shown == page.limit;
    if (more) break;
    out.begin_object().text("user", user);
    write_access(out, *summary);
    out.end_object();
    last = user;
    ++shown;
  }
  out.end_array();
  TRY(member->status());
  return finish_page(out, more ? last : "");
}

Result<std::string> get_access(const QueryContext& context, std::string_view org,
                               std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kAccessView));
  auto write = [](AnswerWriter& out, std::string_view subject, const Row& row) -> Result<bool> {
    out.begin_object().text("subject", subject).begin_array("roles");
    for (const auto* role : *row.as<schema::AccessRow>().roles()) out.text(role->string_view());
    out.end_array().end_object();
    return true;
  };
  return write_page(context.rows, organization->keys().accesses(space).str(), "access", page,
                    write);
}

// Those of types that the viewer may read.
Result<std::string> get_resources(const QueryContext& context, std::string_view org,
                                  std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  ActionSet actions = TRY(organization.need_in(space, Action::kSpaceView));
  const std::string prefix = organization->keys().resources(space).str();
  auto write = [&](AnswerWriter& out, std::string_view id, const Row& row) -> Result<bool> {
    const auto& resource = row.as<schema::ResourceRow>();
    auto type = organization->rulebook().resource_type(resource.type()->string_view());
    if (resource.deleted() || !type || !actions.has(ResourceVerb::kRead, *type)) return false;
    out.begin_object().text("resource", id).text("type", resource.type());
    out.text("name", resource.name()).begin_array("links");
    if (resource.links() != nullptr) {
      for (const auto* link : *resource.links()) out.text(link->string_view());
    }
    out.end_array().number("version", resource.version()).end_object();
    return true;
  };
  return write_page(context.rows, prefix, "resources", page, write);
}

Result<std::string> get_usage(const QueryContext& context, std::string_view org,
                              std::string_view space) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kUsageView));
  Row row = TRY(subscription_of(context, organization.rows(), space));
  const auto& subscription = row.as<schema::SubscriptionRow>();
  const Time now = now_in(context, organization.rows());
  const Month month = month_of(now);
  AnswerWriter out;
  out.begin_object().begin_object("period").time("from", to_micros(month_begin(month)));
  out.time("to", to_micros(month_begin(month + 1))).end_object().begin_array("meters");
  for (const auto* terms : *subscription.terms()->meters()) {
    uint64_t used = TRY(use_of(context, organization.rows(), space, *terms));
    std::optional<uint64_t> limit = limit_of(*terms);
    out.begin_object().text("meter", terms->meter());
    out.text("kind", schema::EnumNameMeterKind(terms->kind()));
    out.number("used", used).number("limit", limit);
    out.number("excess", limit && used > *limit ? used - *limit : 0).end_object();
  }
  out.end_array().begin_object("credits");
  out.amount("used_minor", credits_used(subscription, now));
  out.amount("left_minor", subscription.credits_minor());
  return out.text("currency", organization->row().currency()).end_object().end_object().take();
}

}  // namespace tenure
