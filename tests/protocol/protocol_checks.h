// What must hold in every state of the claim protocol. Both return what is wrong, or nothing.
#pragma once

#include <optional>
#include <string>

#include "tests/protocol/protocol_model.h"

namespace tenure::test {

// Safety. The valid decisions are the commands in order, each made upon the one before it, and
// every answer stands for one of them. If the log was cut, an answer may also be lost; then a
// reader stops, or nobody can have noticed yet: no process goes on without what it has answered,
// and no session answers for void decisions that it sent with the cut before its eyes.
std::optional<std::string> find_fault(const ProtocolModel& model, const State& state,
                                      const Reading& history);

// Liveness. Whatever has happened, if from now on nothing more goes wrong and nobody else acts,
// each process can claim, decide what is left and answer it. Only a log that was cut may stop it.
std::optional<std::string> find_obstacle(const ProtocolModel& model, const State& state);

}  // namespace tenure::test
