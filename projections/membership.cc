// The membership model: organizations, members, groups, spaces, access and resources.
#include <algorithm>

#include "projections/projection.h"

namespace tenure {
namespace {

constexpr Family kFamily = Family::kMembership;
constexpr RowBytes kNoBytes{};
constexpr std::string_view kActive = "active";

// What a member's row is to say; texts and groups are copied.
struct NewMember {
  std::string_view role, status;
  int64_t since;
  uint64_t number;
  const schema::MemberRow* groups_of = nullptr;  // whose groups to keep
  std::string_view leaves = {}, joins = {};      // one group less, one more
};

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
  in.put(kFamily, in.keys.member(user),
         schema::CreateMemberRow(fbb, role, member.since, status, member.number, groups));
}

const schema::MemberRow* get_member(Reduction& in, std::string_view user) {
  return in.rows.get<schema::MemberRow>(kFamily, in.keys.member(user));
}

// Gives a member another role; their membership goes on.
void change_role(Reduction& in, std::string_view user, std::string_view role) {
  const auto* row = get_member(in, user);
  put_member(in, user,
             {.role = role,
              .status = row ? row->status()->string_view() : kActive,
              .since = row ? row->since() : in.time,
              .number = in.number,
              .groups_of = row});
}

// One group more, or one less, for somebody who is a member still.
void change_groups(Reduction& in, std::string_view user, std::string_view joins,
                   std::string_view leaves) {
  const auto* row = get_member(in, user);
  if (row == nullptr) return;
  put_member(in, user,
             {.role = row->role()->string_view(),
              .status = row->status()->string_view(),
              .since = row->since(),
              .number = row->number(),
              .groups_of = row,
              .leaves = leaves,
              .joins = joins});
}

// From the event that made the organization, or from its row. Strings are made one by one: the
// order in which arguments are evaluated, and so the bytes, would be the compiler's choice.
template <class Source>
void put_organization(Reduction& in, const Source& source, int64_t created,
                      std::string_view status) {
  auto& fbb = in.builder;
  auto name = fbb.CreateString(source.name());
  auto rulebook = fbb.CreateString(source.rulebook());
  auto billing_mode = fbb.CreateString(source.billing_mode());
  auto currency = fbb.CreateString(source.currency());
  auto status_text = fbb.CreateString(status.data(), status.size());
  in.put(kFamily, in.keys.organization(),
         schema::CreateOrganizationRow(fbb, name, rulebook, in.version, billing_mode, currency,
                                       created, status_text));
}

void put_access(Reduction& in, std::string_view space, std::string_view subject,
                const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& roles) {
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<flatbuffers::String>> names;
  for (const auto* role : roles) names.push_back(fbb.CreateString(role));
  in.put(kFamily, in.keys.access(space, subject),
         schema::CreateAccessRow(fbb, fbb.CreateVector(names), in.number));
}

void put_space(Reduction& in, const flatbuffers::String* space, const flatbuffers::String* name,
               int64_t created, std::string_view status) {
  auto& fbb = in.builder;
  auto name_text = fbb.CreateString(name);
  auto status_text = fbb.CreateString(status.data(), status.size());
  in.put(kFamily, in.keys.space(space->string_view()),
         schema::CreateSpaceRow(fbb, name_text, status_text, created, in.number));
}

void organization_created(Reduction& in, const schema::OrganizationCreated& event) {
  put_organization(in, event, in.time, kActive);
}

void member_added(Reduction& in, const schema::MemberAdded& event) {
  std::string_view user = event.user()->string_view();
  put_member(in, user,
             {.role = event.role()->string_view(),
              .status = kActive,
              .since = in.time,
              .number = in.number});
  in.rows.put(kFamily, user_organization_key(user, in.org), kNoBytes);
}

void role_changed(Reduction& in, const schema::RoleChanged& event) {
  change_role(in, event.user()->string_view(), event.role()->string_view());
}

void member_removed(Reduction& in, const schema::MemberRemoved& event) {
  std::string_view user = event.user()->string_view();
  in.rows.erase(kFamily, in.keys.member(user));
  in.rows.erase(kFamily, user_organization_key(user, in.org));
}

// `to` gets the owner role: the one that `from` holds until now.
void ownership_transferred(Reduction& in, const schema::OwnershipTransferred& event) {
  std::string_view from = event.from()->string_view();
  const auto* owner = get_member(in, from);
  if (owner == nullptr) return;
  change_role(in, event.to()->string_view(), owner->role()->str());
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

void space_created(Reduction& in, const schema::SpaceCreated& event) {
  put_space(in, event.space(), event.name(), in.time, kActive);
}

void space_renamed(Reduction& in, const schema::SpaceRenamed& event) {
  const auto* space =
      in.rows.get<schema::SpaceRow>(kFamily, in.keys.space(event.space()->string_view()));
  put_space(in, event.space(), event.name(), space ? space->created() : in.time,
            space ? space->status()->string_view() : kActive);
}

void access_granted(Reduction& in, const schema::AccessGranted& event) {
  std::string_view space = event.space()->string_view(), subject = event.subject()->string_view();
  put_access(in, space, subject, *event.roles());
  in.rows.put(kFamily, in.keys.subject_space(subject, space), kNoBytes);
}

void access_changed(Reduction& in, const schema::AccessChanged& event) {
  put_access(in, event.space()->string_view(), event.subject()->string_view(), *event.roles());
}

void access_revoked(Reduction& in, const schema::AccessRevoked& event) {
  std::string_view space = event.space()->string_view(), subject = event.subject()->string_view();
  in.rows.erase(kFamily, in.keys.access(space, subject));
  in.rows.erase(kFamily, in.keys.subject_space(subject, space));
}

void resource_created(Reduction& in, const schema::ResourceCreated& event) {
  auto& fbb = in.builder;
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> links;
  if (event.links() != nullptr) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> ids;
    for (const auto* link : *event.links()) ids.push_back(fbb.CreateString(link));
    links = fbb.CreateVector(ids);
  }
  auto type = fbb.CreateString(event.type());
  auto name = event.name() ? fbb.CreateString(event.name()) : 0;
  auto digest = event.digest() ? fbb.CreateString(event.digest()) : 0;
  in.put(kFamily, in.keys.resource(event.space()->string_view(), event.resource()->string_view()),
         schema::CreateResourceRow(fbb, type, name, links, digest, event.version()));
}

// The row stays for its version, which goes on if the id comes back.
void resource_deleted(Reduction& in, const schema::ResourceDeleted& event) {
  const Key& key = in.keys.resource(event.space()->string_view(), event.resource()->string_view());
  const auto* row = in.rows.get<schema::ResourceRow>(kFamily, key);
  uint64_t version = row ? row->version() : 0;
  auto type = in.builder.CreateString(event.type());
  in.put(kFamily, key, schema::CreateResourceRow(in.builder, type, 0, 0, 0, version, true));
}

}  // namespace

void raise_version(Reduction& in) {
  const auto* row = in.rows.get<schema::OrganizationRow>(kFamily, in.keys.organization());
  if (row == nullptr) return;
  put_organization(in, *row, row->created(), row->status()->string_view());
}

constexpr ReductionTable<Reduction> kMembershipReductions = reduction_table<Reduction>({
    reduces<&organization_created>(),
    reduces<&member_added>(),
    reduces<&role_changed>(),
    reduces<&member_removed>(),
    reduces<&ownership_transferred>(),
    reduces<&group_created>(),
    reduces<&group_deleted>(),
    reduces<&group_joined>(),
    reduces<&group_left>(),
    reduces<&space_created>(),
    reduces<&space_renamed>(),
    reduces<&access_granted>(),
    reduces<&access_changed>(),
    reduces<&access_revoked>(),
    reduces<&resource_created>(),
    reduces<&resource_deleted>(),
    ignores<Reduction, schema::UsageRecorded>(),
    ignores<Reduction, schema::UsageThresholdReached>(),
    ignores<Reduction, schema::PlanChangeRequested>(),
    ignores<Reduction, schema::SubscriptionStarted>(),
    ignores<Reduction, schema::PlanChangeFailed>(),
});

}  // namespace tenure
