// Personal text on its way into the log and out of it: commands arrive with `clear`, are stored
// with `box`, and are shown in clear to readers who hold the key store.
#pragma once

#include "engine/json/json_edge.h"
#include "engine/partition/command_bytes.h"
#include "engine/personal/key_store.h"

namespace tenure {

// Seals every personal text of a verified command: `reason` with the key of the actor, a member's
// name and email with the key of that member. Without personal text the command comes back as it
// is, at the price of a few pointers. A retry of the same command gives the same bytes. kInvalid:
// the message begins with the rejection code, as verify_command's does: malformed (sealed already),
// invalid_id, invalid_value (too long, control characters). Else what the key store says.
Result<CommandBytes> seal_command(CommandBytes command, KeyStore& keys);

// Opens what seal_command sealed. Borrows the key store; as safe from any thread as that is.
class KeyUnsealer final : public Unsealer {
 public:
  explicit KeyUnsealer(const KeyStore& keys) : keys_(keys) {}
  std::optional<std::string> unseal(const schema::Sealed& sealed) const override;

 private:
  const KeyStore& keys_;
};

}  // namespace tenure
