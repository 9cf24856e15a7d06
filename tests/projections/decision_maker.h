// Records of decisions for a memory log, made without the engine: for speed, where only the shape
// of the history matters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/check.h"
#include "engine/domain/decide.h"
#include "engine/log/memory_log.h"
#include "schemas/decision_generated.h"

namespace tenure::test {

// Appends accepted decisions to partition 0 of a log, one batch of them at a time.
class DecisionMaker {
 public:
  explicit DecisionMaker(MemoryLog& log) : log_(log) {
    auto session =
        log.open_writer(PartitionId{}, {.process = "test", .address = "", .build = "test"});
    CHECK(session);
    session_ = *session;
    batch_.first = session_.next;
  }

  struct Made {
    std::string_view org, actor;
    uint64_t version;
    int64_t time;
  };
  // `fill` adds the events.
  void add(const Made& made, const std::function<void(EventSink&)>& fill) {
    uint64_t number = batch_.first.value + batch_.count;
    envelope_.Clear();
    auto id = envelope_.CreateString(std::to_string(number));
    auto org = envelope_.CreateString(made.org.data(), made.org.size());
    auto actor = envelope_.CreateString(made.actor.data(), made.actor.size());
    auto command = schema::CreateLeaveOrganization(envelope_);
    envelope_.Finish(
        schema::CreateCommandEnvelope(envelope_, id, org, actor, schema::Command::LeaveOrganization,
                                      command.Union()),
        schema::CommandEnvelopeIdentifier());
    decision_.Clear();
    sink_.clear();
    fill(sink_);
    auto events = decision_.CreateVector(sink_.boxes());
    decision_.ForceVectorAlignment(envelope_.GetSize(), 1, 8);
    auto bytes = decision_.CreateVector(envelope_.GetBufferPointer(), envelope_.GetSize());
    decision_.Finish(schema::CreateDecision(decision_, bytes, made.time, made.version,
                                            schema::Outcome::accepted, events));
    append_record(
        batch_.bytes, {.stamp = session_.stamp, .number = {number}, .acked = batch_.first.value},
        {reinterpret_cast<const std::byte*>(decision_.GetBufferPointer()), decision_.GetSize()});
    if (++batch_.count == 1000) flush();
  }
  void flush() {
    if (batch_.count == 0) return;
    Number next{batch_.first.value + batch_.count};
    log_.append(PartitionId{}, std::move(batch_), [](const Result<void>& done) { CHECK(done); });
    CHECK(log_.pump());
    batch_ = Batch();
    batch_.first = next;
  }
  uint64_t decisions() const { return batch_.first.value + batch_.count; }

 private:
  MemoryLog& log_;
  Session session_;
  Batch batch_;
  flatbuffers::FlatBufferBuilder envelope_, decision_{1024};
  EventSink sink_{decision_};
};

}  // namespace tenure::test
