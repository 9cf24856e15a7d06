#include "tools/tenure/audited_log.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "engine/log/kafka_consumer.h"
#include "tools/server/data_directory.h"

namespace tenure {
namespace {

constexpr std::chrono::milliseconds kRound{100};
constexpr std::chrono::seconds kPatience{30};

// What was published, of all partitions, oldest first. Messages that are no heads were put there by
// somebody else; what they say counts for nothing.
Result<std::vector<SignedHead>> published_heads(const KafkaFlags& flags) {
  const auto consumer = TRY(KafkaConsumer::make(TRY(connection_of(flags)),
                                                kafka_topic_name(flags.prefix, "checkpoints")));
  const auto extent = TRY(consumer->extent(PartitionId{0}));
  std::vector<SignedHead> heads;
  Offset next = extent.begin;
  std::optional<Error> error;
  auto deadline = std::chrono::steady_clock::now() + kPatience;
  TRY(consumer->start(PartitionId{0}, extent.begin));
  while (next < extent.end) {
    const bool came = consumer->poll(kRound, [&](const KafkaMessage& message) {
      error = message.error;
      if (error) return;
      next = message.offset.next();
      auto head = SignedHead::parse(
          {reinterpret_cast<const char*>(message.value.data()), message.value.size()});
      if (head) heads.push_back(*std::move(head));
    });
    if (error && error->kind == ErrorKind::kCorrupt) return std::unexpected(*error);
    if (came) deadline = std::chrono::steady_clock::now() + kPatience;
    if (std::chrono::steady_clock::now() < deadline) continue;
    return fail(ErrorKind::kUnavailable, "the Kafka brokers do not send the checkpoints topic");
  }
  return heads;
}

std::string partition_directory(const std::string& notary, PartitionId id) {
  return notary + "/partition-" + std::to_string(id.value);
}

// A last one that a crash left unfinished is none.
Result<std::vector<SignedHead>> filed_heads(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound) return std::vector<SignedHead>();
  size_t torn = 0;
  auto heads = parse_heads(TRY(text), &torn);
  if (!heads) return fail(heads.error().kind, path + ": " + heads.error().message);
  return heads;
}

// Directories of heads beside those of the log's partitions.
std::vector<std::string> strays_in(const std::string& notary, size_t partitions) {
  std::vector<std::string> strays;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(notary, error)) {
    if (!entry.is_directory(error)) continue;
    bool known = false;
    for (PartitionId id{0}; id.value < partitions && !known; id = {id.value + 1}) {
      known = entry.path() == partition_directory(notary, id);
    }
    if (!known) strays.push_back(entry.path().string());
  }
  std::ranges::sort(strays);
  return strays;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  const auto file = TRY(posix_file_system().open(path, OpenMode::kRead));
  std::string text(TRY(file->size()), '\0');
  text.resize(TRY(file->read_at(0, std::as_writable_bytes(std::span(text)))));
  return text;
}

Result<TreeFile> AuditedLog::tree(PartitionId partition) const {
  if (notary_directory.empty()) {
    return fail(ErrorKind::kNotFound,
                "the topics hold no trees; name a data directory that does with --data, without "
                "--log kafka");
  }
  return TreeFile::open_to_read(posix_file_system(),
                                partition_directory(notary_directory, partition) + "/tree");
}

Result<AuditedLog> open_audited_log(const LogFlags& flags) {
  AuditedLog log;
  if (flags.is_kafka()) {
    log.records = TRY(open_log_source(flags));
  } else {
    log.records = TRY(open_log_or_mirror(flags.data));
    log.notary_directory = DataDirectory{flags.data}.notary();
  }
  log.heads.resize(log.records->partitions());
  for (PartitionId id{0}; id.value < log.heads.size(); id = {id.value + 1}) {
    const std::string log_id = TRY(log.records->log_id(id));
    log.origins.push_back(log_id.empty() ? log_id : origin_of(log_id, id));
    if (log.notary_directory.empty()) continue;
    log.heads[id.value] =
        TRY(filed_heads(partition_directory(log.notary_directory, id) + "/heads"));
  }
  if (!flags.is_kafka()) {
    log.strays = strays_in(log.notary_directory, log.heads.size());
    return log;
  }
  // One of another log is shown with the partition that it names, where it is refused.
  for (SignedHead& head : TRY(published_heads(flags.kafka))) {
    bool placed = false;
    for (PartitionId id{0}; id.value < log.heads.size(); id = {id.value + 1}) {
      if (!names_partition(head.checkpoint, id)) continue;
      log.heads[id.value].push_back(head);
      placed = true;
    }
    if (!placed) log.strays.push_back("a head of " + head.checkpoint.origin);
  }
  return log;
}

bool names_partition(const TreeHead& head, PartitionId partition) {
  return head.origin.ends_with("/" + std::to_string(partition.value));
}

Result<std::vector<VerifierKey>> trusted_keys(const std::string& file, const AuditedLog& log) {
  if (!file.empty()) {
    auto keys = parse_keys(TRY(read_text_file(file)));
    if (!keys) return fail(keys.error().kind, file + ": " + keys.error().message);
    return keys;
  }
  if (log.notary_directory.empty()) {
    return fail(ErrorKind::kInvalid,
                "name the keys that you trust with --key FILE; tenure audit key prints them");
  }
  const SigningKey key = TRY(SigningKey::open(log.notary_directory + "/key.pem"));
  std::vector<VerifierKey> keys;
  keys.reserve(log.origins.size());
  for (const std::string& origin : log.origins) keys.push_back(key.public_key(origin));
  return keys;
}

}  // namespace tenure
