// A body of NDJSON commands on its way through the engine: parsed a piece at a time, so many in
// flight and no more, answered a line each in the order sent.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/server/answer_json.h"
#include "tools/server/api.h"
#include "tools/server/ingress.h"

namespace tenure {

// Held by the replies that are outstanding; gone with the last of them. feed() runs on one ingest
// thread at a time, answers come on the engine thread.
class CommandBatch : public std::enable_shared_from_this<CommandBatch> {
 public:
  CommandBatch(Api& api, const Request& request, Respond respond)
      : api_(api),
        request_(request),
        actor_(request.caller.actor()),
        rest_(request.body),
        respond_(std::move(respond)) {}

  void start() { schedule(); }

 private:
  // Enough to fill the engine's batches, few enough that many clients fit into its queue.
  static constexpr size_t kMostInFlight = 4096;
  static constexpr size_t kPiece = 512;

  using Clock = std::chrono::steady_clock;
  struct Answered {
    KeptAnswer answer;
    Clock::duration took;  // from its submission
  };
  using Line = std::variant<std::monostate, Answered, Undecided>;

  void schedule();
  void feed();
  bool feed_piece();
  Expected<IngressCommand, Undecided> read(std::string_view line);
  void on_answer(size_t index, Answered answered);
  void count(const Answered& answered);
  void finish();

  Api& api_;
  const Request request_;
  const std::string actor_;  // of lines that name none
  std::string_view rest_;    // not parsed yet
  Respond respond_;

  std::mutex mutex_;
  std::vector<Line> lines_;
  size_t in_flight_ = 0;
  bool feeding_ = true;  // a feed() is scheduled or running
  bool fed_ = false;     // every line is parsed
};

}  // namespace tenure
