// A message of the commands topic as a command, and what is sent on because of it: its result, the
// message itself to the partition of its organization, or to the quarantine. No I/O, no threads.
//
// A message that is no command leaves a decision too, rejected as `malformed`: of the organization
// that it names (else its key), by the actor that it names, under the id of its place. Where it
// names none that can be, the organization is `_unknown-<n>`, the first that belongs to the
// partition, and the actor `service:_unknown`; no command from outside may use those names.
//
// Headers of a command (all may be absent; one of more than 1 KiB counts as absent):
//   content-type    application/json or application/octet-stream (a FlatBuffer); else by its bytes
//   reply-to        wants a result; `<n>@<anything>` wants it in partition n of the results
//   tenure-request  echoed with the result
//   tenure-vouched  of a process of this log: the proof of what it vouches for (ingress_proof.h)
//   accept          application/octet-stream: the decision as a FlatBuffer, else as JSON
#pragma once

#include <optional>
#include <string>

#include "tools/server/answer_json.h"
#include "tools/server/command_parser.h"
#include "tools/server/ingress_proof.h"
#include "tools/server/kafka_command_topics.h"
#include "tools/server/kafka_group.h"
#include "tools/server/kafka_publisher.h"

namespace tenure {

inline constexpr std::string_view kReplyToHeader = "reply-to";
inline constexpr std::string_view kContentTypeHeader = "content-type";
inline constexpr std::string_view kAcceptHeader = "accept";
inline constexpr std::string_view kRequestHeader = "tenure-request";
inline constexpr std::string_view kAnswerHeader = "tenure-answer";
inline constexpr std::string_view kKafkaPositionHeader = "tenure-position";
inline constexpr std::string_view kErrorHeader = "tenure-error";
inline constexpr std::string_view kOriginHeader = "tenure-origin";
inline constexpr std::string_view kHopsHeader = "tenure-hops";
inline constexpr std::string_view kTruncatedHeader = "tenure-truncated";

// Where a result is wanted, and how.
struct KafkaReplyTo {
  std::string reply_to, request;
  bool flatbuffer = false;
};
std::optional<KafkaReplyTo> reply_to_of(const KafkaIncoming& message);

// The id of a command that has none: where it was first published, so that reading it again gives
// the same one.
std::string default_command_id(const KafkaIncoming& message);

// One per thread.
class KafkaCommandReader {
 public:
  // `ingress_key`: what other processes prove with what they vouched for (ingress_proof.h); none:
  // it is not believed.
  explicit KafkaCommandReader(const std::optional<PersonKey>& ingress_key = {})
      : ingress_key_(ingress_key) {}

  // The command, verified; or why it is none. Personal text as it came, sealed or in clear.
  Expected<CommandBytes, Undecided> read(const KafkaIncoming& message);

 private:
  Expected<CommandBytes, Undecided> read_json(const KafkaIncoming& message);
  Expected<CommandBytes, Undecided> read_vouched(const KafkaIncoming& message) const;
  CommandParser parser_;
  std::optional<PersonKey> ingress_key_;
};

// The organization that a message is for which is no command; empty if it names none that can be.
std::string organization_named(const KafkaIncoming& message);
// What stands for such a message in the log of the partition that it came in on.
CommandBytes unreadable_message(const KafkaIncoming& message, const Undecided& why,
                                const KafkaCommandTopics& topics);

// Whether it came here by being forwarded.
bool was_forwarded(const KafkaIncoming& message);
KafkaOutgoing forwarded(const KafkaIncoming& message, uint32_t partition,
                        const KafkaCommandTopics& topics);
// The bytes as they came, but for the end of what the topic would not take.
KafkaOutgoing quarantined(const KafkaIncoming& message, const Undecided& why,
                          const KafkaCommandTopics& topics);

// `answer` is not kUnavailable.
KafkaOutgoing result_of(const KafkaReplyTo& to, std::string_view command_id,
                        const KeptAnswer& answer, const Unsealer& unsealer,
                        const KafkaCommandTopics& topics);

}  // namespace tenure
