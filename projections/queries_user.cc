// What a user belongs to, over all organizations. Only that user, or service:admin, may ask.
#include "projections/query_support.h"
#include "projections/space_walk.h"

namespace tenure {
namespace {

Result<void> need_oneself(const QueryContext& context, std::string_view user) {
  if (context.viewer.sees_everything() || context.viewer.is(user)) return {};
  return fail(ErrorKind::kNotFound, "no user " + std::string(user));
}

// The next page's cursor is `org/space`: neither id can hold a slash.
struct SpaceCursor {
  std::string org, space;
  static SpaceCursor parse(std::string_view text) {
    size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {std::string(text), ""};
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
};

// The page of a user's spaces under way.
class SpacePage {
 public:
  SpacePage(const QueryContext& context, std::string_view user, size_t limit)
      : context_(context), user_(user), left_(limit) {
    out_.begin_object().begin_array("spaces");
  }

  // Adds the spaces of one organization after `after`; false once there is one too many.
  Result<bool> add(std::string_view org, std::string_view after) {
    auto organization = TRY(OrganizationRows::find(context_, context_.rows, org));
    auto membership = organization ? TRY(organization->standing(user_)) : std::nullopt;
    if (!membership || !shows(*organization, *membership)) return true;
    if (sees_every_space(organization->role(*membership))) {
      SpaceWalk walk(*organization, after);
      for (; walk.valid(); walk.next()) {
        if (!TRY(add_space(*organization, *membership, walk.space()))) return false;
      }
      TRY(walk.status());
      return true;
    }
    auto spaces = TRY(granted_spaces(*organization, user_, *membership));
    for (auto space = spaces.upper_bound(std::string(after)); space != spaces.end(); ++space) {
      if (!TRY(add_space(*organization, *membership, *space))) return false;
    }
    return true;
  }

  std::string finish(bool more) {
    out_.end_array();
    return finish_page(out_, more ? last_ : "");
  }

 private:
  // What takes a sign-in that was not made is left out; the list of organizations has it.
  bool shows(const OrganizationRows& organization, const Membership& membership) const {
    const bool by_themselves = context_.viewer.is(user_);
    return !by_themselves || need_sign_in(organization, membership, context_.viewer).has_value();
  }

  Result<bool> add_space(OrganizationRows& organization, const Membership& membership,
                         std::string_view space) {
    if (left_ == 0) return false;
    Row row;
    const schema::SpaceRow* found = TRY(organization.space(space, row));
    auto access =
        summarize(organization, membership, TRY(organization.grants(user_, membership, space)));
    if (found == nullptr || is_deleted(*found) || !access) return true;
    out_.begin_object().text("org", organization.org()).text("space", space);
    out_.text("name", found->name());
    write_access(out_, *access);
    out_.end_object();
    last_.assign(organization.org()).append("/").append(space);
    --left_;
    return true;
  }

  const QueryContext& context_;
  std::string_view user_;
  size_t left_;
  AnswerWriter out_;
  std::string last_;
};

}  // namespace

Result<std::string> get_user_spaces(const QueryContext& context, std::string_view user,
                                    const Page& page) {
  TRY(check_page(page));
  TRY(need_oneself(context, user));
  SpaceCursor from = SpaceCursor::parse(page.cursor);
  SpacePage spaces(context, user, page.limit);
  const Key prefix = user_organizations_key(user);
  auto cursor = context.rows.scan(Family::kMembership, prefix);
  bool all = true;
  for (cursor->seek(user_organization_key(user, from.org)); all && cursor->valid();
       cursor->next()) {
    std::string_view org = after_prefix(cursor->key(), prefix);
    all = TRY(spaces.add(org, org == from.org ? from.space : ""));
  }
  TRY(cursor->status());
  return spaces.finish(!all);
}

Result<std::string> get_user_organizations(const QueryContext& context, std::string_view user,
                                           const Page& page) {
  TRY(check_page(page));
  TRY(need_oneself(context, user));
  auto write = [&](AnswerWriter& out, std::string_view org, const Row&) -> Result<bool> {
    auto organization = TRY(OrganizationRows::find(context, context.rows, org));
    auto membership = organization ? TRY(organization->standing(user)) : std::nullopt;
    // A guest is in spaces, and of the organization learns nothing.
    if (!membership || membership->role == kNoRole) return false;
    out.begin_object().text("org", org).text("name", organization->row().name());
    out.text("role", organization->role(*membership).name).time("since", membership->since);
    out.end_object();
    return true;
  };
  return write_page(context.rows, user_organizations_key(user).str(), "organizations", page, write);
}

}  // namespace tenure
