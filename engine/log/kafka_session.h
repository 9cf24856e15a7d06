// What one claim gave a right to: the batches appended under it, and whether they landed where they
// must.
//
// A record's offset is known before it is sent: claim + 1 + (its number - the first one). Any other
// report is doubt, and so are an error, another claim and a claim made anew. The first doubt
// latches: no batch that was not wholly acknowledged before it is answered with success, whatever
// is reported later. Its records may still land; readers take them for void.
//
// append() from one thread, doubt() from any, the rest on the producer's.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/log/kafka_producer.h"
#include "engine/log/log_reader.h"

namespace tenure {

class KafkaSession : public std::enable_shared_from_this<KafkaSession> {
 public:
  // Records below this position are acknowledged and durable; on the producer's thread.
  using Acknowledged = std::function<void(ReaderPosition)>;
  KafkaSession(PartitionId partition, Session session, Acknowledged acknowledged);

  // Never blocks. `done` as DecisionLog::append says.
  void append(Batch batch, DecisionLog::Done done, KafkaSender& sender);

  // Ends the session; wake the producer to have it said. Only the first one counts.
  void doubt(Error why);
  std::optional<Error> ended() const;

  // Calls `done` of all batches whose outcome is known. False if none is in flight any more.
  bool deliver();

  // Forgets what is in flight, calling nobody. When the producer has ended.
  void drop();

  const Session& session() const { return session_; }
  PartitionId partition() const { return partition_; }

 private:
  struct Parcel;
  void reported(Parcel& parcel, std::span<const std::byte> record, const Result<Offset>& offset);
  Result<void> check(std::span<const std::byte> record, const Result<Offset>& offset) const;
  void doubt_locked(Error why);

  const PartitionId partition_;
  const Session session_;
  const Acknowledged acknowledged_;
  ReaderPosition appended_;  // of append(): where the next batch will lie

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Parcel>> in_flight_;
  std::optional<Error> doubt_;
  bool failed_one_ = false;
};

}  // namespace tenure
