#include "engine/partition/decision_builder.h"

#include <cstring>

#include "engine/log/record.h"

namespace tenure {

std::span<const std::byte> DecisionBuilder::build(const Organization* organization,
                                                  std::span<const uint8_t> command, Time time,
                                                  std::optional<Time> due, const Services* services,
                                                  std::optional<PersonKeyName> person_key) {
  builder_.Clear();
  events_.clear();
  const auto& envelope = *flatbuffers::GetRoot<schema::CommandEnvelope>(command.data());
  Times times{decision_time(organization, time, due), std::nullopt};
  if (organization != nullptr && organization->clock) times.recorded = time;
  const DecideContext context{.now = times.time,
                              .rulebooks = rulebooks_,
                              .catalog = catalog_,
                              .services = services,
                              .person_key = person_key};
  const Verdict verdict = decide(organization, envelope, context, events_);
  finish(organization, command, times, verdict);
  if (builder_.GetSize() > kMaxPayload) {
    finish(organization, command, times,
           reject(RejectionCode::limit_exceeded,
                  "the decision would be larger than 8 MiB; split the command",
                  "a decision has at most 8 MiB"));
  }
  return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
}

const schema::Decision& DecisionBuilder::get() const {
  return *flatbuffers::GetRoot<schema::Decision>(builder_.GetBufferPointer());
}

void DecisionBuilder::finish(const Organization* organization, std::span<const uint8_t> command,
                             const Times& times, const Verdict& verdict) {
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::EventBox>>> events;
  flatbuffers::Offset<schema::Rejection> rejection;
  uint64_t version = organization ? organization->version : 0;
  flatbuffers::Offset<flatbuffers::String> rulebook;
  if (verdict) {
    version++;
    rulebook = pinned_rulebook(organization);
    events = builder_.CreateVector(events_.boxes());
  } else {
    builder_.Clear();  // what decide may have begun
    rulebook = pinned_rulebook(organization);
    const auto message = builder_.CreateString(verdict.error().message);
    const auto rule = builder_.CreateString(verdict.error().rule);
    rejection = schema::CreateRejection(builder_, verdict.error().code, message, rule);
  }
  // A buffer in the buffer, read in place: aligned as its own.
  builder_.ForceVectorAlignment(command.size(), 1, 8);
  uint8_t* copy = nullptr;
  const flatbuffers::Offset<flatbuffers::Vector<uint8_t>> envelope =
      builder_.CreateUninitializedVector(command.size(), 1, &copy);
  std::memcpy(copy, command.data(), command.size());
  const auto outcome = verdict ? schema::Outcome::accepted : schema::Outcome::rejected;
  schema::FinishDecisionBuffer(
      builder_,
      schema::CreateDecision(builder_, envelope, to_micros(times.time), version, outcome, events,
                             rejection, rulebook,
                             times.recorded ? flatbuffers::Optional(to_micros(*times.recorded))
                                            : flatbuffers::nullopt));
}

// An organization's own; while it is being created, the one that its first event pins.
flatbuffers::Offset<flatbuffers::String> DecisionBuilder::pinned_rulebook(
    const Organization* organization) {
  if (organization != nullptr) {
    return builder_.CreateString(organization->rulebook->pinned_name);
  }
  if (builder_.GetSize() == 0 || events_.boxes().empty()) return 0;
  const auto* box = flatbuffers::GetTemporaryPointer(builder_, events_.boxes().front());
  const auto* created = box->event_as_OrganizationCreated();
  if (created == nullptr) return 0;
  const std::string name = created->rulebook()->str();  // the builder may move while it grows
  return builder_.CreateString(name);
}

}  // namespace tenure
