// What an ingress says of a command, and nobody else may: verify_command refuses it from outside.
#pragma once

#include <optional>
#include <string_view>

#include "engine/domain/services.h"
#include "engine/partition/command_bytes.h"

namespace tenure {

struct Vouched {
  std::string_view sign_in;         // the issuer that vouched for the actor; empty: none
  std::optional<KeyHash> key_hash;  // of the key that a CreateApiKey is to make
  std::string_view sent_by = {};    // how it came and by whose credentials; empty: nobody knows
};

bool is_vouched(const schema::CommandEnvelope& command);

// The same command with what is vouched for; without anything, the command itself.
CommandBytes vouch_for(CommandBytes command, const Vouched& vouched);

}  // namespace tenure
