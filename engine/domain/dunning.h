// What happens to whoever does not pay: from the day it was due, or from the first payment that
// failed.
#pragma once

#include "engine/domain/guards.h"

namespace tenure {

// Adds SubscriptionPastDue, from now. `space` empty: the organization.
void begin_dunning(const Incoming& in, std::string_view invoice, std::string_view space,
                   EventSink& events);

// Adds the step that follows the one that the invoice is at.
void advance_dunning(const Incoming& in, std::string_view id, const Invoice& invoice,
                     EventSink& events);

}  // namespace tenure
