// What a user belongs to, over all organizations, now or at a time. Only that user, or
// service:admin, may ask.
#include "projections/queries/as_of.h"
#include "projections/queries/query_support.h"
#include "projections/queries/space_walk.h"

namespace tenure {
namespace {

Result<void> need_oneself(const QueryContext& context, std::string_view user) {
  if (context.viewer.sees_everything() || context.viewer.is(user)) return {};
  return fail(ErrorKind::kNotFound, "no user " + std::string(user));
}

// The next page's cursor is `org/id`, with nothing behind the slash where an organization begins:
// no id can hold one.
struct UserCursor {
  std::string org, after;
  static UserCursor parse(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {std::string(text), ""};
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
};

// In a cursor, the organization itself, of which a list has no more than that.
constexpr std::string_view kWhole = ".";

// Of one organization, the items after `after`; false once there is one too many.
using Visit =
    std::function<Result<bool>(const QueryContext&, std::string_view org, std::string_view after)>;

// An organization that the viewer may look at, as it is or as it was.
Result<bool> visit_one(const QueryContext& context, const UserPast& past, std::string_view org,
                       std::string_view after, const Visit& visit) {
  if (!past) return visit(context, org, after);
  const auto visible = need_visible(context, org);
  if (!visible && (visible.error().kind == ErrorKind::kNotFound ||
                   visible.error().kind == ErrorKind::kSignIn)) {
    return true;
  }
  TRY(Result<void>(visible));
  auto then = past(org);
  if (!then && then.error().kind == ErrorKind::kNotFound) return true;  // not there yet
  const PastOrganization was = TRY(std::move(then));
  return visit({.rows = *was.rows,
                .rulebooks = context.rulebooks,
                .viewer = context.viewer,
                .now = was.time,
                .partition = context.partition,
                .live_rows = &context.rows,
                .compiled = context.compiled,
                .unsealer = context.unsealer},
               org, after);
}

// Visits the user's organizations from the cursor on until the page is full; where the next one
// begins if that is for another reason, empty otherwise.
Result<std::string> visit_organizations(const QueryContext& context, std::string_view user,
                                        const Page& page, const UserPast& past,
                                        const Visit& visit) {
  const UserCursor from = UserCursor::parse(page.cursor);
  const Key prefix = user_organizations_key(user);
  auto cursor = context.rows.scan(Family::kMembership, prefix);
  size_t visited = 0;
  for (cursor->seek(Keys(from.org).user_organization(user)); cursor->valid(); cursor->next()) {
    const std::string org(after_prefix(cursor->key(), prefix));
    if (past && visited++ == kMostPastOrganizations) return org + "/";
    const std::string_view after = org == from.org ? std::string_view(from.after) : "";
    const bool all = TRY(visit_one(context, past, org, after, visit));
    if (!all) return std::string();
  }
  TRY(cursor->status());
  return std::string();
}

// A page of a list over organizations, under way.
class UserPage {
 public:
  UserPage(std::string_view name, size_t limit) : left_(limit) {
    out_.begin_object().begin_array(name);
  }
  // Begins an item, which the caller writes and ends; nothing if it is one too many.
  AnswerWriter* add(std::string_view org, std::string_view id) {
    full_ = left_ == 0;
    if (full_) return nullptr;
    --left_;
    last_.assign(org).append("/").append(id);
    out_.begin_object().text("org", org);
    return &out_;
  }
  std::string finish(const std::string& next) {
    out_.end_array();
    return finish_page(out_, full_ ? last_ : next);
  }

