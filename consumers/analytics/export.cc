#include "consumers/analytics/export.h"

#include "consumers/analytics/export_tables.h"
#include "consumers/subscription.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

// Events that are written at once.
constexpr size_t kMostRows = 100'000;

// Gathers the decisions of one partition, day by day of its clock.
class Stretches {
 public:
  Stretches(ExportTarget& target, PartitionId partition, Number next, ExportReport& report)
      : target_(target), partition_(partition), from_(next), report_(report) {}

  Result<void> take(const Delivery& delivery) {
    const schema::Decision& decision = *delivery.decision;
    const std::string day =
        format_time(decision.recorded().value_or(decision.time())).substr(0, 10);
    if (!rows_.empty() && (day != day_ || rows_.size() >= kMostRows)) TRY(write());
    day_ = day;
    last_ = delivery.position.number;
    append_event_rows(delivery.position, decision, rows_);
    ++report_.decisions;
    return {};
  }

  Result<void> write() {
    if (rows_.empty()) return {};
    TRY(target_.add(
        events_table(),
        {.partition = partition_, .from = from_, .to = last_, .day = day_, .rows = rows_}));
    report_.events += rows_.size();
    from_ = last_.next();
    rows_.clear();
    return {};
  }

 private:
  ExportTarget& target_;
  const PartitionId partition_;
  Number from_, last_;
  std::string day_;
  std::vector<std::vector<ExportValue>> rows_;
  ExportReport& report_;
};

Result<void> export_events(DecisionLog& log, PartitionId partition, ExportTarget& target,
                           ExportReport& report) {
  const Number next = TRY(target.next(partition));
  auto subscription = LogSubscription::open(log, partition, next);
  if (!subscription && subscription.error().kind == ErrorKind::kNotFound) {
    return fail(
        ErrorKind::kInvalid,
        "the export has more than the log, which lost something; look at it with tenure doctor");
  }
  const auto reader = TRY(std::move(subscription));
  Stretches stretches(target, partition, next, report);
  while (true) {
    const auto delivery = reader->next();
    if (!delivery) {
      TRY(stretches.write());
      return std::unexpected(delivery.error());
    }
    if (!*delivery) break;
    TRY(stretches.take(**delivery));
  }
  return stretches.write();
}

}  // namespace

std::unexpected<Error> of_another_log(const std::string& place, const std::string& known,
                                      const std::string& log_id) {
  return fail(ErrorKind::kInvalid, place + " holds an export of log " + known + ", this is " +
                                       log_id + "; name a new place with --out");
}

Result<ExportReport> export_log(DecisionLog& log, const std::string& log_id,
                                const Partitions& partitions, const std::string& work,
                                ExportTarget& target) {
  ExportReport report;
  TRY(target.bind(log_id));
  for (const PartitionId partition : partitions) {
    TRY(export_events(log, partition, target, report));
  }
  auto models = TRY(ReadModels::open(work, log, partitions));
  while (TRY(models->step())) {
  }
  const auto view = models->view();
  for (const ModelTable& model : model_tables()) {
    TRY(target.replace(model.table,
                       [&](const TakeRow& take) { return give_model_rows(*view, model, take); }));
  }
  TRY(target.finish());
  return report;
}

}  // namespace tenure
