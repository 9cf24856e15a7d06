#include "engine/domain/emit.h"

#include <vector>

namespace tenure {

using flatbuffers::FlatBufferBuilder;

TextsOffset space_role_texts(FlatBufferBuilder& builder, const Rulebook& rulebook,
                             const RoleSet& roles) {
  std::vector<flatbuffers::Offset<flatbuffers::String>> names;
  for (size_t i = 0; i < rulebook.space_roles.size(); ++i) {
    if (roles.test(i)) names.push_back(builder.CreateString(rulebook.space_roles[i].name));
  }
  return builder.CreateVector(names);
}

TextsOffset copy_texts(FlatBufferBuilder& builder, const Texts* texts) {
  if (texts == nullptr) return 0;
  std::vector<flatbuffers::Offset<flatbuffers::String>> copies;
  copies.reserve(texts->size());
  for (const auto* text : *texts) copies.push_back(builder.CreateString(text));
  return builder.CreateVector(copies);
}

flatbuffers::Offset<flatbuffers::String> copy_text(FlatBufferBuilder& builder,
                                                   const flatbuffers::String* text) {
  return text == nullptr ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(text);
}

flatbuffers::Offset<schema::Sealed> copy_sealed(FlatBufferBuilder& builder,
                                                const schema::Sealed* sealed) {
  if (sealed == nullptr) return 0;
  const auto subject = builder.CreateString(sealed->subject());
  const auto box = builder.CreateVector(sealed->box()->data(), sealed->box()->size());
  return schema::CreateSealed(builder, 0, subject, box);
}

void revoke_everywhere(const Organization& organization, std::string_view subject,
                       EventSink& events) {
  const auto spaces = organization.spaces_of.find(subject);
  if (spaces == organization.spaces_of.end()) return;
  auto& builder = events.builder();
  const auto subject_text = builder.CreateString(subject);
  for (const SpaceId& space : spaces->second) {
    events.add(
        schema::CreateAccessRevoked(builder, builder.CreateString(space.str()), subject_text));
  }
}

}  // namespace tenure
