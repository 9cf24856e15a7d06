#include "consumers/relay/relay.h"

#include <fmt/format.h>

#include "consumers/relay/cloud_event.h"
#include "engine/base/murmur2.h"

namespace tenure {
namespace {

// How many events may be looked at again after a kill, beside what is under way.
constexpr uint64_t kEventsBetweenMarks = 256;

}  // namespace

Relay::Relay(std::unique_ptr<EventTopic> topic, std::vector<std::string> sources)
    : topic_(std::move(topic)) {
  for (std::string& source : sources) {
    sources_.push_back({.mark = {std::move(source), {}}, .rule = {}, .marked = 0});
  }
}

Result<Relay> Relay::begin(std::unique_ptr<EventTopic> topic, std::vector<std::string> sources,
                           Begin begin) {
  Relay relay(std::move(topic), std::move(sources));
  const uint32_t partitions = relay.topic_->partitions();
  if (relay.sources_.size() > 1 && relay.sources_.size() != partitions) {
    return fail(ErrorKind::kInvalid,
                fmt::format("the log has {} partitions, the topic {}: it must have as many",
                            relay.sources_.size(), partitions));
  }
  // Of each source: whether the topic says how far it went, or did once.
  std::vector<bool> says(relay.sources_.size()), said(relay.sources_.size());
  for (uint32_t id = 0; id < partitions; ++id) {
    const size_t source = relay.sources_.size() > 1 ? id : 0;
    if (const auto& last = relay.topic_->last(id)) {
      TRY(relay.begin_behind(*last, id));
      says[source] = true;
    }
    said[source] = said[source] || relay.topic_->was_emptied(id);
  }
  for (size_t source = 0; source < says.size(); ++source) {
    if (says[source] || !said[source] || begin == Begin::kBeginning) continue;
    return fail(ErrorKind::kInvalid,
                fmt::format("all events of {} have passed the topic's retention, so it cannot say "
                            "how far they went; --from-beginning publishes them again, with the "
                            "ids that they had, and goes on with the others",
                            relay.sources_[source].mark.source));
  }
  for (Source& source : relay.sources_) source.rule = ReaderRule(source.mark.position);
  return relay;
}

Result<void> Relay::begin_behind(const LastEvent& last, uint32_t partition) {
  Source& source = sources_[sources_.size() > 1 ? partition : 0];
  if (last.mark.source != source.mark.source) {
    return fail(ErrorKind::kInvalid,
                fmt::format("partition {} of the topic holds events of {}, this log is {}; give "
                            "each log a topic of its own",
                            partition, last.mark.source, source.mark.source));
  }
  if (last.mark.position.next_number > source.mark.position.next_number) {
    source.mark.position = last.mark.position;
  }
  return {};
}

const ReaderPosition& Relay::position(PartitionId partition) const {
  return sources_[partition.value].rule.position();
}

Result<void> Relay::take(PartitionId partition, const RawRecord& record) {
  Source& source = sources_[partition.value];
  if (TRY(source.rule.judge(record)) != Validity::kValid) return {};
  const auto& decision = *flatbuffers::GetRoot<schema::Decision>(record.payload.data());
  TRY(publish(partition, {partition, record.prefix.number}, decision));
  note_acknowledged();
  if (topic_->taken() >= source.marked + kEventsBetweenMarks) {
    source.marked = topic_->taken();
    reached_.push_back({source.marked, partition, source.rule.position()});
  }
  return {};
}

Result<void> Relay::publish(PartitionId partition, Position position,
                            const schema::Decision& decision) {
  if (decision.events() == nullptr) return {};
  const EventMark& mark = sources_[partition.value].mark;
  const std::string_view org = decision.command_nested_root()->org()->string_view();
  const uint32_t to =
      sources_.size() > 1 ? partition.value : partition_of(org, topic_->partitions());
  const auto& last = topic_->last(to);
  for (uint32_t index = 0; index < decision.events()->size(); ++index) {
    const EventId id{position.number, index};
    if (last && id <= last->id) continue;  // it is there
    std::string value;
    append_cloud_event(mark.source, position, index, decision, value);
    TRY(topic_->publish(to, org, std::move(value), id, mark));
  }
  return {};
}

void Relay::note_acknowledged() {
  const uint64_t acknowledged = topic_->acknowledged();
  while (!reached_.empty() && reached_.front().events <= acknowledged) {
    sources_[reached_.front().partition.value].mark.position = reached_.front().position;
    reached_.pop_front();
  }
}

}  // namespace tenure
