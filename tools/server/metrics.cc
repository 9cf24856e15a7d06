#include "tools/server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace tenure {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};

MetricFamily single(MetricType type, std::string name, std::string help, double value) {
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {std::move(name), std::move(help), type, {metric}};
}

MetricFamily busiest_family(const BusiestOrganizations& busiest) {
  MetricFamily family{"tenure_busiest_organization_commands",
                      "Recent commands of the busiest organizations, fading over time",
                      MetricType::Gauge,
                      {}};
  for (const auto& [org, count] : busiest.counts()) {
    ClientMetric metric;
    metric.label = {{"org", org}};
    metric.gauge.value = static_cast<double>(count);
    family.metric.push_back(std::move(metric));
  }
  return family;
}

void append_host(const HostStats& host, std::vector<MetricFamily>& out) {
  auto counter = [&](std::string name, std::string help, double value) {
    out.push_back(single(MetricType::Counter, std::move(name), std::move(help), value));
  };
  auto gauge = [&](std::string name, std::string help, uint64_t value) {
    out.push_back(
        single(MetricType::Gauge, std::move(name), std::move(help), static_cast<double>(value)));
  };
  counter("tenure_decisions_durable_total", "Decisions in the log",
          static_cast<double>(host.durable));
  counter("tenure_decisions_applied_total", "Decisions in the read models",
          static_cast<double>(host.applied));
  gauge("tenure_projector_lag_decisions",
        "Decisions in the log that the read models do not have yet",
        host.durable - std::min(host.durable, host.applied));
  counter("tenure_commands_submitted_total", "Commands handed to the engine",
          static_cast<double>(host.submitted));
  gauge("tenure_commands_queued", "Commands that the engine has not decided yet",
        host.mailbox + host.partition.waiting);
  gauge("tenure_organizations", "Organizations that exist", host.partition.total_organizations);
  gauge("tenure_organizations_in_memory", "Of those, in memory", host.partition.organizations);
  gauge("tenure_organizations_memory_bytes", "Memory they take, estimated",
        host.partition.organizations_memory);
  gauge("tenure_command_ids", "Command ids remembered", host.partition.used_ids);
  counter("tenure_organization_loads_total", "Organizations read from the state store",
          static_cast<double>(host.partition.loads));
  counter("tenure_checkpoints_total", "Checkpoints written to the state store",
          static_cast<double>(host.partition.checkpoints));
  gauge("tenure_log_refusing", "1 while the log takes no commands, because of a full disk, say",
        host.log_refusal.empty() ? 0 : 1);
  gauge("tenure_log_damaged", "1 once the scrub found damage in a sealed segment",
        host.log_damage.empty() ? 0 : 1);
  counter("tenure_log_scrubbed_segments_total", "Sealed segments read and verified",
          static_cast<double>(host.scrubbed_segments));
  gauge("tenure_state_store_failing", "1 while checkpoints cannot be written",
        host.partition.store_error.empty() ? 0 : 1);
  gauge("tenure_read_models_failing", "1 while the read models cannot be written or read on",
        host.read_models_error.empty() ? 0 : 1);
  gauge("tenure_notary_failing", "1 while heads cannot be signed or published",
        host.notary_error.empty() ? 0 : 1);
  gauge("tenure_log_differs_from_signed", "1 once the log is not what was signed",
        host.notary_mismatch.empty() ? 0 : 1);
  gauge("tenure_another_build_owns",
        "1 while a partition is owned by another version, or one that sells by another catalog",
        host.another_build.empty() ? 0 : 1);
  counter("tenure_log_batches_total", "Batches written and synced",
          static_cast<double>(host.log_batches));
  counter("tenure_log_sync_seconds_total", "Time spent writing and syncing batches",
          host.log_sync_seconds);
}

}  // namespace

void BusiestOrganizations::count(std::string_view org) {
  auto found = counts_.find(org);
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kCounters) {
    counts_.emplace(org, 1);
  } else {
    auto least = std::min_element(counts_.begin(), counts_.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; });
    uint64_t inherited = least->second + 1;
    counts_.erase(least);
    counts_.emplace(org, inherited);
  }
  if (++since_halved_ < kHalveAfter) return;
  since_halved_ = 0;
  for (auto& [name, count] : counts_) count /= 2;
}

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      commands_(&prometheus::BuildCounter()
                     .Name("tenure_commands_total")
                     .Help("Commands answered with a decision, by type, outcome and rejection code")
                     .Register(*registry_)),
      refused_(&prometheus::BuildCounter()
                    .Name("tenure_commands_undecided_total")
                    .Help("Commands answered without a decision, by reason")
                    .Register(*registry_)),
      requests_(&prometheus::BuildCounter()
                     .Name("tenure_http_requests_total")
                     .Help("HTTP requests answered, by status")
                     .Register(*registry_)),
      seconds_(&prometheus::BuildHistogram()
                    .Name("tenure_command_seconds")
                    .Help("From the command's arrival to its durable answer")
                    .Register(*registry_)
                    .Add({}, kSeconds)),
      streams_(&prometheus::BuildGauge()
                    .Name("tenure_decision_streams")
                    .Help("Clients that read a stream of decisions")
                    .Register(*registry_)
                    .Add({})) {}

Metrics::~Metrics() = default;

void Metrics::decided(const schema::Decision& decision) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const auto* rejection = decision.rejection();
  size_t type = static_cast<size_t>(command.command_type());
  size_t code = rejection != nullptr ? static_cast<size_t>(rejection->code()) : 0;
  if (type >= kCommands || code >= kCodes) return;
  std::lock_guard lock(mutex_);
  prometheus::Counter*& counter = by_type_and_code_[type][code];
  if (counter == nullptr) {
    std::string name = rejection != nullptr ? schema::EnumNameRejectionCode(rejection->code()) : "";
    counter = &commands_->Add({{"type", schema::EnumNameCommand(command.command_type())},
                               {"outcome", schema::EnumNameOutcome(decision.outcome())},
                               {"code", name}});
  }
  counter->Increment();
  busiest_.count(command.org()->string_view());
}

void Metrics::answered_after(double seconds) { seconds_->Observe(seconds); }

void Metrics::refused(std::string_view code) {
  refused_->Add({{"reason", std::string(code)}}).Increment();
}

void Metrics::request(int status) {
  std::atomic<prometheus::Counter*>& known = by_status_.at(static_cast<size_t>(status));
  prometheus::Counter* counter = known.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &requests_->Add({{"status", std::to_string(status)}});
    known.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

void Metrics::stream_began() { streams_->Increment(); }

void Metrics::stream_ended() { streams_->Decrement(); }

std::string Metrics::render(const HostStats& host) {
  std::vector<MetricFamily> families = registry_->Collect();
  append_host(host, families);
  std::lock_guard lock(mutex_);
  families.push_back(busiest_family(busiest_));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tenure
