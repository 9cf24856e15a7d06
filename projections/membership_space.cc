// The membership model: spaces, access and resources.
#include "projections/membership_reductions.h"

namespace tenure::membership {
namespace {

void put_access(Reduction& in, std::string_view space, std::string_view subject,
                const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& roles) {
  auto& fbb = in.builder;
  in.put(kFamily, in.keys.access(space, subject),
         schema::CreateAccessRow(fbb, copy_texts(in, &roles), in.number));
}

constexpr std::string_view kUser = "user:", kGroup = "group:";

// In the subject's own row, from now on. Null: nothing any more.
void change_grants(Reduction& in, std::string_view subject, std::string_view space,
                   const Texts* roles) {
  if (subject.starts_with(kGroup)) {
    change_grants_of_group(in, subject.substr(kGroup.size()), space, roles);
  } else if (subject.starts_with(kUser)) {
    const std::string_view user = subject.substr(kUser.size());
    const bool is_member = change_grants_of_member(in, user, space, roles);
    if (!is_member && roles != nullptr) note_guest(in);
  }
}

// What a space's row is to say; texts are copied.
struct NewSpace {
  std::string_view name, status = kActive;
  int64_t created = 0, deleted = 0;
  flatbuffers::Optional<uint64_t> status_number = flatbuffers::nullopt;
};

void put_space(Reduction& in, std::string_view id, const NewSpace& space) {
  auto& fbb = in.builder;
  auto name = fbb.CreateString(space.name.data(), space.name.size());
  auto status = fbb.CreateString(space.status.data(), space.status.size());
  in.put(kFamily, in.keys.space(id),
         schema::CreateSpaceRow(fbb, name, status, space.created, in.number, space.deleted,
                                space.status_number));
}

void change_space_status(Reduction& in, const flatbuffers::String* space, std::string_view status,
                         int64_t deleted = 0) {
  const auto* row = in.rows.get<schema::SpaceRow>(kFamily, in.keys.space(space->string_view()));
  if (row == nullptr) return;
  put_space(in, space->string_view(),
            {.name = row->name()->string_view(),
             .status = status,
             .created = row->created(),
             .deleted = deleted,
             .status_number = in.number});
}

// `said`: what has the name and the digest, an event or the row of what was copied.
template <class Said>
void put_resource(Reduction& in, std::string_view space, const flatbuffers::String* resource,
                  const Said& said, const Texts* link_ids, uint64_t version) {
  auto& fbb = in.builder;
  auto links = copy_texts(in, link_ids);
  auto type = fbb.CreateString(said.type());
  auto name = said.name() ? fbb.CreateString(said.name()) : 0;
  auto digest = said.digest() ? fbb.CreateString(said.digest()) : 0;
  in.put(kFamily, in.keys.resource(space, resource->string_view()),
         schema::CreateResourceRow(fbb, type, name, links, digest, version));
}

}  // namespace

void space_created(Reduction& in, const schema::SpaceCreated& event) {
  put_space(in, event.space()->string_view(),
            {.name = event.name()->string_view(), .created = in.time});
}

void space_renamed(Reduction& in, const schema::SpaceRenamed& event) {
  const auto* row =
      in.rows.get<schema::SpaceRow>(kFamily, in.keys.space(event.space()->string_view()));
  if (row == nullptr) return;
  put_space(in, event.space()->string_view(),
            {.name = event.name()->string_view(),
             .status = row->status()->string_view(),
             .created = row->created(),
             .deleted = row->deleted(),
             .status_number = row->status_number()});
}

void space_archived(Reduction& in, const schema::SpaceArchived& event) {
  change_space_status(in, event.space(), "archived");
}

void space_deleted(Reduction& in, const schema::SpaceDeleted& event) {
  change_space_status(in, event.space(), "deleted", in.time);
}

void space_restored(Reduction& in, const schema::SpaceRestored& event) {
  change_space_status(in, event.space(), kActive);
}

void access_granted(Reduction& in, const schema::AccessGranted& event) {
  std::string_view space = event.space()->string_view(), subject = event.subject()->string_view();
  put_access(in, space, subject, *event.roles());
  in.rows.put(kFamily, in.keys.subject_space(subject, space), kNoBytes);
  change_grants(in, subject, space, event.roles());
  if (!subject.starts_with(kUser)) return;
  in.rows.put(kFamily, in.keys.user_organization(subject.substr(kUser.size())), kNoBytes);
}

void access_changed(Reduction& in, const schema::AccessChanged& event) {
  std::string_view space = event.space()->string_view(), subject = event.subject()->string_view();
  put_access(in, space, subject, *event.roles());
  change_grants(in, subject, space, event.roles());
}

void access_revoked(Reduction& in, const schema::AccessRevoked& event) {
  std::string_view space = event.space()->string_view(), subject = event.subject()->string_view();
  in.rows.erase(kFamily, in.keys.access(space, subject));
  in.rows.erase(kFamily, in.keys.subject_space(subject, space));
  change_grants(in, subject, space, nullptr);
}

void resource_created(Reduction& in, const schema::ResourceCreated& event) {
  put_resource(in, event.space()->string_view(), event.resource(), event, event.links(),
               event.version());
}

void resource_updated(Reduction& in, const schema::ResourceUpdated& event) {
  put_resource(in, event.space()->string_view(), event.resource(), event, event.links(),
               event.version());
}

void resource_copied(Reduction& in, const schema::ResourceCopied& event) {
  const auto* source = in.rows.get<schema::ResourceRow>(
      kFamily, in.keys.resource(event.from()->string_view(), event.resource()->string_view()));
  if (source == nullptr) return;
  put_resource(in, event.to()->string_view(), event.as(), *source, event.links(), event.version());
}

// The row stays for its version, which goes on if the id comes back.
void resource_deleted(Reduction& in, const schema::ResourceDeleted& event) {
  const Key& key = in.keys.resource(event.space()->string_view(), event.resource()->string_view());
  const auto* row = in.rows.get<schema::ResourceRow>(kFamily, key);
  uint64_t version = row ? row->version() : 0;
  auto type = in.builder.CreateString(event.type());
  in.put(kFamily, key, schema::CreateResourceRow(in.builder, type, 0, 0, 0, version, true));
}

}  // namespace tenure::membership
