#include "tools/server/kafka_command.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/murmur2.h"
#include "engine/domain/names.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

using Checked = Expected<CommandBytes, Undecided>;

constexpr size_t kMaxHeader = 1024;
constexpr size_t kMaxKeptHeaders = 16u << 10;
constexpr size_t kMaxKeptKey = 16u << 10;

std::unexpected<Undecided> malformed(std::string message) {
  return std::unexpected(Undecided{400, "malformed", std::move(message)});
}

std::string_view short_header(const KafkaIncoming& message, std::string_view name) {
  const std::string_view value = message.header(name);
  return value.size() <= kMaxHeader ? value : std::string_view{};
}

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// `<partition>-<offset>` at the end of an origin; empty if there is none.
std::string_view place_in(std::string_view origin) {
  const size_t offset = origin.rfind('-');
  if (offset == std::string_view::npos || offset == 0) return {};
  const size_t partition = origin.rfind('-', offset - 1);
  if (partition == std::string_view::npos) return {};
  const bool valid = number_in(origin.substr(offset + 1)) &&
                     number_in(origin.substr(partition + 1, offset - partition - 1));
  return valid ? origin.substr(partition + 1) : std::string_view{};
}

// Where it was first published.
std::string origin_of(const KafkaIncoming& message, const KafkaCommandTopics& topics) {
  const std::string_view origin = short_header(message, kOriginHeader);
  if (was_forwarded(message) && !place_in(origin).empty()) return std::string(origin);
  return fmt::format("{}-{}-{}", topics.commands, message.partition.value, message.offset.value);
}

KafkaHeaders kept_headers(const KafkaIncoming& message) {
  KafkaHeaders kept;
  size_t size = 0;
  for (const auto& [name, value] : message.headers) {
    size += name.size() + value.size();
    if (size <= kMaxKeptHeaders) kept.emplace_back(name, value);
  }
  return kept;
}

// The same with all that came, for a message that goes on as it is.
KafkaHeaders all_headers(const KafkaIncoming& message) {
  return {message.headers.begin(), message.headers.end()};
}

uint32_t results_partition(const KafkaReplyTo& to, std::string_view key,
                           const KafkaCommandTopics& topics) {
  const size_t at = to.reply_to.find('@');
  if (at != std::string::npos) {
    const auto wanted = number_in(std::string_view(to.reply_to).substr(0, at));
    if (wanted && *wanted < topics.results_partitions) return static_cast<uint32_t>(*wanted);
  }
  return partition_of(key, topics.results_partitions);
}

KafkaOutgoing result(const KafkaReplyTo& to, std::string_view command_id, std::string_view answer,
                     const KafkaCommandTopics& topics) {
  KafkaOutgoing out{.topic = topics.results,
                    .partition = results_partition(to, command_id, topics),
                    .key = std::string(command_id),
                    .value = {},
                    .headers = {{std::string(kReplyToHeader), to.reply_to},
                                {std::string(kAnswerHeader), std::string(answer)}}};
  if (!to.request.empty()) out.headers.emplace_back(kRequestHeader, to.request);
  return out;
}

void set_body(KafkaOutgoing& out, Response response) {
  out.value = std::move(response.body);
  out.headers.emplace_back(kContentTypeHeader, response.content_type);
}

std::string_view name_of(Answer::Kind kind) {
  if (kind == Answer::Kind::kDuplicate) return "duplicate";
  return kind == Answer::Kind::kDecided ? "decided" : "idempotency_mismatch";
}

std::string sha256_of(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> hash;
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), hash.data());
  std::string hex;
  for (const uint8_t byte : hash) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  return hex;
}

// The largest decisions do not fit as JSON.
Response too_large(const KeptAnswer& answer) {
  return problem(200, "too_large_for_a_result",
                 fmt::format("the decision is at position {}; read it by its command's id over "
                             "HTTP, or from the log",
                             format_position(answer.position)));
}

}  // namespace

std::optional<KafkaReplyTo> reply_to_of(const KafkaIncoming& message) {
  const std::string_view reply_to = short_header(message, kReplyToHeader);
  if (reply_to.empty()) return std::nullopt;
  return KafkaReplyTo{std::string(reply_to), std::string(short_header(message, kRequestHeader)),
                      media_type(message.header(kAcceptHeader)) == kFlatBuffers};
}

std::string default_command_id(const KafkaIncoming& message) {
  if (was_forwarded(message)) {
    const std::string_view place = place_in(short_header(message, kOriginHeader));
    if (!place.empty()) return fmt::format("kafka-{}", place);
  }
  return fmt::format("kafka-{}-{}", message.partition.value, message.offset.value);
}

Checked KafkaCommandReader::read(const KafkaIncoming& message) {
  constexpr std::string_view kIdentifier = "TNRC";
  if (!message.header(kProofHeader).empty()) return read_vouched(message);
  const std::string_view type = media_type(message.header(kContentTypeHeader));
  if (type == kJson || (type.empty() && message.value.starts_with('{'))) {
    return read_json(message);
  }
  if (type == kFlatBuffers || (type.empty() && message.value.size() >= 8 &&
                               message.value.substr(4, kIdentifier.size()) == kIdentifier)) {
    return verify_binary_command(message.value);
  }
  return malformed(
      "neither a JSON object nor a FlatBuffer; send one command a message, with the header "
      "content-type as application/json or application/octet-stream");
}

