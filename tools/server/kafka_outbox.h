// What the intake sends because of the messages it read, and what that settles.
//
//   replies (any thread), intake's thread --> publisher's thread --> broker --> KafkaLane
//
// A decided command without a wanted result is settled in the reply itself. Results are made on the
// publisher's thread, as a reply must not cost its caller more than a copy. Replies may come after
// the end(): they do nothing then.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/partition/answer.h"
#include "tools/server/kafka_command.h"
#include "tools/server/kafka_lane.h"
#include "tools/server/kafka_publisher.h"

namespace tenure {

class KafkaOutbox : public std::enable_shared_from_this<KafkaOutbox> {
 public:
  struct Options {
    KafkaCommandTopics topics;
    const Unsealer* unsealer = nullptr;               // outlives it; without one nothing is opened
    std::function<void(const Error&)> on_error = {};  // any thread; for people
  };
  KafkaOutbox(Options options, std::unique_ptr<KafkaPublisher> publisher);
  void end();

  // Where a message stands: who is to be told that it is settled.
  struct Place {
    std::shared_ptr<KafkaLane> lane;
    KafkaLane::Ticket ticket;
  };

  // The reply of a command that is submitted now. Once it is decided, `first` is sent, if there is
  // one, then the result, if one is wanted; settled when they are acknowledged.
  Reply reply(Place place, std::string command_id, std::optional<KafkaReplyTo> to,
              std::optional<KafkaOutgoing> first = std::nullopt);

  // Settled when it is acknowledged.
  void send(const Place& place, KafkaOutgoing message);

  const KafkaCommandTopics& topics() const { return options_.topics; }

 private:
  struct Waiting;  // what is to be made and sent of an answer
  void answered(Waiting& waiting, KafkaPublisher& publisher);
  void publish(const Place& place, KafkaOutgoing first, std::optional<KafkaOutgoing> second,
               KafkaPublisher& publisher);
  void ended(const Place& place, const Result<void>& how);

  const Options options_;
  std::mutex mutex_;
  std::unique_ptr<KafkaPublisher> publisher_;
};

}  // namespace tenure
