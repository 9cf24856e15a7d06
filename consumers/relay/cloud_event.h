// An event as a CloudEvent 1.0 in JSON, which is one message of the topic `tenure.events`:
//
//   specversion      "1.0"
//   id               "0:41/0": the decision's position, and which of its events
//   source           "<log id>/0": the log and its partition; with `id` unique in the world
//   type             "tenure.MemberAdded"
//   subject          "acme", or "acme/web" for what happened in a space
//   time             of the decision
//   datacontenttype  "application/json"
//   dataschema       "urn:tenure:schema:event:MemberAdded" (`tenure schema json MemberAdded`)
//   partitionkey     "acme": the message's key
//   actor, orgversion, commandid    of the decision
//   data             the event as in the decision's JSON, without what is sealed
#pragma once

#include <string>
#include <string_view>

#include "engine/base/ids.h"
#include "schemas/decision_generated.h"

namespace tenure {

inline constexpr std::string_view kCloudEventType = "application/cloudevents+json; charset=UTF-8";

// Appends the event of this place in an accepted decision.
void append_cloud_event(std::string_view source, Position position, uint32_t index,
                        const schema::Decision& decision, std::string& out);

}  // namespace tenure
