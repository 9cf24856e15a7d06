// Makes states equal that differ only in what cannot matter any more, so that there are fewer of
// them and larger bounds come into reach.
//
// A reader's verdict on a record depends on the records before it alone, and a cut takes none of
// those without the record itself: a verdict is final. So of a record that is void only its place
// matters, unless its author has answered for it or may still do; and of a claim that nobody's
// decisions name only that it is a claim. A dead session matters through what it left behind.
#pragma once

#include "tests/protocol/protocol_model.h"

namespace tenure::test {

// `history`: the whole log of the state, read.
void forget_details(State& state, const Reading& history);

}  // namespace tenure::test