Checked KafkaCommandReader::read_vouched(const KafkaIncoming& message) const {
  Checked command = verify_vouched_binary_command(message.value);
  if (!command) return command;
  const std::string_view proof = message.header(kProofHeader);
  if (ingress_key_ && is_ingress_proof(*ingress_key_, command->get(), proof)) return command;
  return malformed(
      "only a process of this log says who signed in, or makes a key; leave out the "
      "header " +
      std::string(kProofHeader));
}

// A given id must not be compared with the default one, so the default comes in only when the
// command does not read without it.
Checked KafkaCommandReader::read_json(const KafkaIncoming& message) {
  constexpr std::string_view kActor = "service:admin";
  Checked command = parser_.parse(message.value, {.id = {}, .actor = kActor});
  if (command) return command;
  return parser_.parse(message.value, {.id = default_command_id(message), .actor = kActor});
}

std::string organization_named(const KafkaIncoming& message) {
  std::string org = sender_in(message.value).org;
  if (is_valid_id(org)) return org;
  return is_valid_id(message.key) ? std::string(message.key) : std::string();
}

CommandBytes unreadable_message(const KafkaIncoming& message, const Undecided& why,
                                const KafkaCommandTopics& topics) {
  std::string org = organization_named(message);
  const auto is_here = [&] {
    return partition_of(org, topics.partitions) == message.partition.value;
  };
  if (org.empty() || !is_here()) {
    for (uint64_t n = 0; org = fmt::format("_unknown-{}", n), !is_here(); ++n) {
    }
  }
  std::string actor = sender_in(message.value).actor;
  if (!is_valid_actor(actor)) actor = "service:_unknown";
  flatbuffers::FlatBufferBuilder builder(1024);
  const auto unreadable = schema::CreateUnreadableMessageDirect(
      builder, why.message.c_str(), message.value.size(), sha256_of(message.value).c_str());
  builder.Finish(schema::CreateCommandEnvelopeDirect(
                     builder, default_command_id(message).c_str(), org.c_str(), actor.c_str(),
                     schema::Command::UnreadableMessage, unreadable.Union()),
                 schema::CommandEnvelopeIdentifier());
  return trusted_command({builder.GetBufferPointer(), builder.GetSize()});
}

bool was_forwarded(const KafkaIncoming& message) { return !message.header(kHopsHeader).empty(); }

KafkaOutgoing forwarded(const KafkaIncoming& message, uint32_t partition,
                        const KafkaCommandTopics& topics) {
  KafkaOutgoing out{.topic = topics.commands,
                    .partition = partition,
                    .key = std::string(message.key),
                    .value = std::string(message.value),
                    .headers = all_headers(message),
                    .timestamp_ms = message.timestamp_ms};
  out.headers.emplace_back(kOriginHeader, origin_of(message, topics));
  out.headers.emplace_back(kHopsHeader, "1");
  return out;
}

KafkaOutgoing quarantined(const KafkaIncoming& message, const Undecided& why,
                          const KafkaCommandTopics& topics) {
  constexpr size_t kMaxValue = kMaxKafkaMessage - kMaxKeptHeaders - kMaxKeptKey - 4 * kMaxHeader;
  KafkaOutgoing out{.topic = topics.quarantine,
                    .partition = std::nullopt,
                    .key = std::string(message.key.substr(0, kMaxKeptKey)),
                    .value = std::string(message.value.substr(0, kMaxValue)),
                    .headers = kept_headers(message),
                    .timestamp_ms = 0};
  const std::string error = fmt::format("{}: {}", why.code, why.message);
  out.headers.emplace_back(kErrorHeader, error.substr(0, kMaxHeader));
  out.headers.emplace_back(kOriginHeader, origin_of(message, topics));
  if (message.value.size() > kMaxValue) {
    out.headers.emplace_back(kTruncatedHeader, std::to_string(message.value.size()));
  }
  return out;
}

KafkaOutgoing result_of(const KafkaReplyTo& to, std::string_view command_id,
                        const KeptAnswer& answer, const Unsealer& unsealer,
                        const KafkaCommandTopics& topics) {
  KafkaOutgoing out = result(to, command_id, name_of(answer.kind), topics);
  out.headers.emplace_back(kKafkaPositionHeader, format_position(answer.position));
  if (to.flatbuffer) {
    const auto bytes = answer.decision();
    out.value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    out.headers.emplace_back(kContentTypeHeader, kFlatBuffers);
    return out;
  }
  Response response = to_response(answer, unsealer);
  const bool fits = response.body.size() < kMaxKafkaMessage - 8 * kMaxHeader;
  set_body(out, fits ? std::move(response) : too_large(answer));
  return out;
}

}  // namespace tenure
