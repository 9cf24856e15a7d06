#include "engine/log/batch_rules.h"

#include <fmt/format.h>

#include "engine/log/record_walk.h"
#include "schemas/decision_generated.h"

namespace tenure {

Result<ReaderPosition> position_after(const Batch& batch, ReaderPosition from) {
  const auto refuse = [&](const char* why) {
    return fail(
        ErrorKind::kInvalid,
        fmt::format("batch of {} decisions from number {} does not follow the log, which "
                    "goes on with number {} under stamp {}: {}",
                    batch.count, batch.first.value, from.next_number.value, from.stamp.value, why));
  };
  if (batch.first != from.next_number) return refuse("another first number");
  ReaderRule rule(from);
  RecordWalk walk(batch.bytes.view(), from.next_offset, RecordCrc::kSkip);
  while (!walk.done()) {
    const auto validity = rule.judge(walk.next());
    if (!validity) return refuse(validity.error().message.c_str());
    if (*validity != Validity::kValid) return refuse("a record that readers would take for void");
  }
  const uint64_t count = rule.position().next_number.value - from.next_number.value;
  if (count == 0 || count != batch.count) return refuse("another count of records");
  return rule.position();
}

AlignedBytes claim_record(const ClaimingLog& log, const Writer& writer, const ReaderPosition& at,
                          uint64_t tag) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(schema::CreateClaimDirect(
      builder, log.log_id.c_str(), log.partition.value, log.partitions, kPartitionHash.data(),
      writer.process.c_str(), writer.address.c_str(), writer.build.c_str(), writer.time_us,
      log.cluster_id.empty() ? nullptr : log.cluster_id.c_str()));
  AlignedBytes record;
  append_record(record,
                {.kind = RecordKind::kClaim,
                 .stamp = session_of(at).stamp,
                 .number = at.next_number,
                 .acked = at.next_number.value,
                 .tag = tag},
                std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
  return record;
}

}  // namespace tenure
