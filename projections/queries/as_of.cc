#include "projections/queries/as_of.h"

#include "projections/projection.h"
#include "projections/queries/history_numbers.h"
#include "projections/queries/log_decision.h"
#include "projections/snapshot.h"

namespace tenure {

Result<PastOrganization> as_of(const RowView& now, DecisionLog& log, PartitionId partition,
                               std::string_view org, Moment moment, const std::stop_token& stop) {
  const uint64_t* version = std::get_if<uint64_t>(&moment);
  const Time* time = std::get_if<Time>(&moment);
  PastOrganization past{.rows = std::make_unique<MemoryRows>(), .version = 0, .time = {}};
  uint64_t first_number = 0;
  auto snapshot = TRY(load_snapshot(now, org, version ? std::optional(*version) : std::nullopt,
                                    time ? std::optional(*time) : std::nullopt, *past.rows));
  if (snapshot) {
    past.version = snapshot->version;
    past.time = from_micros(snapshot->time);
    first_number = snapshot->number + 1;
  }

  Arena arena;
  RowBatch batch;
  batch.set_base(past.rows.get(), arena);
  ReducerBuffers buffers;
  DecisionReducer reducer(batch, org, buffers);
  HistoryNumbers numbers(now, org, "", first_number);
  while (!version || past.version < *version) {
    std::optional<uint64_t> number = TRY(numbers.next());
    if (!number) break;
    if (stop.stop_requested()) {
      return fail(ErrorKind::kUnavailable, "the server is stopping; ask again soon");
    }
    const LogDecision found = TRY(read_decision(log, partition, *number));
    if (time && from_micros(found.get().time()) > *time) break;
    if (found.get().outcome() != schema::Outcome::accepted) continue;
    reducer.reduce_state(found.get(), *number);
    past.version = found.get().version();
    past.time = from_micros(found.get().time());
  }
  reducer.finish();
  TRY(Result<void>(batch.status()));
  std::vector<const RowBatch::Entry*> changes;
  batch.changes(changes);
  for (const RowBatch::Entry* change : changes) past.rows->apply(*change);

  if (past.version == 0) {
    return fail(ErrorKind::kNotFound,
                "no organization " + std::string(org) + " then; ask for a later version or time");
  }
  if (version && past.version < *version) {
    return fail(ErrorKind::kNotFound, std::string(org) + " has no version " +
                                          std::to_string(*version) + " yet; it is at " +
                                          std::to_string(past.version));
  }
  if (time) past.time = *time;
  return past;
}

}  // namespace tenure
