// Explanations: why somebody may do something, or not; and why a decision was made as it was. Each
// reason names the decision behind it: its position, time, actor and reason; of a refusal is said
// which rule refused and what would have allowed it.
//
// The verdict and the rules are those of check(); the decisions behind them are read from the log
// by their numbers, never searched for. Personal text is shown to who may read the history, and to
// whoever wrote it. Any thread. Errors: as the queries (queries.h), and those of the log.
#pragma once

#include <stop_token>
#include <string>

#include "engine/base/ids.h"
#include "engine/json/json_edge.h"
#include "engine/log/decision_log.h"
#include "projections/queries/queries.h"

namespace tenure {

// What an explanation is read from beside the rows.
struct ExplainSources {
  DecisionLog& log;
  PartitionId partition;  // of the organization, or of the decision
  const Catalog& catalog;
};

// The question of check(), now or as of the past. What does not exist, and what the viewer may not
// see of their own standing, is denied alike.
Result<std::string> explain_check(const QueryContext&, const ExplainSources&, const CheckRequest&);

// A decision, the authority of its actor just before it, and what it changed or what refused it.
// The context: of live rows. kNotFound: none there, or none that the viewer may see.
Result<std::string> explain_decision(const QueryContext&, const ExplainSources&, uint64_t number,
                                     const std::stop_token& stop = {});

}  // namespace tenure
