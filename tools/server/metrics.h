// What the server counts, as Prometheus text. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/ids.h"
#include "schemas/decision_generated.h"
#include "tools/server/host_stats.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
template <class T>
class Family;
class Registry;
}  // namespace prometheus

namespace tenure {

// The busiest organizations, by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): a
// fixed number of counters, the smallest handed on to whoever is not counted yet. Counts are halved
// from time to time, so that old peaks fade. One thread at a time.
class BusiestOrganizations {
 public:
  void count(std::string_view org);
  const std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>>& counts() const {
    return counts_;
  }

 private:
  static constexpr size_t kCounters = 16;
  static constexpr uint64_t kHalveAfter = 1u << 16;
  std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>> counts_;
  uint64_t since_halved_ = 0;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A command that was answered with a decision.
  void decided(const schema::Decision& decision);
  // How long a command that came alone waited for it.
  void answered_after(double seconds);
  // A command that was answered without a decision: "unavailable", "malformed", ...
  void refused(std::string_view code);
  void request(int status);
  // Who reads a stream of decisions; from any thread.
  void stream_began();
  void stream_ended();

  // Prometheus' text format 0.0.4.
  std::string render(const HostStats& host);

 private:
  static constexpr size_t kCommands = static_cast<size_t>(schema::Command::MAX) + 1;
  static constexpr size_t kCodes = static_cast<size_t>(schema::RejectionCode::MAX) + 1;

  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>* commands_;
  prometheus::Family<prometheus::Counter>* refused_;
  prometheus::Family<prometheus::Counter>* requests_;
  // By HTTP status, made when first met: to find one by its labels takes a microsecond.
  std::array<std::atomic<prometheus::Counter*>, 600> by_status_{};
  prometheus::Histogram* seconds_;
  prometheus::Gauge* streams_;
  std::mutex mutex_;  // of what follows
  // By command type and rejection code (0: accepted), made when first met.
  std::array<std::array<prometheus::Counter*, kCodes>, kCommands> by_type_and_code_{};
  BusiestOrganizations busiest_;
};

}  // namespace tenure