 private:
  AnswerWriter out_;
  size_t left_;
  bool full_ = false;
  std::string last_;
};

Result<bool> add_space(OrganizationRows& organization, std::string_view user,
                       const Membership& membership, std::string_view space, UserPage& page) {
  Row row;
  const schema::SpaceRow* found = TRY(organization.space(space, row));
  auto access =
      summarize(organization, membership, TRY(organization.grants(user, membership, space)));
  if (found == nullptr || is_deleted(*found) || !access) return true;
  AnswerWriter* out = page.add(organization.org(), space);
  if (out == nullptr) return false;
  out->text("space", space).text("name", found->name());
  write_access(*out, *access);
  out->end_object();
  return true;
}

Result<bool> add_spaces(const QueryContext& context, std::string_view org, std::string_view after,
                        std::string_view user, UserPage& page) {
  auto organization = TRY(OrganizationRows::find(context, context.rows, org));
  const auto membership = organization ? TRY(organization->standing(user)) : std::nullopt;
  if (!membership) return true;
  // What takes a sign-in that was not made is left out; the list of organizations has it.
  if (context.viewer.is(user) && !need_sign_in(*organization, *membership, context.viewer)) {
    return true;
  }
  if (sees_every_space(organization->role(*membership))) {
    SpaceWalk walk(*organization, after);
    for (; walk.valid(); walk.next()) {
      const std::string space(walk.space());
      if (!TRY(add_space(*organization, user, *membership, space, page))) return false;
    }
    TRY(walk.status());
    return true;
  }
  const auto spaces = TRY(granted_spaces(*organization, user, *membership));
  for (auto space = spaces.upper_bound(std::string(after)); space != spaces.end(); ++space) {
    if (!TRY(add_space(*organization, user, *membership, *space, page))) return false;
  }
  return true;
}

Result<bool> add_invitations(const QueryContext& context, std::string_view org,
                             std::string_view after, std::string_view user, UserPage& page) {
  Keys keys(org);
  const std::string prefix = keys.user_invitations(user).str();
  auto held = context.rows.scan(Family::kMembership, prefix);
  Row row;
  for (held->seek(page_start(prefix, {.limit = 1, .cursor = std::string(after)})); held->valid();
       held->next()) {
    const std::string id(after_prefix(held->key(), prefix));
    if (!TRY(context.rows.get(Family::kMembership, keys.invitation(id), row))) continue;
    const auto& invitation = row.as<schema::InvitationRow>();
    if (status_of(invitation, context.now) != "pending") continue;
    AnswerWriter* out = page.add(org, id);
    if (out == nullptr) return false;
    write_invitation(*out, context, id, invitation);
    out->end_object();
  }
  TRY(held->status());
  return true;
}

// A guest is in spaces, and of the organization learns nothing.
Result<bool> add_organization(const QueryContext& context, std::string_view org,
                              std::string_view after, std::string_view user, UserPage& page) {
  if (after == kWhole) return true;
  auto organization = TRY(OrganizationRows::find(context, context.rows, org));
  const auto membership = organization ? TRY(organization->standing(user)) : std::nullopt;
  if (!membership || membership->role == kNoRole) return true;
  AnswerWriter* out = page.add(org, kWhole);
  if (out == nullptr) return false;
  out->text("name", organization->row().name());
  out->text("role", organization->role(*membership).name).time("since", membership->since);
  out->end_object();
  return true;
}

using Add = Result<bool> (*)(const QueryContext&, std::string_view org, std::string_view after,
                             std::string_view user, UserPage&);

Result<std::string> list_of(const QueryContext& context, std::string_view name,
                            std::string_view user, const Page& page, const UserPast& past,
                            Add add) {
  TRY(check_page(page));
  TRY(need_oneself(context, user));
  UserPage list(name, page.limit);
  const std::string next = TRY(visit_organizations(
      context, user, page, past,
      [&](const QueryContext& there, std::string_view org, std::string_view after) {
        return add(there, org, after, user, list);
      }));
  return list.finish(next);
}

}  // namespace

Result<std::string> get_user_spaces(const QueryContext& context, std::string_view user,
                                    const Page& page, const UserPast& past) {
  return list_of(context, "spaces", user, page, past, add_spaces);
}

Result<std::string> get_user_organizations(const QueryContext& context, std::string_view user,
                                           const Page& page, const UserPast& past) {
  return list_of(context, "organizations", user, page, past, add_organization);
}

Result<std::string> get_user_invitations(const QueryContext& context, std::string_view user,
                                         const Page& page, const UserPast& past) {
  return list_of(context, "invitations", user, page, past, add_invitations);
}

}  // namespace tenure
