// Is a command with a used id a retry, or another command under the same id?
#pragma once

#include <string_view>

#include "schemas/commands_generated.h"

namespace tenure {

// The same (organization, actor, id): one idempotency key.
bool same_key(const schema::CommandEnvelope& a, const schema::CommandEnvelope& b);

// Every field has the same value, however the buffers are laid out: a JSON retry equals a
// FlatBuffers retry, a default that is written out equals one that is left out. Sealed fields are
// compared by their bytes, which are the same in a true retry. `key_hash` is not compared: each try
// brings the hash of a new secret, of which only the first is kept. Both buffers must be verified.
bool same_request(const schema::CommandEnvelope& a, const schema::CommandEnvelope& b);

}  // namespace tenure
