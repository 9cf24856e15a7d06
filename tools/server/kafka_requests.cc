#include "tools/server/kafka_requests.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>

#include "engine/base/murmur2.h"
#include "schemas/decision_generated.h"
#include "tools/server/api.h"
#include "tools/server/kafka_command.h"

namespace tenure {
namespace {

constexpr std::chrono::milliseconds kRound(50);

Answer unknown() {
  return unavailable("whether it was decided is unknown; retry with the same id");
}

std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::optional<Answer::Kind> kind_of(std::string_view name) {
  if (name == "decided") return Answer::Kind::kDecided;
  if (name == "duplicate") return Answer::Kind::kDuplicate;
  if (name == "idempotency_mismatch") return Answer::Kind::kIdempotencyMismatch;
  return std::nullopt;
}

// A copy that is aligned as readers need it; empty if it is no decision.
std::vector<uint64_t> decision_in(std::string_view value) {
  std::vector<uint64_t> words((value.size() + 7) / 8);
  if (words.empty()) return {};
  std::memcpy(words.data(), value.data(), value.size());
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(words.data()), value.size());
  return schema::VerifyDecisionBuffer(verifier) ? words : std::vector<uint64_t>{};
}

void answer(const KafkaIncoming& result, const Reply& reply) {
  const auto kind = kind_of(result.header(kAnswerHeader));
  const auto position = parse_position(result.header(kKafkaPositionHeader));
  const std::vector<uint64_t> decision = decision_in(result.value);
  if (!kind || !position || decision.empty()) return reply(unknown());
  const auto bytes = std::as_bytes(std::span(decision)).first(result.value.size());
  reply(answer_with(*kind, *position, bytes));
}

}  // namespace

struct KafkaRequests::Impl {
  struct Waiting {
    Reply reply;
    Deadline deadline;
  };

  KafkaRequestsOptions options;
  KafkaCommandTopics topics;
  std::string reply_to;
  std::unique_ptr<KafkaTail> results;
  std::atomic<bool> ending = false;
  std::thread thread;

  mutable std::mutex mutex;  // of these
  std::unique_ptr<KafkaPublisher> publisher;
  uint64_t next = 0;
  std::unordered_map<uint64_t, Waiting> waiting;
  std::set<std::pair<Deadline, uint64_t>> deadlines;

  // Takes it out: whoever does answers it.
  std::optional<Reply> take_locked(uint64_t request);
  std::optional<Reply> take(uint64_t request) {
    const std::scoped_lock lock(mutex);
    return take_locked(request);
  }
  Result<uint64_t> submit(const CommandBytes& command, const Reply& reply, Deadline deadline);
  KafkaOutgoing message_of(const CommandBytes& command, uint64_t request) const;
  void on_result(const KafkaIncoming& result);
  void expire(Deadline now);
  void loop();
};

std::optional<Reply> KafkaRequests::Impl::take_locked(uint64_t request) {
  const auto at = waiting.find(request);
  if (at == waiting.end()) return std::nullopt;
  Reply reply = std::move(at->second.reply);
  deadlines.erase({at->second.deadline, request});
  waiting.erase(at);
  return reply;
}

KafkaOutgoing KafkaRequests::Impl::message_of(const CommandBytes& command, uint64_t request) const {
  const auto org = command.get().org()->string_view();
  const auto bytes = command.view();
  KafkaOutgoing out{.topic = topics.commands,
                    .partition = partition_of(org, topics.partitions),
                    .key = std::string(org),
                    .value = {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                    .headers = {{std::string(kContentTypeHeader), std::string(kFlatBuffers)},
                                {std::string(kAcceptHeader), std::string(kFlatBuffers)},
                                {std::string(kReplyToHeader), reply_to},
                                {std::string(kRequestHeader), std::to_string(request)}}};
  if (std::string proof = ingress_proof(options.ingress_key, command.get()); !proof.empty()) {
    out.headers.emplace_back(kProofHeader, std::move(proof));
  }
  return out;
}

// It waits before it is sent, as its answer may come at once; the publisher's callback cannot come
// in between, as it needs the lock.
Result<uint64_t> KafkaRequests::Impl::submit(const CommandBytes& command, const Reply& reply,
                                             Deadline deadline) {
  const std::scoped_lock lock(mutex);
  if (!publisher) return fail(ErrorKind::kUnavailable, "the server is stopping; retry elsewhere");
  if (waiting.size() >= options.max_waiting) {
    return fail(ErrorKind::kUnavailable, "too much is waiting; try again soon");
  }
  const uint64_t request = next++;
  waiting.emplace(request, Waiting{reply, deadline});
  deadlines.emplace(deadline, request);
  const auto delivered = [this, request](const Result<void>& how) {
    if (how) return;
    options.on_error(how.error());
    if (const auto unanswered = take(request)) (*unanswered)(unknown());
  };
  if (const auto sent = publisher->publish(message_of(command, request), delivered); !sent) {
    take_locked(request);
    return std::unexpected(sent.error());
  }
  return request;
}

void KafkaRequests::Impl::on_result(const KafkaIncoming& result) {
  if (result.header(kReplyToHeader) != reply_to) return;
  const std::string_view text = result.header(kRequestHeader);
  uint64_t request = 0;
  std::from_chars(text.data(), text.data() + text.size(), request);
  if (const auto reply = take(request)) answer(result, *reply);
}

void KafkaRequests::Impl::expire(Deadline now) {
  while (true) {
    std::optional<Reply> reply;
    {
      const std::scoped_lock lock(mutex);
      if (deadlines.empty() || deadlines.begin()->first > now) return;
      reply = take_locked(deadlines.begin()->second);
    }
    if (reply) (*reply)(unknown());
  }
}

void KafkaRequests::Impl::loop() {
  while (!ending) {
    const auto came = results->poll(kRound, [this](KafkaIncoming& result) { on_result(result); });
    if (!came) options.on_error(came.error());
    expire(std::chrono::steady_clock::now());
  }
}

KafkaRequests::KafkaRequests(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaRequests::~KafkaRequests() { close(); }

Result<std::unique_ptr<KafkaRequests>> KafkaRequests::open(KafkaRequestsOptions options) {
  auto impl = std::make_unique<Impl>();
  Impl& self = *impl;
  self.topics = TRY(find_command_topics(options.connection, options.prefix, options.partitions));
  const std::string name = random_name();
  const uint32_t partition = partition_of(name, self.topics.results_partitions);
  self.reply_to = fmt::format("{}@{}", partition, name);
  self.results = TRY(
      KafkaTail::make(options.connection, self.topics.results, {partition}, KafkaTail::From::kEnd));
  self.publisher = TRY(
      KafkaPublisher::make({.connection = options.connection, .patience = options.send_patience}));
  self.options = std::move(options);
  self.thread = std::thread([&self] { self.loop(); });
  return std::unique_ptr<KafkaRequests>(new KafkaRequests(std::move(impl)));
}

void KafkaRequests::send(CommandBytes command, const Reply& reply, Deadline deadline) {
  const auto sent = impl_->submit(command, reply, deadline);
  if (!sent) reply(unavailable(sent.error().message));
}

size_t KafkaRequests::waiting() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->waiting.size();
}

const std::string& KafkaRequests::reply_to() const { return impl_->reply_to; }

void KafkaRequests::close() {
  std::unique_ptr<KafkaPublisher> ended;
  {
    const std::scoped_lock lock(impl_->mutex);
    ended.swap(impl_->publisher);
  }
  ended.reset();
  impl_->ending = true;
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->expire(Deadline::max());
}

}  // namespace tenure
