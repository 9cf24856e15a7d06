#include "engine/personal/erasures.h"

#include <openssl/sha.h>

#include <algorithm>

#include "engine/log/fail_point.h"
#include "engine/log/log_reader.h"

namespace tenure {
namespace {

ErasureMark mark_at(std::string_view log_id, Number next) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const uint8_t*>(log_id.data()), log_id.size(), digest.data());
  ErasureMark mark{.log = {}, .next = next.value};
  std::copy_n(digest.begin(), mark.log.size(), mark.log.begin());
  return mark;
}

// Just before decision `from`, or at the log's beginning if it ends before that.
Result<std::unique_ptr<LogReader>> reader_at(DecisionLog& log, PartitionId partition, Number from) {
  if (from.value > 0) {
    // The one before it must be there: `from` may be the next one to come.
    auto reader = LogReader::at(log, partition, Number{from.value - 1});
    if (reader && TRY((*reader)->next())) return reader;
    if (!reader && reader.error().kind != ErrorKind::kNotFound) return reader;
  }
  return std::make_unique<LogReader>(TRY(log.read(partition, Offset{0})), ReaderPosition{});
}

}  // namespace

Result<void> carry_out_erasures(const schema::Decision& decision, PersonKeys& keys) {
  if (decision.events() == nullptr) return {};
  for (const schema::EventBox* box : *decision.events()) {
    const auto* erased = box->event_as_SubjectErased();
    if (erased == nullptr || erased->key_name() == nullptr) continue;
    PersonKeyName name;
    if (erased->key_name()->size() != name.size()) {
      return fail(ErrorKind::kCorrupt, "an erasure names no key; its decision is damaged");
    }
    std::ranges::copy(*erased->key_name(), name.begin());
    fail_point("erasure.before_key");
    TRY(keys.destroy(erased->user()->string_view(), name));
    fail_point("erasure.after_key");
  }
  return {};
}

Result<void> carry_out_erasures(DecisionLog& log, std::string_view log_id, PartitionId partition,
                                PersonKeys& keys) {
  const ErasureMark mark = keys.erasure_mark(partition);
  const bool of_this_log = mark == mark_at(log_id, {mark.next});
  const auto reader = TRY(reader_at(log, partition, {of_this_log ? mark.next : 0}));
  while (const auto decision = TRY(reader->next())) {
    TRY(carry_out_erasures(*flatbuffers::GetRoot<schema::Decision>(decision->payload.data()),
                           keys));
  }
  return mark_erasures(log_id, partition, reader->position().next_number, keys);
}

Result<void> mark_erasures(std::string_view log_id, PartitionId partition, Number next,
                           PersonKeys& keys) {
  const ErasureMark mark = mark_at(log_id, next);
  if (mark == keys.erasure_mark(partition)) return {};
  return keys.mark_erasures(partition, mark);
}

}  // namespace tenure
