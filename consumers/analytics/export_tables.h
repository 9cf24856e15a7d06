// What is exported: the tables, and their rows. README.md says what each column means.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "consumers/analytics/export_target.h"
#include "projections/rows.h"
#include "schemas/decision_generated.h"

namespace tenure {

const ExportTable& events_table();

// Appends the events of an accepted decision, without what is sealed.
void append_event_rows(Position position, const schema::Decision& decision,
                       std::vector<std::vector<ExportValue>>& out);

// A table of what is now, made of the rows of the read models.
struct ModelTable {
  ExportTable table;
  Result<void> (*give)(const RowView& rows, std::string_view org, const TakeRow& take);
};
std::span<const ModelTable> model_tables();

// Those of all organizations, in the order of their ids.
Result<void> give_model_rows(const RowView& rows, const ModelTable& model, const TakeRow& take);

}  // namespace tenure
