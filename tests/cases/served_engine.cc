#include "tests/cases/served_engine.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "engine/json/json_edge.h"
#include "tests/cases/json_access.h"
#include "tests/kafka/kafka_fixture.h"

namespace tenure::test {
namespace {

constexpr uint32_t kPartitions = 4;  // over Kafka
constexpr std::string_view kKey = "a-key-for-the-tests-0123456789abcdef";
// Ends a test that hangs.
constexpr std::chrono::seconds kPatience{90};

// Topics of their own, if there is a broker.
std::string make_topics() {
  if (std::getenv("TENURE_KAFKA_STATE") == nullptr) return {};
  const std::string prefix = new_prefix();
  KafkaAdmin admin = must(KafkaAdmin::make(connection()));
  for (const KafkaTopic& each : kafka_topics(prefix, kPartitions, 1)) must(admin.create(each));
  return prefix;
}

Time real_now() { return SystemClock().now(); }

bool all_partitions(std::string_view status,
                    const std::function<bool(const JsonElement& partition)>& holds) {
  simdjson::dom::parser parser;
  const simdjson::dom::array partitions =
      array_at(parser.parse(status.data(), status.size()), "partitions");
  return std::ranges::all_of(partitions, holds);
}

}  // namespace

ServedEngine::ServedEngine(WallClock wall_clock)
    : wall_clock_(wall_clock), kafka_prefix_(make_topics()) {
  std::ofstream(clock_path()) << std::string(sizeof(int64_t), '\0');
  process_ = must(start_process());
  must(wait_until_it_writes());
}

ApiClient ServedEngine::client() const {
  return ApiClient(
      {.url = fmt::format("http://127.0.0.1:{}", process_->port()), .key = std::string(kKey)});
}

ApiClient ServedEngine::client_of(std::string_view user, std::string_view issuer) const {
  return ApiClient({.url = fmt::format("http://127.0.0.1:{}", process_->port()),
                    .key = issuers_.token(issuer, user, now())});
}

Result<std::unique_ptr<ServerProcess>> ServedEngine::start_process() {
  ServerCommand command{.program = std::getenv("TENURE_BINARY"),
                        .data_directory = fmt::format("{}/data-{}", directory_.path(), processes_),
                        .admin_key = std::string(kKey),
                        .options = {"--log-level", "error", "--oidc", issuers_.settings()},
                        .environment = {}};
  if (!kafka_prefix_.empty()) {
    command.options.insert(command.options.end(),
                           {"--log", "kafka", "--brokers", bootstrap(), "--prefix", kafka_prefix_,
                            "--partitions", std::to_string(kPartitions)});
  }
  if (wall_clock_ == WallClock::kSettable) {
    command.environment = {"LD_PRELOAD=" TENURE_SETTABLE_CLOCK,
                           "TENURE_TEST_CLOCK=" + clock_path()};
  }
  return ServerProcess::start(std::move(command));
}

Result<void> ServedEngine::restart() {
  if (kafka_prefix_.empty()) {
    process_.reset();
    process_ = TRY(start_process());
  } else {
    ++processes_;
    auto other = TRY(start_process());
    process_->kill();
    process_ = std::move(other);
  }
  return wait_until_it_writes();
}

Time ServedEngine::now() const { return real_now() + offset_; }

Result<void> ServedEngine::set_clock(Time to) {
  CHECK(wall_clock_ == WallClock::kSettable);
  offset_ = std::chrono::ceil<std::chrono::seconds>(to - real_now());
  write_offset();
  return wait_for("what is due is done", [to](const JsonElement& partition) {
    const int64_t applied = partition["applied"], decisions = partition["decisions"],
                  waiting = partition["waiting"], in_flight = partition["in_flight"];
    const std::string_view due_at = string_at(partition, "due_at");
    const bool late = !due_at.empty() && parse_time(due_at).value() <= to_micros(to);
    return !late && waiting == 0 && in_flight == 0 && applied == decisions;
  });
}

Result<void> ServedEngine::wait_until_it_writes() const {
  return wait_for("it writes all partitions", [](const JsonElement& partition) {
    return string_at(partition, "role") == "writer";
  });
}

Result<void> ServedEngine::wait_for(
    std::string_view what, const std::function<bool(const JsonElement&)>& partition_is) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const HttpAnswer status = TRY(client().get("/v1/status"));
    if (status.status == 200 && all_partitions(status.body, partition_is)) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorKind::kUnavailable,
                  fmt::format("waited in vain until {}: {}", what, status.body));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Into the file that settable_clock.cc maps: 8 bytes are written as one.
void ServedEngine::write_offset() const {
  const int64_t seconds = offset_.count();
  std::ofstream(clock_path(), std::ios::in | std::ios::out | std::ios::binary)
      .write(reinterpret_cast<const char*>(&seconds), sizeof(seconds));
}

}  // namespace tenure::test
