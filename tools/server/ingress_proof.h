// How one process of a log over Kafka believes another what it vouched for (vouched_command.h): a
// command between them goes through the commands topic, where others publish too. The proof stands
// in a header, made with a key that all processes have and no one else, for just this command.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/personal/person_keys.h"
#include "schemas/commands_generated.h"

namespace tenure {

inline constexpr std::string_view kProofHeader = "tenure-vouched";

// The key, made by the first process that needs it; may wait for a message.
Result<PersonKey> ingress_key(PersonKeys& keys);

// Empty where nothing is vouched for.
std::string ingress_proof(const PersonKey& key, const schema::CommandEnvelope& command);
// In constant time. False where nothing is vouched for.
bool is_ingress_proof(const PersonKey& key, const schema::CommandEnvelope& command,
                      std::string_view proof);

}  // namespace tenure
