#include "tools/server/kafka_outbox.h"

namespace tenure {
namespace {

class OpensNothing final : public Unsealer {
 public:
  std::optional<std::string> unseal(const schema::Sealed&) const override { return std::nullopt; }
};

const OpensNothing kOpensNothing;

}  // namespace

struct KafkaOutbox::Waiting {
  Place place;
  std::string command_id;
  std::optional<KafkaReplyTo> to;
  std::shared_ptr<KafkaOutgoing> first;
  KeptAnswer answer;
};

KafkaOutbox::KafkaOutbox(Options options, std::unique_ptr<KafkaPublisher> publisher)
    : options_(std::move(options)), publisher_(std::move(publisher)) {}

void KafkaOutbox::end() {
  std::unique_ptr<KafkaPublisher> ended;
  const std::scoped_lock lock(mutex_);
  ended.swap(publisher_);
}

Reply KafkaOutbox::reply(Place place, std::string command_id, std::optional<KafkaReplyTo> to,
                         std::optional<KafkaOutgoing> first) {
  if (!to && !first) {
    return [place = std::move(place)](const Answer& answer) {
      const bool decided = answer.kind != Answer::Kind::kUnavailable;
      decided ? place.lane->settle(place.ticket) : place.lane->trouble(place.ticket);
    };
  }
  // Held by a pointer, as a reply is copied.
  auto sent_first = first ? std::make_shared<KafkaOutgoing>(std::move(*first)) : nullptr;
  return [self = shared_from_this(), place = std::move(place), id = std::move(command_id),
          to = std::move(to), first = std::move(sent_first)](const Answer& answer) {
    if (answer.kind == Answer::Kind::kUnavailable) return place.lane->trouble(place.ticket);
    const std::scoped_lock lock(self->mutex_);
    if (!self->publisher_) return;
    place.lane->publication_begins();
    auto waiting = std::make_shared<Waiting>(Waiting{place, id, to, first, KeptAnswer(answer)});
    self->publisher_->run([self, waiting, publisher = self->publisher_.get()] {
      self->answered(*waiting, *publisher);
    });
  };
}

void KafkaOutbox::answered(Waiting& waiting, KafkaPublisher& publisher) {
  const Unsealer& unsealer = options_.unsealer ? *options_.unsealer : kOpensNothing;
  std::optional<KafkaOutgoing> result;
  if (waiting.to) {
    result = result_of(*waiting.to, waiting.command_id, waiting.answer, unsealer, options_.topics);
  }
  if (!waiting.first) return publish(waiting.place, *std::move(result), std::nullopt, publisher);
  publish(waiting.place, std::move(*waiting.first), std::move(result), publisher);
}

void KafkaOutbox::send(const Place& place, KafkaOutgoing message) {
  const std::scoped_lock lock(mutex_);
  if (!publisher_) return;
  place.lane->publication_begins();
  publish(place, std::move(message), std::nullopt, *publisher_);
}

// Settled when the first is acknowledged, then the second, if there is one.
void KafkaOutbox::publish(const Place& place, KafkaOutgoing first,
                          std::optional<KafkaOutgoing> second, KafkaPublisher& publisher) {
  // Held by a pointer, as a callback is copied.
  auto then = second ? std::make_shared<KafkaOutgoing>(std::move(*second)) : nullptr;
  auto done = [self = shared_from_this(), place, then, &publisher](const Result<void>& how) {
    if (how && then) return self->publish(place, std::move(*then), std::nullopt, publisher);
    self->ended(place, how);
  };
  if (const auto taken = publisher.publish(std::move(first), std::move(done)); !taken) {
    ended(place, taken);
  }
}

void KafkaOutbox::ended(const Place& place, const Result<void>& how) {
  if (how) {
    place.lane->settle(place.ticket);
  } else {
    place.lane->trouble(place.ticket);
    if (options_.on_error) options_.on_error(how.error());
  }
  place.lane->publication_ended();
}

}  // namespace tenure
