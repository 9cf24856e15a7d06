#include "engine/domain/look_ahead.h"

#include "engine/domain/text.h"

namespace tenure {
namespace {

using schema::Command;

// The user whom a command is about, beside its actor; empty if it names none.
std::string_view named_user(const schema::CommandEnvelope& envelope) {
  switch (envelope.command_type()) {
    case Command::AddMember:
      return text(envelope.command_as_AddMember()->user());
    case Command::ChangeRole:
      return text(envelope.command_as_ChangeRole()->user());
    case Command::RemoveMember:
      return text(envelope.command_as_RemoveMember()->user());
    case Command::AddToGroup:
      return text(envelope.command_as_AddToGroup()->user());
    case Command::RemoveFromGroup:
      return text(envelope.command_as_RemoveFromGroup()->user());
    default:
      return {};
  }
}

// The space that a command is about, of those that are sent often.
std::string_view named_space(const schema::CommandEnvelope& envelope) {
  switch (envelope.command_type()) {
    case Command::RecordUsage:
      return text(envelope.command_as_RecordUsage()->space());
    case Command::UpgradePlan:
      return text(envelope.command_as_UpgradePlan()->space());
    case Command::CreateResource:
      return text(envelope.command_as_CreateResource()->space());
    case Command::DeleteResource:
      return text(envelope.command_as_DeleteResource()->space());
    case Command::GrantAccess:
      return text(envelope.command_as_GrantAccess()->space());
    default:
      return {};
  }
}

std::string_view acting_user(const schema::CommandEnvelope& envelope) {
  constexpr std::string_view kUser = "user:";
  const std::string_view actor = text(envelope.actor());
  return actor.starts_with(kUser) ? actor.substr(kUser.size()) : std::string_view{};
}

}  // namespace

void look_ahead_slots(const Organization& organization, const schema::CommandEnvelope& envelope) {
  organization.members.prefetch_slot(acting_user(envelope));
  organization.members.prefetch_slot(named_user(envelope));
  organization.spaces.prefetch_slot(named_space(envelope));
}

void look_ahead_entries(const Organization& organization, const schema::CommandEnvelope& envelope) {
  organization.members.prefetch_entry(acting_user(envelope));
  organization.members.prefetch_entry(named_user(envelope));
  organization.spaces.prefetch_entry(named_space(envelope));
}

}  // namespace tenure
