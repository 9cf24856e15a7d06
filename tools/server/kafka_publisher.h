// Sends messages to the topics around the log: commands, results, quarantine, keys. (The log
// itself has a stricter producer of its own: engine/log/kafka_producer.h.)
//
//   publish(), any thread --> librdkafka's queue --> broker --> own thread --> Delivered
//   run(), any thread --> own thread
//
// It keeps a message's bytes until its outcome is known. Acknowledged by all in-sync replicas,
// never reordered. Brokers that were killed may refuse everything that a client of the library
// sends from then on (out of sequence): what was on its way fails, and a new client sends what
// comes later.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/log/kafka_connection.h"

namespace tenure {

using KafkaHeaders = std::vector<std::pair<std::string, std::string>>;

struct KafkaOutgoing {
  std::string topic;
  std::optional<uint32_t> partition;  // without one: by the key, as the library does
  std::string key;                    // empty: none
  std::string value;
  KafkaHeaders headers;
  int64_t timestamp_ms = 0;  // 0: now
  bool tombstone = false;    // without any value, which takes the key's last one back
};

class KafkaPublisher {
 public:
  struct Options {
    KafkaConnection connection;
    // How long a message is tried for; 0: until it is acknowledged or the publisher ends.
    std::chrono::milliseconds patience{0};
  };
  // Starts the thread; does not wait for a broker. kInvalid: a property is wrong.
  static Result<std::unique_ptr<KafkaPublisher>> make(Options options);
  // Ends the thread. What is not acknowledged by then may arrive or not; nobody is told.
  ~KafkaPublisher();
  KafkaPublisher(const KafkaPublisher&) = delete;

  // Never blocks. `delivered` is called once, on the thread of the publisher. kInvalid: it never
  // arrived and never will (too large); else it may have. An error returned at once is for a
  // message that was not taken; `delivered` is then not called.
  using Delivered = std::function<void(Result<void>)>;
  Result<void> publish(KafkaOutgoing message, Delivered delivered);

  // Has the job run on the publisher's thread, in order. Jobs left at the end are dropped.
  void run(std::function<void()> job);

 private:
  struct Impl;
  explicit KafkaPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What a message may hold at most, headers and all, so that the topics take it.
inline constexpr size_t kMaxKafkaMessage = 10'485'760 - 65'536;

}  // namespace tenure
