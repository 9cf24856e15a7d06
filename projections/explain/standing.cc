// Why somebody has an action or lacks it: every link of the chain, and the ways to it.
#include "projections/queries/standing.h"
#include "projections/explain/explanation.h"

namespace tenure {
namespace {

Explanation denied(Evidence evidence, std::vector<Way> would_allow) {
  return {.because = {std::move(evidence)}, .would_allow = std::move(would_allow)};
}

// One question while it is answered.
class Question {
 public:
  Question(OrganizationRows& organization, const Asked& asked)
      : organization_(organization), asked_(asked), rulebook_(organization.rulebook()) {}

  Result<Explanation> answer() {
    const bool deleted = organization_.row().status()->string_view() == "deleted";
    if (deleted && !asked_.of_deleted) return deleted_organization();
    auto membership = TRY(organization_.membership(asked_.user));
    if (!membership && !deleted) membership = TRY(organization_.standing(asked_.user));
    const auto action = parse_action(asked_.action, rulebook_);
    if (!membership) return stranger(action);
    if (membership->suspended) return TRY(suspended(*membership));
    if (!action) {
      return denied({rulebook_.pinned_name + " has no action " + asked_.action, {}},
                    {{"name one of its actions, which tenure rulebook show lists", {}}});
    }
    Standing standing{organization_, std::move(*membership), !asked_.space.empty()};
    if (standing.in_space) {
      standing.grants = TRY(organization_.grants(asked_.user, standing.membership, asked_.space));
      auto closed = TRY(closed_space(standing, *action));
      if (closed) return *std::move(closed);
    }
    return judged(standing, *action);
  }

 private:
  std::string org() const { return std::string(organization_.org()); }
  Lacking lacking(const Standing& standing) const {
    Lacking lacking{.user = asked_.user, .role = {}, .space = asked_.space, .direct = {}};
    if (standing.membership.role != kNoRole) lacking.role = standing.membership.role;
    for (const Grant& grant : standing.grants) {
      if (grant.through_group()) {
        lacking.role_by_group = lacking.role_by_group || grant.roles.any();
      } else {
        lacking.direct = grant.roles;
      }
    }
    return lacking;
  }

  Explanation deleted_organization() {
    return denied({org() + " is deleted", organization_.row().status_number()},
                  {{"RestoreOrganization, within 30 days",
                    who_has(rulebook_, {.plain = Action::kOrganizationDelete}, false)}});
  }

  Explanation stranger(const std::optional<NamedAction>& action) {
    std::vector<Way> ways;
    const Lacking lacking{.user = asked_.user, .role = {}, .space = asked_.space, .direct = {}};
    if (action) ways = ways_to(rulebook_, lacking, *action);
    return denied({no_active_member(asked_.user, org()) + ", nor a guest in a space of it", {}},
                  std::move(ways));
  }

  Result<Explanation> suspended(const Membership& membership) {
    Row row;
    (void)TRY(organization_.view().get(Family::kMembership,
                                       organization_.keys().member(asked_.user), row));
    Explanation told =
        denied({asked_.user + " is suspended in " + org() + ", and denied everywhere",
                row.as<schema::MemberRow>().status_number()},
               {{"ReinstateMember " + asked_.user,
                 who_acts_on(rulebook_, Action::kMemberRemove, membership.role)}});
    told.because.push_back(as_member(membership));
    return told;
  }

