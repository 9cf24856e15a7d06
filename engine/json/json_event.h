// Events seen through their compiled schema, for those who treat all of them alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/decision_generated.h"

namespace tenure {

// Every kind of event, as `event_type` names it.
std::vector<std::string_view> event_types();

// A string of an event by the name of its field; empty if events of its kind have none such, or it
// is absent.
std::string_view event_text(const schema::EventBox& box, std::string_view field);

// What `event` of that type holds in a decision's JSON, as a JSON Schema (draft 2020-12) on one
// line. Fields may be added later, so more of them than named are allowed. Sealed text is never
// required: it is left out for who may not see it, and once its person is erased. The type is one
// of event_types().
std::string event_json_schema(std::string_view event_type);

// The `$id` of that schema.
std::string event_schema_id(std::string_view event_type);

}  // namespace tenure
