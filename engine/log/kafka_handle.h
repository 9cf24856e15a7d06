// Owners of librdkafka's C handles, and its errors as ours. Internal: only engine/log/kafka_*.cc
// include it. The C types are declared here, never defined: no header of ours brings the library's.
#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

extern "C" {
struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_metadata;
struct rd_kafka_op_s;  // an event
struct rd_kafka_queue_s;
struct rd_kafka_topic_s;
}

namespace tenure {

// The library also has a function of this name.
using KafkaMetadata = const struct rd_kafka_metadata;

struct KafkaDeleter {
  void operator()(rd_kafka_s* handle) const;
  void operator()(rd_kafka_conf_s* conf) const;
  void operator()(KafkaMetadata* metadata) const;
  void operator()(rd_kafka_op_s* event) const;
  void operator()(rd_kafka_queue_s* queue) const;
  void operator()(rd_kafka_topic_s* topic) const;
};
template <class T>
using KafkaOwner = std::unique_ptr<T, KafkaDeleter>;

// The last thing that the library complained of, for messages: "no broker answers" alone helps
// nobody. Any thread.
class KafkaComplaints {
 public:
  void note(std::string text);
  // ` (last: ...)`, or nothing.
  std::string last() const;

 private:
  mutable std::mutex mutex_;
  std::string last_;
};

// A code of the library as an error: `what` failed. kNotFound: no such topic or partition;
// kConflict: the topic exists; kInvalid: rights, credentials or settings are wrong; kUnsupported;
// else kUnavailable.
Error kafka_error(int code, const std::string& what);
inline std::unexpected<Error> kafka_fail(int code, const std::string& what) {
  return std::unexpected(kafka_error(code, what));
}

// A client with the connection's properties, then `settings`, which win. `before_start` sees its
// configuration last. `complaints` outlives it. kInvalid: names the property that is wrong.
enum class KafkaRole : uint8_t { kProducer, kConsumer };
using KafkaSetting = std::pair<const char*, const char*>;
Result<KafkaOwner<rd_kafka_s>> make_kafka_client(
    KafkaRole role, const KafkaConnection& connection, KafkaComplaints& complaints,
    std::initializer_list<KafkaSetting> settings = {},
    void (*before_start)(rd_kafka_conf_s* conf, void* context) = nullptr, void* context = nullptr);

// What the cluster says of one topic, or of all. kUnavailable names the brokers.
Result<KafkaOwner<KafkaMetadata>> kafka_metadata(rd_kafka_s& client, rd_kafka_topic_s* topic,
                                                 const KafkaConnection& connection,
                                                 const KafkaComplaints& complaints);

// Which records of a partition the brokers hold: from `begin` to before `end`. Waits while no
// leader is known yet: brokers tell of a topic that was just made before they lead it, and a leader
// moves. `what` fails otherwise.
struct KafkaOffsets {
  int64_t begin = 0, end = 0;
};
Result<KafkaOffsets> kafka_offsets(rd_kafka_s& client, const std::string& topic, int32_t partition,
                                   const std::string& what, const KafkaComplaints& complaints);

// How long a question to the cluster may take.
inline constexpr int kKafkaPatienceMs = 10'000;

}  // namespace tenure
