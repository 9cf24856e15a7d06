// The Kafka topic that events are published to, and what its end says of how far that went.
//
// Each message carries a mark (header `tenure-mark`): where in the log all events before are known
// to be in the topic. Within a partition of the topic messages lie in the order of the log without
// a gap (an idempotent producer with librdkafka's gapless guarantee, for as long as it lives). So
// the last message of each partition tells a new process all it needs: it reads the log from the
// farthest mark on, and of what it finds there publishes what lies behind the last message of the
// partition that it goes to.
//
// One thread. A failure ends it: make a new one, which begins with the topic's end again.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/log/kafka_connection.h"
#include "engine/log/log_reader.h"

namespace tenure {

// The id of an event: the decision's position, and its place among the decision's events.
struct EventId {
  Number number;
  uint32_t index = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

struct EventMark {
  std::string source;  // of the log's partition (cloud_event.h)
  ReaderPosition position;
};

struct LastEvent {
  EventMark mark;
  EventId id;
};

class EventTopic {
 public:
  // kNotFound: no such topic. kInvalid: it holds what is not of a relay.
  // kConflict: somebody else publishes to it right now. kUnavailable: no broker answers.
  static Result<std::unique_ptr<EventTopic>> open(const KafkaConnection& connection,
                                                  const std::string& topic);
  // Gives up what is not acknowledged.
  ~EventTopic();
  EventTopic(const EventTopic&) = delete;

  uint32_t partitions() const;
  // Its last message when it was opened; nothing where there is none.
  const std::optional<LastEvent>& last(uint32_t partition) const;
  // Something was there once, and all of it has passed its retention.
  bool was_emptied(uint32_t partition) const;

  // Takes the event; waits while too many are under way. kInvalid: more than a message may hold.
  Result<void> publish(uint32_t partition, std::string_view key, std::string value, EventId id,
                       const EventMark& mark);
  // Sees to what is under way, for so long at most.
  Result<void> poll(int milliseconds);
  // Until all that was taken is acknowledged.
  Result<void> flush();

  uint64_t taken() const;         // events since it was opened
  uint64_t acknowledged() const;  // the first so many of them are in the topic

 private:
  struct Impl;
  explicit EventTopic(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
