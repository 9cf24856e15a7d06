#include "tools/tenure/bench_kafka_feed.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <thread>

#include "engine/base/murmur2.h"
#include "engine/log/kafka_handle.h"

namespace tenure {
namespace {

using Steady = std::chrono::steady_clock;

constexpr size_t kAtOnce = 8192;
constexpr int kPatienceMs = 120'000;
constexpr auto kTick = std::chrono::microseconds(500);

using Failure = std::unique_ptr<rd_kafka_error_t, decltype(&rd_kafka_error_destroy)>;

Result<void> outcome_of(rd_kafka_error_t* error, const std::string& what) {
  const Failure owned(error, &rd_kafka_error_destroy);
  if (!owned) return {};
  return fail(ErrorKind::kUnavailable, what + ": " + rd_kafka_error_string(owned.get()));
}

}  // namespace

struct CommandFeed::Impl {
  struct Client {
    KafkaOwner<rd_kafka_t> handle;
    KafkaOwner<rd_kafka_topic_t> topic;
  };
  std::string name;
  uint32_t partitions = 1;
  KafkaComplaints complaints;
  Client transactions, live;

  Result<Client> make(const KafkaConnection& connection,
                      std::initializer_list<KafkaSetting> settings) {
    Client made;
    made.handle = TRY(make_kafka_client(KafkaRole::kProducer, connection, complaints, settings));
    made.topic.reset(rd_kafka_topic_new(made.handle.get(), name.c_str(), nullptr));
    if (!made.topic) return kafka_fail(rd_kafka_last_error(), "topic " + name);
    return made;
  }
  Result<void> send(const Client& client, const CommandArena& commands, size_t begin, size_t end);
  Result<void> flush(const Client& client) {
    const auto code = rd_kafka_flush(client.handle.get(), kPatienceMs);
    if (code) return kafka_fail(code, "commands not acknowledged" + complaints.last());
    return {};
  }
};

CommandFeed::CommandFeed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CommandFeed::~CommandFeed() = default;

Result<std::unique_ptr<CommandFeed>> CommandFeed::make(const KafkaConnection& connection,
                                                       const std::string& topic,
                                                       uint32_t partitions) {
  auto impl = std::make_unique<Impl>();
  impl->name = topic;
  impl->partitions = partitions;
  impl->transactions = TRY(impl->make(connection, {{"transactional.id", topic.c_str()},
                                                   {"transaction.timeout.ms", "300000"},
                                                   {"queue.buffering.max.messages", "10000000"},
                                                   {"queue.buffering.max.kbytes", "2147483647"},
                                                   {"batch.num.messages", "100000"},
                                                   {"message.timeout.ms", "120000"},
                                                   {"linger.ms", "5"}}));
  // Not idempotent: such a producer's thread polls without a pause while more waits than may be in
  // flight (engine/log/README.md), on the processors that are measured. A command that is sent
  // again is decided once all the same.
  impl->live = TRY(impl->make(
      connection,
      {{"acks", "all"}, {"queue.buffering.max.messages", "10000000"}, {"linger.ms", "5"}}));
  TRY(outcome_of(rd_kafka_init_transactions(impl->transactions.handle.get(), kPatienceMs),
                 "transactions of the bench"));
  return std::unique_ptr<CommandFeed>(new CommandFeed(std::move(impl)));
}

Result<void> CommandFeed::Impl::send(const Client& client, const CommandArena& commands,
                                     size_t begin, size_t end) {
  std::vector<rd_kafka_message_t> messages;
  while (begin < end) {
    const size_t count = std::min(end - begin, kAtOnce);
    messages.assign(count, {});
    for (rd_kafka_message_t& message : messages) {
      const auto bytes = commands[begin++];
      const auto* org = flatbuffers::GetRoot<schema::CommandEnvelope>(bytes.data())->org();
      message.partition = static_cast<int32_t>(partition_of(org->string_view(), partitions));
      message.key = const_cast<char*>(org->c_str());
      message.key_len = org->size();
      message.payload = const_cast<uint8_t*>(bytes.data());
      message.len = bytes.size();
    }
    const int taken =
        rd_kafka_produce_batch(client.topic.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                               messages.data(), static_cast<int>(count));
    if (static_cast<size_t>(taken) != count) {
      const auto first =
          std::ranges::find_if(messages, [](const auto& each) { return each.err != 0; });
      return kafka_fail(first->err, "command not sent");
    }
    rd_kafka_poll(client.handle.get(), 0);
  }
  return {};
}

Result<CommandFeed::Moment> CommandFeed::publish_at_once(const CommandArena& commands) {
  rd_kafka_t* client = impl_->transactions.handle.get();
  TRY(outcome_of(rd_kafka_begin_transaction(client), "transaction of the commands"));
  TRY(impl_->send(impl_->transactions, commands, 0, commands.size()));
  TRY(impl_->flush(impl_->transactions));
  const Moment seen = Steady::now();
  TRY(outcome_of(rd_kafka_commit_transaction(client, kPatienceMs), "transaction of the commands"));
  return seen;
}

Result<CommandFeed::Moment> CommandFeed::publish_paced(const CommandArena& commands, double per_s) {
  const Moment start = Steady::now();
  for (size_t sent = 0; sent < commands.size();) {
    const double elapsed = std::chrono::duration<double>(Steady::now() - start).count();
    const size_t due = std::min(commands.size(), static_cast<size_t>(elapsed * per_s) + 1);
    TRY(impl_->send(impl_->live, commands, sent, due));
    sent = due;
    std::this_thread::sleep_for(kTick);
  }
  TRY(impl_->flush(impl_->live));
  return start;
}

}  // namespace tenure
