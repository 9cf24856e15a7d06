// Personal text on its way into the log and out of it: commands arrive with `clear`, are stored
// with `box`, and are shown in clear to readers who hold the key store.
#pragma once

#include "engine/json/json_edge.h"
#include "engine/partition/command_bytes.h"
#include "engine/personal/person_keys.h"

namespace tenure {

bool has_personal_text(const CommandBytes& command);

// Seals every personal text of a verified command: `reason` with the key of the actor, a member's
// name and email with the key of that member. Without personal text the command comes back as it
// is, at the price of a few pointers. A retry of the same command gives the same bytes. kInvalid:
// the message begins with the rejection code, as verify_command's does: malformed (sealed already),
// invalid_id, invalid_value (too long, control characters). Else what the keys say.
Result<CommandBytes> seal_command(CommandBytes command, PersonKeys& keys);

// The same for a command of whom another process may have sealed it on its way here: what is sealed
// stays, if it was sealed by somebody who holds the keys, for this very place. (A box copied from
// the log into another command would be opened for whoever may read that.) malformed: it was not.
// Before an EraseSubject the keys catch up with what other processes wrote.
Result<CommandBytes> seal_or_verify(CommandBytes command, PersonKeys& keys);

// Opens what seal_command sealed. Borrows the keys; safe from any thread.
class KeyUnsealer final : public Unsealer {
 public:
  explicit KeyUnsealer(const PersonKeys& keys) : keys_(keys) {}
  std::optional<std::string> unseal(const schema::Sealed& sealed) const override;

 private:
  const PersonKeys& keys_;
};

}  // namespace tenure
