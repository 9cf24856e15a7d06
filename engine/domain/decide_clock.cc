#include "engine/domain/decide_commands.h"

namespace tenure {

// What falls due until then has been decided before this, and may have moved the clock as far: a
// partition sees to it.
Verdict decide(const Incoming& in, const schema::AdvanceClock& command, EventSink& events) {
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kClockAdvance));
  TRY(holds_owner_role(caller, "moves the clock"));
  if (!caller.organization.clock) {
    return reject(RejectionCode::forbidden,
                  "only a sandbox organization has a clock of its own; create one with sandbox",
                  rule_of(caller, "time goes by itself"));
  }
  const Time to = from_micros(command.to());
  if (to < in.context.now) {
    return reject(RejectionCode::invalid_value, "a clock goes forward only; name a later time",
                  rule_of(caller, "a clock goes forward"));
  }
  events.add(schema::CreateClockAdvanced(events.builder(), command.to()));
  return {};
}

}  // namespace tenure
