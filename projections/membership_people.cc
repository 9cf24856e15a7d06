// The membership model: members, groups and invitations, and the grants in members' and groups' own
// rows.
#include "projections/membership_reductions.h"

namespace tenure::membership {
namespace {

// Whose grants are more than this, or so, has none of them in their row, which would be written
// whole at every change and is read whole by every check. Some 16 grants.
constexpr size_t kMostHeldBytes = 1024;

using HeldGrantRows = flatbuffers::Vector<flatbuffers::Offset<schema::HeldGrant>>;

// A grant as it is now; without roles it was taken away.
struct GrantChange {
  std::string_view space;
  const Texts* roles;
};

// What a member's or a group's row is to say of their grants.
struct RowGrants {
  const HeldGrantRows* before = nullptr;
  bool elsewhere = false;
  std::optional<GrantChange> change = {};
};

template <class Row>
RowGrants grants_of(const Row& row) {
  return {.before = row.grants(), .elsewhere = row.grants_elsewhere()};
}

struct WrittenGrants {
  flatbuffers::Offset<HeldGrantRows> grants = 0;
  bool elsewhere = false;
};

WrittenGrants write_grants(Reduction& in, const RowGrants& of) {
  if (of.elsewhere) return {.elsewhere = true};
  struct Grant {
    std::string_view space;
    const Texts* roles;
    uint64_t number;
  };
  std::vector<Grant> grants;
  if (of.before != nullptr) {
    for (const schema::HeldGrant* held : *of.before) {
      const std::string_view space = held->space()->string_view();
      if (of.change && of.change->space == space) continue;
      grants.push_back({space, held->roles(), held->number()});
    }
  }
  if (of.change && of.change->roles != nullptr) {
    const Grant changed{of.change->space, of.change->roles, in.number};
    grants.insert(std::ranges::upper_bound(grants, changed.space, {}, &Grant::space), changed);
  }
  if (grants.empty()) return {};
  size_t bytes = 0;
  for (const Grant& grant : grants) {
    bytes += grant.space.size() + 32;
    for (const auto* role : *grant.roles) bytes += role->size() + 8;
  }
  if (bytes > kMostHeldBytes) return {.elsewhere = true};
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<schema::HeldGrant>> rows;
  for (const Grant& grant : grants) {
    auto space = fbb.CreateString(grant.space.data(), grant.space.size());
    auto roles = copy_texts(in, grant.roles);
    rows.push_back(schema::CreateHeldGrant(fbb, space, roles, grant.number));
  }
  return {.grants = fbb.CreateVector(rows)};
}

// What a member's row is to say; texts, groups and grants are copied.
struct NewMember {
  std::string_view role, status;
  int64_t since;
  uint64_t number;
  const schema::MemberRow* groups_of = nullptr;  // whose groups to keep
  const schema::Sealed* name = nullptr;
  const schema::Sealed* email = nullptr;
  flatbuffers::Optional<uint64_t> status_number = flatbuffers::nullopt;
  std::string_view leaves = {}, joins = {};  // one group less, one more
  RowGrants grants = {};
};

// A member as the row has them.
NewMember as_before(const schema::MemberRow& row) {
  return {.role = row.role()->string_view(),
          .status = row.status()->string_view(),
          .since = row.since(),
          .number = row.number(),
          .groups_of = &row,
          .name = row.name(),
          .email = row.email(),
          .status_number = row.status_number(),
          .grants = grants_of(row)};
}

flatbuffers::Offset<schema::Sealed> copy_sealed(Reduction& in, const schema::Sealed* sealed) {
  if (sealed == nullptr || sealed->box() == nullptr) return 0;
  auto subject = in.builder.CreateString(sealed->subject());
  auto box = in.builder.CreateVector(sealed->box()->data(), sealed->box()->size());
  return schema::CreateSealed(in.builder, 0, subject, box);
}

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::UserGroup>>> copy_groups(
    Reduction& in, const NewMember& member) {
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<schema::UserGroup>> groups;
  auto add = [&](std::string_view id, uint64_t number) {
    auto text = fbb.CreateString(id.data(), id.size());
    groups.push_back(schema::CreateUserGroup(fbb, text, number));
  };
  bool joined = member.joins.empty();
  if (member.groups_of != nullptr && member.groups_of->groups() != nullptr) {
    for (const schema::UserGroup* held : *member.groups_of->groups()) {
      std::string_view id = held->group()->string_view();
      if (!joined && member.joins < id) {
        add(member.joins, in.number);
        joined = true;
      }
      if (id != member.leaves) add(id, held->number());
    }
  }
  if (!joined) add(member.joins, in.number);
  if (groups.empty()) return 0;
  return fbb.CreateVector(groups);
}

void put_member(Reduction& in, std::string_view user, const NewMember& member) {
  auto& fbb = in.builder;
  auto groups = copy_groups(in, member);
  auto role = fbb.CreateString(member.role.data(), member.role.size());
  auto status = fbb.CreateString(member.status.data(), member.status.size());
  auto name = copy_sealed(in, member.name);
  auto email = copy_sealed(in, member.email);
  const WrittenGrants grants = write_grants(in, member.grants);
  in.put(kFamily, in.keys.member(user),
         schema::CreateMemberRow(fbb, role, member.since, status, member.number, groups, name,
                                 email, member.status_number, grants.grants, grants.elsewhere));
}

const schema::MemberRow* get_member(Reduction& in, std::string_view user) {
  return in.rows.get<schema::MemberRow>(kFamily, in.keys.member(user));
}

// Who was a guest may have grants that the new member's row does not know.
RowGrants grants_of_new_member(Reduction& in) {
  const auto* organization = in.rows.get<schema::OrganizationRow>(kFamily, in.keys.organization());
  return {.elsewhere = organization != nullptr && organization->guests()};
}

// Gives a member another role; their membership goes on.
void change_role(Reduction& in, std::string_view user, std::string_view role) {
  const auto* row = get_member(in, user);
  if (row == nullptr) return;
  NewMember member = as_before(*row);
  member.role = role;
  member.number = in.number;
  put_member(in, user, member);
}

void change_status(Reduction& in, std::string_view user, std::string_view status) {
  const auto* row = get_member(in, user);
  if (row == nullptr) return;
  NewMember member = as_before(*row);
  member.status = status;
  member.status_number = in.number;
  put_member(in, user, member);
}

// One group more, or one less, for somebody who is a member still.
void change_groups(Reduction& in, std::string_view user, std::string_view joins,
                   std::string_view leaves) {
  const auto* row = get_member(in, user);
  if (row == nullptr) return;
  NewMember member = as_before(*row);
  member.leaves = leaves;
  member.joins = joins;
  put_member(in, user, member);
}

template <class Event>
void close_invitation(Reduction& in, const Event& event, std::string_view status) {
  const Key& key = in.keys.invitation(event.invitation()->string_view());
  const auto* row = in.rows.get<schema::InvitationRow>(kFamily, key);
  if (row == nullptr) return;
  auto& fbb = in.builder;
  auto user = fbb.CreateString(row->user());
  auto role = row->role() ? fbb.CreateString(row->role()) : 0;
  auto space = row->space() ? fbb.CreateString(row->space()) : 0;
  auto space_roles = copy_texts(in, row->space_roles());
  auto status_text = fbb.CreateString(status.data(), status.size());
  auto inviter = fbb.CreateString(row->inviter());
  auto email = copy_sealed(in, row->email());
  in.put(kFamily, key,
         schema::CreateInvitationRow(fbb, user, role, space, space_roles, row->expires(),
                                     status_text, inviter, row->number(), email));
  in.rows.erase(kFamily, in.keys.user_invitation(event.user()->string_view(),
                                                 event.invitation()->string_view()));
}

}  // namespace

bool change_grants_of_member(Reduction& in, std::string_view user, std::string_view space,
                             const Texts* roles) {
  const auto* row = get_member(in, user);
  if (row == nullptr) return false;
  if (row->grants_elsewhere()) return true;
  NewMember member = as_before(*row);
  member.grants.change = {space, roles};
  put_member(in, user, member);
  return true;
}

void change_grants_of_group(Reduction& in, std::string_view group, std::string_view space,
                            const Texts* roles) {
  const auto* row = in.rows.get<schema::GroupRow>(kFamily, in.keys.group(group));
  if (row == nullptr || row->grants_elsewhere()) return;
  RowGrants held = grants_of(*row);
  held.change = {space, roles};
  auto name = in.builder.CreateString(row->name());
  const WrittenGrants grants = write_grants(in, held);
  in.put(kFamily, in.keys.group(group),
         schema::CreateGroupRow(in.builder, name, row->number(), grants.grants, grants.elsewhere));
}

void member_added(Reduction& in, const schema::MemberAdded& event) {
  std::string_view user = event.user()->string_view();
  // Who is added has no row yet, but of an invitation accepted in this decision, with its e-mail.
  const auto* invited = in.rows.get_put<schema::MemberRow>(kFamily, in.keys.member(user));
  const schema::Sealed* email =
      event.email() == nullptr && invited != nullptr ? invited->email() : event.email();
  put_member(in, user,
             {.role = event.role()->string_view(),
              .status = kActive,
              .since = in.time,
              .number = in.number,
              .name = event.name(),
              .email = email,
              .grants = invited != nullptr ? grants_of(*invited) : grants_of_new_member(in)});
  in.rows.put(kFamily, in.keys.user_organization(user), kNoBytes);
}

void role_changed(Reduction& in, const schema::RoleChanged& event) {
  change_role(in, event.user()->string_view(), event.role()->string_view());
}

void member_updated(Reduction& in, const schema::MemberUpdated& event) {
  const auto* row = get_member(in, event.user()->string_view());
  if (row == nullptr) return;
  NewMember member = as_before(*row);
  if (event.name() != nullptr) member.name = event.name();
  if (event.email() != nullptr) member.email = event.email();
  put_member(in, event.user()->string_view(), member);
}

void member_suspended(Reduction& in, const schema::MemberSuspended& event) {
  change_status(in, event.user()->string_view(), "suspended");
}

void member_reinstated(Reduction& in, const schema::MemberReinstated& event) {
  change_status(in, event.user()->string_view(), kActive);
}

void member_invited(Reduction& in, const schema::MemberInvited& event) {
  auto& fbb = in.builder;
  auto user = fbb.CreateString(event.user());
  auto role = event.role() ? fbb.CreateString(event.role()) : 0;
  auto space = event.space() ? fbb.CreateString(event.space()) : 0;
  auto space_roles = copy_texts(in, event.space_roles());
  auto status = fbb.CreateString("pending");
  auto inviter = fbb.CreateString(in.actor.data(), in.actor.size());
  auto email = copy_sealed(in, event.email());
  in.put(kFamily, in.keys.invitation(event.invitation()->string_view()),
         schema::CreateInvitationRow(fbb, user, role, space, space_roles, event.expires(), status,
                                     inviter, in.number, email));
  std::string_view user_id = event.user()->string_view();
  in.rows.put(kFamily, in.keys.user_invitation(user_id, event.invitation()->string_view()),
              kNoBytes);
  in.rows.put(kFamily, in.keys.user_organization(user_id), kNoBytes);
}

void invitation_accepted(Reduction& in, const schema::InvitationAccepted& event) {
  close_invitation(in, event, "accepted");
  const auto* row = in.rows.get<schema::InvitationRow>(
      kFamily, in.keys.invitation(event.invitation()->string_view()));
  if (row == nullptr || row->role() == nullptr) return;
  // MemberAdded follows in the same decision.
  put_member(in, event.user()->string_view(),
             {.role = row->role()->string_view(),
              .status = kActive,
              .since = in.time,
              .number = in.number,
              .email = row->email(),
              .grants = grants_of_new_member(in)});
}
void invitation_declined(Reduction& in, const schema::InvitationDeclined& event) {
  close_invitation(in, event, "declined");
}
void invitation_revoked(Reduction& in, const schema::InvitationRevoked& event) {
  close_invitation(in, event, "revoked");
}
void invitation_expired(Reduction& in, const schema::InvitationExpired& event) {
  close_invitation(in, event, "expired");
}

void member_removed(Reduction& in, const schema::MemberRemoved& event) {
  in.rows.erase(kFamily, in.keys.member(event.user()->string_view()));
}

// `to` gets the owner role: the one that `from` holds until now, or is left with if nobody gave it
// up.
void ownership_transferred(Reduction& in, const schema::OwnershipTransferred& event) {
  std::string_view from = event.from()->string_view(), to = event.to()->string_view();
  const auto* owner = get_member(in, from);
  if (owner == nullptr) return;
  if (from != to) change_role(in, to, owner->role()->str());
  change_role(in, from, event.from_role()->string_view());
}

void group_created(Reduction& in, const schema::GroupCreated& event) {
  auto name = in.builder.CreateString(event.name());
  in.put(kFamily, in.keys.group(event.group()->string_view()),
         schema::CreateGroupRow(in.builder, name, in.number));
}

void group_deleted(Reduction& in, const schema::GroupDeleted& event) {
  in.rows.erase(kFamily, in.keys.group(event.group()->string_view()));
}

void group_joined(Reduction& in, const schema::GroupJoined& event) {
  std::string_view group = event.group()->string_view(), user = event.user()->string_view();
  in.put(kFamily, in.keys.group_member(group, user),
         schema::CreateGroupMemberRow(in.builder, in.number));
  change_groups(in, user, group, {});
}

void group_left(Reduction& in, const schema::GroupLeft& event) {
  std::string_view group = event.group()->string_view(), user = event.user()->string_view();
  in.rows.erase(kFamily, in.keys.group_member(group, user));
  change_groups(in, user, {}, group);
}

}  // namespace tenure::membership
