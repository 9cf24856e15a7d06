// Decisions as server-sent events, for a client that stays (Accept: text/event-stream).
//
//   id: 0:41                 behind which Last-Event-ID resumes
//   event: decision
//   data: {...}              as a line of the NDJSON
//
// A reader costs a position and a piece of at most 64 KiB, or one decision if that is larger: the
// next is made only when the client has taken the one before. Nobody waits on a thread. Between
// decisions a comment and an id of its own say how far the stream is, so that what a filter passed
// over is not looked at again. The last event says why a stream ends that cannot go on:
// `event: stopped`, with a problem as its data.
#pragma once

#include <functional>
#include <optional>

#include "consumers/subscription.h"
#include "tools/server/api.h"

namespace tenure {

// Asked again before every piece: a key that was revoked ends the stream.
using CallerNow = std::function<std::optional<Principal>()>;

// The answer that goes on; from any thread. Streams of one partition, from `begin` on.
Response stream_decisions(Api& api, Position begin, SubscriptionFilter filter,
                          CallerNow caller_now);

}  // namespace tenure
