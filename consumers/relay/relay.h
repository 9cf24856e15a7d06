// Publishes the events of a log to a topic of Kafka as CloudEvents (cloud_event.h), each once, over
// any number of kills: where to go on is read from the topic's end (kafka_event_topic.h).
//
// A step machine: the caller brings the records of each partition of the log, from position() on.
// One thread. A failure ends it; make a new one.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "consumers/relay/kafka_event_topic.h"
#include "engine/log/log_reader.h"
#include "schemas/decision_generated.h"

namespace tenure {

class Relay {
 public:
  // Where to begin if the topic cannot tell, because nothing is in it any more.
  enum class Begin : uint8_t { kUnknown, kBeginning };

  // `sources`: one a partition of the log (cloud_event.h). A log with several needs as many
  // partitions of the topic. kInvalid: it has not, or the topic holds events of another log, or
  // cannot tell where to begin.
  static Result<Relay> begin(std::unique_ptr<EventTopic> topic, std::vector<std::string> sources,
                             Begin begin);

  // Which record of the partition is next.
  const ReaderPosition& position(PartitionId partition) const;
  // Publishes what it holds. kCorrupt, kUnsupported: the reader's rule stops there.
  Result<void> take(PartitionId partition, const RawRecord& record);

  EventTopic& topic() { return *topic_; }
  uint64_t published() const { return topic_->taken(); }

 private:
  struct Source {
    EventMark mark;  // all events before it are in the topic
    ReaderRule rule;
    uint64_t marked = 0;  // of the events published, when the last mark was made
  };
  // Once so many events are acknowledged, all before the position are in the topic.
  struct Reached {
    uint64_t events;
    PartitionId partition;
    ReaderPosition position;
  };

  Relay(std::unique_ptr<EventTopic> topic, std::vector<std::string> sources);
  Result<void> begin_behind(const LastEvent& last, uint32_t partition);
  Result<void> publish(PartitionId partition, Position position, const schema::Decision& decision);
  void note_acknowledged();

  std::unique_ptr<EventTopic> topic_;
  std::vector<Source> sources_;
  std::deque<Reached> reached_;
};

}  // namespace tenure
