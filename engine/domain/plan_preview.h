// What an invoice will say if a space changes its plan now and nothing else happens: the same
// lines, to the cent. Pure.
#pragma once

#include "engine/domain/catalog.h"
#include "engine/domain/invoice_lines.h"

namespace tenure {

struct PlanPreview {
  Time effective;  // when the new plan holds
  Time period_to;  // the end of what is billed
  std::vector<ChargeLine> lines = {};
  Minor net = 0, tax = 0;
  Minor total() const { return net + tax; }
};

PlanPreview preview_change(const Organization& organization, std::string_view space_id,
                           const Space& space, const schema::Plan& wanted, Time now,
                           const Catalog& catalog);

}  // namespace tenure
