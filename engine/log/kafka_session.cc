#include "engine/log/kafka_session.h"

#include <fmt/format.h>

#include "engine/log/batch_rules.h"
#include "engine/log/record_walk.h"

namespace tenure {

struct KafkaSession::Parcel final : KafkaParcel {
  std::shared_ptr<KafkaSession> session;
  DecisionLog::Done done;
  ReaderPosition end;  // behind its last record
  size_t acknowledged = 0;

  void reported(std::span<const std::byte> record, Result<Offset> offset) override {
    session->reported(*this, record, offset);
  }
  bool landed() const { return !records.empty() && acknowledged == records.size(); }
};

KafkaSession::KafkaSession(PartitionId partition, Session session, Acknowledged acknowledged)
    : partition_(partition),
      session_(session),
      acknowledged_(std::move(acknowledged)),
      appended_{{session.stamp.value}, session.next, session.stamp} {}

void KafkaSession::append(Batch batch, DecisionLog::Done done, KafkaSender& sender) {
  auto parcel = std::make_shared<Parcel>();
  parcel->session = shared_from_this();
  parcel->done = std::move(done);
  parcel->partition = partition_;
  const auto end = position_after(batch, appended_);
  parcel->bytes = std::move(batch.bytes);
  if (end) {
    parcel->end = appended_ = *end;
    RecordWalk walk(parcel->bytes.view(), {}, RecordCrc::kSkip);
    while (!walk.done()) {
      const auto payload = walk.next().payload;
      parcel->records.emplace_back(payload.data() - kPrefixSize, kPrefixSize + payload.size());
    }
  }
  bool sound = false;
  {
    const std::scoped_lock lock(mutex_);
    if (!end) doubt_locked(end.error());
    sound = !doubt_;
    in_flight_.push_back(parcel);
  }
  if (sound) {
    if (auto sent = sender.send(std::move(parcel)); !sent) {
      doubt({ErrorKind::kConflict, sent.error().message});
      sound = false;
    }
  }
  if (!sound) sender.wake();
}

void KafkaSession::doubt(Error why) {
  const std::scoped_lock lock(mutex_);
  doubt_locked(std::move(why));
}

void KafkaSession::doubt_locked(Error why) {
  if (!doubt_) doubt_ = std::move(why);
}

std::optional<Error> KafkaSession::ended() const {
  const std::scoped_lock lock(mutex_);
  return doubt_;
}

Result<void> KafkaSession::check(std::span<const std::byte> record,
                                 const Result<Offset>& offset) const {
  const Number number = parse_record(record, RecordCrc::kSkip).prefix.number;
  const uint64_t expected = session_.stamp.value + (number.value - session_.next.value);
  if (offset && offset->value == expected) return {};
  const std::string what =
      offset ? fmt::format("it landed at offset {}", offset->value) : offset.error().message;
  return fail(
      ErrorKind::kConflict,
      fmt::format("decision {} of partition {} should lie at offset {}, but {}; the session "
                  "of stamp {} has ended",
                  number.value, partition_.value, expected, what, session_.stamp.value));
}

void KafkaSession::reported(Parcel& parcel, std::span<const std::byte> record,
                            const Result<Offset>& offset) {
  const std::scoped_lock lock(mutex_);
  if (doubt_) return;
  if (auto checked = check(record, offset); !checked) {
    doubt_locked(std::move(checked).error());
  } else {
    ++parcel.acknowledged;
  }
}

void KafkaSession::drop() {
  std::deque<std::shared_ptr<Parcel>> dropped;
  const std::scoped_lock lock(mutex_);
  dropped.swap(in_flight_);
}

bool KafkaSession::deliver() {
  while (true) {
    std::shared_ptr<Parcel> parcel;
    Result<void> outcome;
    {
      const std::scoped_lock lock(mutex_);
      if (in_flight_.empty()) return false;
      const bool landed = in_flight_.front()->landed() && !failed_one_;
      if (!landed && !doubt_) return true;
      if (!landed) {
        outcome = std::unexpected(*doubt_);
        failed_one_ = true;
      }
      parcel = std::move(in_flight_.front());
      in_flight_.pop_front();
    }
    if (outcome) acknowledged_(parcel->end);
    std::exchange(parcel->done, nullptr)(std::move(outcome));
  }
}

}  // namespace tenure
