// evolve: what an accepted decision does to the state. Total: names every event, never rejects,
// never reads a clock. The same history gives the same state on every machine and at every time.
#pragma once

#include "engine/domain/state.h"
#include "schemas/decision_generated.h"

namespace tenure {

// Bump when evolve gives another state for the same history: stores built by another version are
// rebuilt.
inline constexpr uint32_t kEvolveVersion = 6;

// Applies every event of one accepted decision, the `number`th of its partition, and raises the
// version. `rulebooks` must know the
// rulebook that OrganizationCreated pins; anything else is a broken invariant (the log's reader
// stops at what it does not know). A freshly made Organization with only its id set is the initial
// state.
void evolve(Organization& organization, const schema::Decision& decision, Number number,
            const Rulebooks& rulebooks);

}  // namespace tenure