  // That there is nothing to hold anything in; nothing if the space is open to them.
  Result<std::optional<Explanation>> closed_space(const Standing& standing,
                                                  const NamedAction& action) {
    Row row;
    const schema::SpaceRow* space = TRY(organization_.space(asked_.space, row));
    const bool gone = space == nullptr || (is_deleted(*space) && !asked_.of_deleted);
    if (asked_.hide_unseen ? gone || !standing.sees_space() : false) {
      // What they hold in a space that is gone would say that it was there.
      Lacking outside = lacking(standing);
      outside.direct.reset();
      outside.role_by_group = false;
      return told_with_membership(standing, {no_space_seen(asked_.space, asked_.user, org()), {}},
                                  ways_to(rulebook_, outside, action));
    }
    if (space == nullptr) {
      return denied({"there is no space " + asked_.space + " in " + org(), {}},
                    {{"CreateSpace " + asked_.space,
                      who_has(rulebook_, {.plain = Action::kSpaceCreate}, false)}});
    }
    if (gone) {
      return denied({"space " + asked_.space + " is deleted", space->status_number()},
                    {{"RestoreSpace " + asked_.space + ", within 30 days",
                      who_has(rulebook_, {.plain = Action::kSpaceDelete}, true)}});
    }
    if (!standing.sees_space()) {
      return told_with_membership(standing,
                                  {rulebook_.pinned_name + " " + standing.role().name +
                                       " sees a space only with access to it, and " + asked_.user +
                                       " has none to " + asked_.space,
                                   {}},
                                  ways_to(rulebook_, lacking(standing), action));
    }
    archived_ = space->status()->string_view() == "archived";
    archived_by_ = space->status_number();
    return std::nullopt;
  }

  Result<Explanation> judged(const Standing& standing, const NamedAction& action) {
    Explanation told{.allowed = standing.has(action)};
    if (told.allowed) {
      for (CheckReason& reason : reasons_for(standing, action, asked_.action)) {
        told.because.push_back({std::move(reason.rule), reason.number});
      }
    } else {
      told.because.push_back({says_what_is_held(standing, asked_.action), {}});
      for (const Grant& grant : standing.grants) add_grant(grant, told.because);
      told.would_allow = ways_to(rulebook_, lacking(standing), action);
    }
    const OrganizationRole& role = standing.role();
    const bool by_role =
        told.allowed && holds(standing.in_space ? role.power : role.actions, action);
    if (!by_role && standing.membership.role != kNoRole) {
      told.because.push_back(as_member(standing.membership));
    }
    TRY(add_definitions(standing, told.because));
    if (archived_) {
      told.notes.push_back({"space " + asked_.space +
                                " is archived: changes to its resources, access, usage and plan "
                                "are refused until it is restored",
                            archived_by_});
    }
    return told;
  }

  Explanation told_with_membership(const Standing& standing, Evidence evidence,
                                   std::vector<Way> ways) {
    Explanation told = denied(std::move(evidence), std::move(ways));
    if (standing.membership.role != kNoRole) told.because.push_back(as_member(standing.membership));
    return told;
  }

  Evidence as_member(const Membership& membership) {
    return {asked_.user + " is a member as " + rulebook_.role(membership.role).name,
            membership.number};
  }

  void add_grant(const Grant& grant, std::vector<Evidence>& because) {
    const std::string levels = level_names(rulebook_, grant.roles);
    if (!grant.through_group()) {
      because.push_back({levels + " held directly in " + asked_.space, grant.number});
      return;
    }
    because.push_back({levels + " of " + grant.subject + " in " + asked_.space, grant.number});
    because.push_back({"member of " + grant.subject, grant.joined});
  }

  // How the organization defined the roles of its own that are held.
  Result<void> add_definitions(const Standing& standing, std::vector<Evidence>& because) {
    const RoleSet held = composed(standing.grants).roles;
    Row row;
    bool read = false;
    for (size_t index = 0; index < rulebook_.space_roles.size(); ++index) {
      const SpaceRole& role = rulebook_.space_roles[index];
      if (!held.test(index) || !role.custom) continue;
      if (!read) {
        read = TRY(
            organization_.view().get(Family::kMembership, organization_.keys().rulebook(), row));
        if (!read) return {};
      }
      for (const auto* own : *row.as<schema::RulebookRow>().space_roles()) {
        if (own->role()->string_view() != role.name) continue;
        std::string actions;
        for (const std::string& action : action_names(role.actions, rulebook_)) {
          actions += (actions.empty() ? "" : ", ") + action;
        }
        because.push_back({"space role " + role.name + " is defined as " + actions, own->number()});
      }
    }
    return {};
  }

  OrganizationRows& organization_;
  const Asked& asked_;
  const Rulebook& rulebook_;
  bool archived_ = false;
  std::optional<uint64_t> archived_by_;
};

}  // namespace

Result<Explanation> explain_standing(OrganizationRows& organization, const Asked& asked) {
  return Question(organization, asked).answer();
}

}  // namespace tenure
