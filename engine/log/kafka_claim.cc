#include "engine/log/kafka_claim.h"

#include <fmt/format.h>

#include "schemas/decision_generated.h"

namespace tenure {
namespace {

std::string text_of(const flatbuffers::String* text) { return text ? text->str() : ""; }

}  // namespace

Result<void> ClaimBook::read(const RawRecord& record, Number next) {
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(record.payload.data()),
                                 record.payload.size());
  if (!verifier.VerifyBuffer<schema::Claim>(nullptr)) {
    return fail(ErrorKind::kCorrupt, fmt::format("the claim at offset {} of partition {} cannot be "
                                                 "read; restore the log from a backup",
                                                 record.offset.value, log_.partition.value));
  }
  const auto& claim = *flatbuffers::GetRoot<schema::Claim>(record.payload.data());
  const auto differs = [&](std::string_view what, std::string_view is, std::string_view ours) {
    return fail(ErrorKind::kInvalid,
                fmt::format("process {} claimed partition {} at offset {} with another {}: {}, "
                            "here it is {}; stop the one that is set up wrongly",
                            claim.process()->string_view(), log_.partition.value,
                            record.offset.value, what, is, ours));
  };
  const std::string cluster_id = text_of(claim.cluster_id());
  if (cluster_id != log_.cluster_id) return differs("cluster id", cluster_id, log_.cluster_id);
  if (claim.partitions() != log_.partitions) {
    return differs("number of partitions", std::to_string(claim.partitions()),
                   std::to_string(log_.partitions));
  }
  if (claim.partition() != log_.partition.value) {
    return differs("partition", std::to_string(claim.partition()),
                   std::to_string(log_.partition.value));
  }
  const std::string_view hash = claim.hash()->string_view();
  if (hash != kPartitionHash) return differs("hash", hash, kPartitionHash);
  // Two processes may claim an empty partition at once, each with an id of its own; the first one's
  // is the log's.
  if (log_.log_id.empty()) log_.log_id = claim.log_id()->str();
  if (next.value > 0 && claim.log_id()->string_view() != log_.log_id) {
    return differs("log id", claim.log_id()->string_view(), log_.log_id);
  }
  owner_ = {.stamp = {record.offset.value + 1},
            .tag = record.prefix.tag,
            .next = next,
            .process = claim.process()->str(),
            .address = text_of(claim.address()),
            .build = claim.build()->str(),
            .time_us = claim.time()};
  return {};
}

}  // namespace tenure
