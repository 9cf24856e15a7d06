#include "tools/server/decision_stream.h"

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr size_t kPieceBytes = 64u << 10;
// Decisions that are looked at for one piece.
constexpr size_t kMostPassed = 20'000;
// Well below what proxies and RESTinio take for a connection that is dead.
constexpr std::chrono::seconds kHeartbeat{15};
// How soon a client should come again; it reads this in the first piece.
constexpr std::string_view kGreeting = "retry: 1000\n\n";

class DecisionStream : public std::enable_shared_from_this<DecisionStream> {
 public:
  using Deliver = std::function<void(Piece)>;

  DecisionStream(Api& api, Position begin, SubscriptionFilter filter, CallerNow caller_now)
      : api_(api), next_(begin), filter_(std::move(filter)), caller_now_(std::move(caller_now)) {
    api_.metrics.stream_began();
  }
  ~DecisionStream() { api_.metrics.stream_ended(); }

  void next(const Deliver& deliver) {
    auto end = [deliver] { deliver({.bytes = {}, .last = true}); };
    if (ended_ ||
        !api_.streams.submit([self = shared_from_this(), deliver] { self->look(deliver); }, end)) {
      end();
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  void look(const Deliver& deliver) {
    std::string bytes = may_go_on() ? read() : std::string();
    if (!bytes.empty() || ended_) {
      last_said_ = Clock::now();
      return deliver({.bytes = std::move(bytes), .last = ended_});
    }
    if (Clock::now() >= last_said_ + kHeartbeat) return say_how_far(deliver);
    api_.host.when_applied(next_, last_said_ + kHeartbeat,
                           [self = shared_from_this(), deliver](bool) { self->next(deliver); });
  }

  bool may_go_on() {
    const std::optional<Principal> caller = caller_now_();
    if (caller && caller->audits_everything()) return true;
    ended_ = true;
    return false;
  }

  void say_how_far(const Deliver& deliver) {
    last_said_ = Clock::now();
    std::string bytes = ":\n";
    if (next_.number.value > 0 && next_.number <= api_.host.applied(next_.partition)) {
      bytes += "id: " + format_position({next_.partition, {next_.number.value - 1}}) + "\n\n";
    }
    deliver({.bytes = std::move(bytes)});
  }

  // What follows, as far as one piece goes; empty: nothing yet.
  std::string read() {
    std::string out;
    const auto subscription = LogSubscription::open(api_.host.log(), next_.partition, next_.number);
    if (!subscription) {
      // A process may know less of the log than the one that named the position.
      if (subscription.error().kind != ErrorKind::kNotFound) stop(subscription.error(), out);
      return out;
    }
    for (size_t passed = 0; passed < kMostPassed && out.size() < kPieceBytes; ++passed) {
      const auto delivery = (*subscription)->next();
      if (!delivery) {
        stop(delivery.error(), out);
        break;
      }
      if (!*delivery) break;
      next_.number = (*subscription)->next_number();
      if (filter_.wants(*(*delivery)->decision)) append(**delivery, out);
    }
    return out;
  }

  void append(const Delivery& delivery, std::string& out) const {
    const std::string position = format_position(delivery.position);
    out += "id: " + position + "\nevent: decision\ndata: ";
    write_decision_json(position, delivery.bytes, out, &api_.host.unsealer());
    out += "\n\n";
  }

  void stop(const Error& error, std::string& out) {
    ended_ = true;
    out += "event: stopped\ndata: " + problem(error).body + "\n\n";
  }

  Api& api_;
  Position next_;
  const SubscriptionFilter filter_;
  const CallerNow caller_now_;
  bool ended_ = false;
  Clock::time_point last_said_ = Clock::now();
};

}  // namespace

Response stream_decisions(Api& api, Position begin, SubscriptionFilter filter,
                          CallerNow caller_now) {
  auto stream =
      std::make_shared<DecisionStream>(api, begin, std::move(filter), std::move(caller_now));
  return {.content_type = kEventStream,
          .body = std::string(kGreeting),
          .headers = {{"Cache-Control", "no-store"}},
          .more = [stream](const DecisionStream::Deliver& deliver) { stream->next(deliver); }};
}

}  // namespace tenure
