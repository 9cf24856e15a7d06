#include "engine/partition/outbox.h"

#include <cstring>
#include <utility>

#include "engine/base/check.h"

namespace tenure {

Outbox::Outbox(PartitionId partition, Session session, size_t batch_bytes)
    : partition_(partition), session_(session), batch_bytes_(batch_bytes), next_(session.next) {
  batches_.push_back({.first = next_, .bytes = {}, .starts = {}, .waiting = {}});
}

void Outbox::append(std::span<const std::byte> decision, uint64_t settled, Reply reply) {
  Filling& batch = open();
  batch.starts.push_back(batch.bytes.size());
  const RecordPrefix prefix{.stamp = session_.stamp,
                            .number = next_,
                            .acked = durable().value,
                            .source = settled,
                            .tag = session_.tag};
  append_record(batch.bytes, prefix, decision);
  if (reply) batch.waiting.push_back({next_, Answer::Kind::kDecided, std::move(reply)});
  next_ = next_.next();
}

Outbox::Filling& Outbox::batch_of(Number number) {
  CHECK(number >= durable() && number < next_);
  auto batch = batches_.rbegin();
  while (batch->first > number) ++batch;
  return *batch;
}

std::span<const std::byte> Outbox::record(const Filling& batch, Number number) const {
  return batch.bytes.view().subspan(batch.starts[number.value - batch.first.value]);
}

std::span<const std::byte> Outbox::decision(Number number) {
  return parse_record(record(batch_of(number), number), RecordCrc::kSkip).payload;
}

void Outbox::wait_for(Number number, Answer::Kind kind, Reply reply) {
  batch_of(number).waiting.push_back({number, kind, std::move(reply)});
}

std::optional<Batch> Outbox::take_batch() {
  Filling& batch = open();
  if (batch.starts.empty()) return std::nullopt;
  if (in_flight() > (is_full() ? 1 : 0)) return std::nullopt;
  Batch taken{
      .first = batch.first, .count = static_cast<uint32_t>(batch.starts.size()), .bytes = {}};
  std::memcpy(taken.bytes.grow(batch.bytes.size()), batch.bytes.view().data(), batch.bytes.size());
  spare_.first = next_;
  batches_.push_back(std::exchange(spare_, {}));
  return taken;
}

void Outbox::settle() {
  CHECK(in_flight() > 0);
  Filling batch = std::move(batches_.front());
  batches_.pop_front();
  const Number last{batch.first.value + batch.starts.size() - 1};
  settled_crc_ = parse_record(record(batch, last), RecordCrc::kSkip).prefix.crc;
  for (Waiting& waiting : batch.waiting) {
    const auto found = parse_record(record(batch, waiting.number), RecordCrc::kSkip);
    waiting.reply(answer_with(waiting.kind, {partition_, waiting.number}, found.payload));
  }
  batch.bytes.clear();
  batch.starts.clear();
  batch.waiting.clear();
  spare_ = std::move(batch);
}

void Outbox::fail(const std::string& message) {
  for (Filling& batch : batches_) {
    for (Waiting& waiting : std::exchange(batch.waiting, {})) {
      waiting.reply(unavailable(message));
    }
  }
}

std::optional<uint32_t> Outbox::last_crc() {
  if (next_ == session_.next) return std::nullopt;
  if (next_ == durable()) return settled_crc_;
  const Number last{next_.value - 1};
  return parse_record(record(batch_of(last), last), RecordCrc::kSkip).prefix.crc;
}

Offset Outbox::offset_of(Number number) const {
  return {session_.stamp.value + (number.value - session_.next.value)};
}

}  // namespace tenure
