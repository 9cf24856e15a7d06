// What changed in an organization between two of its moments: who and what came, went, or is not
// what it was.
//
// Both moments are put together by as_of (as_of.h), so the log is not scanned, and the answer is
// that of the read models of then. A change that was taken back in between is none. Any thread.
// Errors: kNotFound unless the viewer may read the organization's history (audit.read) today; as
// reads do.
#pragma once

#include <string>
#include <string_view>

#include "projections/queries/as_of.h"
#include "projections/queries/queries.h"

namespace tenure {

// {"org","from":{"version","time"},"to":{...},"changes":[{"kind","id","was","is","position"}]}, by
// kind and id. Kinds: organization (its name, status, rulebook, ...), space_role, member, group,
// group_member, space, plan, access, resources (how many of a type). "was" is null of what came,
// "is" of what went; "position" is the decision that made it what it is, where that is known.
Result<std::string> get_diff(const QueryContext& live, std::string_view org,
                             const PastOrganization& from, const PastOrganization& to);

}  // namespace tenure
