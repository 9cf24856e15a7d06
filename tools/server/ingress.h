// What an ingress adds to a command before it is submitted: that its sender may send it, who
// vouched for them, and the secret of the key that it makes.
#pragma once

#include <string>

#include "tools/server/command_parser.h"
#include "tools/server/principal.h"

namespace tenure {

struct IngressCommand {
  CommandBytes command;
  std::string secret;  // of the key that it is to make, to be shown with its decision; else empty
};

// 403 forbidden: the sender may not act as that actor; nothing of it is recorded.
Expected<IngressCommand, Undecided> vouched_by(const Principal& sender, CommandBytes command);

}  // namespace tenure
