// The process's one producer: sends records, reports where each landed.
//
//   send() --> librdkafka's queue --> broker --> own thread --> KafkaParcel::reported()
//
// Behind small parcels the next ones, of all partitions, are held back for up to 5 ms, longer the
// more records those had, and then sent together; and a partition has one request in flight. So
// under load few requests are sent and few fetches answered, and who sends one record at a time
// waits for nothing.
//
// It keeps a parcel, whose memory is sent in place, until each of its records was reported, or
// until it is destroyed. Its settings are what the log's guarantees rest on (kafka_producer.cc). A
// fatal error ends it: `dead()` is true from then on, and a new one has to be made.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/ids.h"
#include "engine/log/kafka_connection.h"
#include "engine/log/record.h"

namespace tenure {

// Records that are sent together, in this order.
struct KafkaParcel {
  virtual ~KafkaParcel() = default;
  // On the producer's thread, in the order of sending, once for each of `records`: its offset, or
  // why there is none. A record without an offset may lie in the log all the same.
  virtual void reported(std::span<const std::byte> record, Result<Offset> offset) = 0;

  PartitionId partition;
  AlignedBytes bytes;
  std::vector<std::span<const std::byte>> records;  // in `bytes`
};

// What sends parcels: the producer, or a test that decides what is reported.
class KafkaSender {
 public:
  virtual ~KafkaSender() = default;
  // Never blocks. kUnavailable: the queue is full; some of the parcel may have been sent. What
  // fails later is reported.
  virtual Result<void> send(std::shared_ptr<KafkaParcel> parcel) = 0;
  virtual void wake() = 0;  // begins the next round
};

class KafkaProducer final : public KafkaSender {
 public:
  struct Hooks {
    std::function<void()> each_round;            // on its thread, after reports and after wake()
    std::function<void(const Error&)> on_fatal;  // on its thread, once
  };
  // Starts the thread; does not wait for a broker. kInvalid: a property is wrong.
  static Result<std::unique_ptr<KafkaProducer>> make(const KafkaConnection& connection,
                                                     const std::string& topic, Hooks hooks);
  // Ends the thread. What was not sent is not sent any more; nobody is told.
  ~KafkaProducer() override;
  KafkaProducer(const KafkaProducer&) = delete;

  Result<void> send(std::shared_ptr<KafkaParcel> parcel) override;
  void wake() override;

  bool dead() const { return dead_; }
  size_t unreported() const;  // parcels
  std::string last_complaint() const;

 private:
  struct Impl;
  explicit KafkaProducer(std::unique_ptr<Impl> impl);
  void run();

  std::atomic<bool> dead_ = false;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenure
