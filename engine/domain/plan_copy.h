// Copies a plan as sold from one buffer into another, field by field: what a subscription was sold
// travels from the catalog into the event, and from the event into the state.
#pragma once

#include "schemas/catalog_generated.h"

namespace tenure {

flatbuffers::Offset<schema::Plan> copy_plan(flatbuffers::FlatBufferBuilder& builder,
                                            const schema::Plan& plan);

}  // namespace tenure
