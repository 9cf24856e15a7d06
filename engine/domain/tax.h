// What tax an invoice has: the catalog says it for the country of the billing details. Pure.
#pragma once

#include "engine/domain/catalog.h"
#include "engine/domain/state.h"

namespace tenure {

// Of what is made out to a space or (null) to the organization. A space without billing details has
// the organization's.
Tax tax_for(const Organization& organization, const Space* space, const Catalog& catalog);

}  // namespace tenure
