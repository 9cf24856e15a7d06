// Has what deciding a command will look up brought into the cache, without waiting for it.
//
// Pure; it changes nothing and decides nothing. A partition calls each step for many commands
// before it calls the next: their cache misses overlap, while those of one decision wait for each
// other.
#pragma once

#include "engine/domain/state.h"
#include "schemas/commands_generated.h"

namespace tenure {

// The organization itself must be in the cache for the first step, what the first brings for the
// second.
void look_ahead_slots(const Organization& organization, const schema::CommandEnvelope& envelope);
void look_ahead_entries(const Organization& organization, const schema::CommandEnvelope& envelope);

}  // namespace tenure
