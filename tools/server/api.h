// What the routes share, and the functions that add them to the table: one file a subject.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "projections/queries/queries.h"
#include "tools/server/engine_host.h"
#include "tools/server/http.h"
#include "tools/server/metrics.h"
#include "tools/server/router.h"
#include "tools/server/work_pool.h"

namespace tenure {

// How far clients have been answered: a read without a token waits for that much. Any thread.
class AnsweredMark {
 public:
  explicit AnsweredMark(uint32_t partitions) : next_(partitions) {}

  // To be called before the answer goes out.
  void raise(Position position) {
    std::atomic<uint64_t>& mark = next_[position.partition.value];
    uint64_t next = position.number.value + 1, known = mark.load();
    while (known < next && !mark.compare_exchange_weak(known, next)) {
    }
  }
  // Decisions below it may have been answered.
  Number next(PartitionId partition) const { return {next_[partition.value].load()}; }

 private:
  std::vector<std::atomic<uint64_t>> next_;
};

// How long a read waits for the rows that it must see, before it is answered 503.
inline constexpr std::chrono::milliseconds kReadPatience{5000};

// Everything here outlives the HTTP server.
struct Api {
  EngineHost& host;
  Metrics& metrics;
  WorkPool& readers;  // for reads; bounded, beyond it 503
  WorkPool& streams;  // for streams of decisions; a job a connection at most
  WorkPool& ingest;   // for batches of commands and sealing; a job a connection at most
  AnsweredMark& answered;
  std::chrono::milliseconds read_patience;
  bool open_metrics;  // /metrics without a key, as only this machine can ask
  size_t loops;       // of the HTTP server
  std::function<void(size_t loop, std::function<void()>)> post;  // runs a task on one of them
};

void add_command_routes(Router& router, Api& api);       // routes_commands.cc
void add_organization_routes(Router& router, Api& api);  // routes_organizations.cc
void add_check_routes(Router& router, Api& api);         // routes_check.cc
void add_explain_routes(Router& router, Api& api);       // routes_explain.cc
void add_history_routes(Router& router, Api& api);       // routes_history.cc
void add_decision_routes(Router& router, Api& api);      // routes_decisions.cc
void add_service_routes(Router& router, Api& api);       // routes_service.cc
void add_key_routes(Router& router, Api& api);           // routes_keys.cc
void add_notary_routes(Router& router, Api& api);        // routes_notary.cc
void add_all_routes(Router& router, Api& api);

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kNdjson = "application/x-ndjson";
inline constexpr std::string_view kEventStream = "text/event-stream";
inline constexpr std::string_view kPdf = "application/pdf";
inline constexpr std::string_view kFlatBuffers = "application/octet-stream";

// `application/json; charset=utf-8` is `application/json`.
std::string_view media_type(std::string_view content_type);

// The position header of every answer that has one.
inline constexpr std::string_view kPositionHeader = "Tenure-Position";
// The cursor of the next page, of an answer in lines; none on the last page.
inline constexpr std::string_view kNextHeader = "Tenure-Next";

}  // namespace tenure
