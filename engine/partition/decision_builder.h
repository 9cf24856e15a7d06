// Decides one command and writes the decision, as it goes into the log: the only place where a
// schema::Decision is made.
//
// Its buffer is used again and again; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/domain/decide.h"

namespace tenure {

class DecisionBuilder {
 public:
  DecisionBuilder(const Rulebooks& rulebooks, const Catalog& catalog)
      : rulebooks_(rulebooks), catalog_(catalog), events_(builder_) {}

  // Decides `command` (a verified envelope, taken over byte for byte) for `organization`, null if
  // there is none, at `time`; `due`: work that was due then, which moves a sandbox's clock. At most
  // kMaxPayload bytes: a decision that would be larger is rejected `limit_exceeded`. `services` may
  // be null; `person_key`: DecideContext. Valid until the next call.
  std::span<const std::byte> build(const Organization* organization,
                                   std::span<const uint8_t> command, Time time,
                                   std::optional<Time> due = {}, const Services* services = nullptr,
                                   std::optional<PersonKeyName> person_key = {});

  // The decision that build() returned last, to be read in place.
  const schema::Decision& get() const;

 private:
  struct Times {
    Time time;                     // that the decision carries
    std::optional<Time> recorded;  // the partition's, if that is another
  };
  void finish(const Organization* organization, std::span<const uint8_t> command,
              const Times& times, const Verdict& verdict);
  flatbuffers::Offset<flatbuffers::String> pinned_rulebook(const Organization* organization);

  const Rulebooks& rulebooks_;
  const Catalog& catalog_;
  flatbuffers::FlatBufferBuilder builder_;
  EventSink events_;
};

}  // namespace tenure
