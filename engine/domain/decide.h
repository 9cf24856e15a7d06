// decide: a command against an organization's state gives events, or the one rejection that names
// why not.
//
// Pure: no clock, no random, no I/O, no global; the same arguments give the same bytes. Runs on the
// partition's thread and changes nothing. Guards stand in the order of RULES ("Guard order"): the
// first to fail answers. A due command (actor `system`) is never rejected: if it is moot, it is
// accepted with no events.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/time.h"
#include "engine/domain/catalog.h"
#include "engine/domain/names.h"
#include "engine/domain/rejections.h"
#include "engine/domain/state.h"
#include "schemas/decision_generated.h"

namespace tenure {

struct DecideContext {
  Time now;                            // the time this decision will carry
  const Rulebooks& rulebooks;          // for CreateOrganization
  const Catalog& catalog;              // for plans not yet sold
  const Services* services = nullptr;  // what services may do; null: none was granted anything
  // Of the person whom an EraseSubject names; nothing: they have no key.
  std::optional<PersonKeyName> person_key = {};
};

// Where decide puts its events: tables built straight into the decision's buffer. Borrowed for one
// call.
class EventSink {
 public:
  explicit EventSink(flatbuffers::FlatBufferBuilder& builder) : builder_(builder) {}
  flatbuffers::FlatBufferBuilder& builder() { return builder_; }

  template <class Table>
  void add(flatbuffers::Offset<Table> event) {
    boxes_.push_back(
        schema::CreateEventBox(builder_, schema::EventTraits<Table>::enum_value, event.Union()));
  }
  const std::vector<flatbuffers::Offset<schema::EventBox>>& boxes() const { return boxes_; }
  void clear() { boxes_.clear(); }

 private:
  flatbuffers::FlatBufferBuilder& builder_;
  std::vector<flatbuffers::Offset<schema::EventBox>> boxes_;
};

// About services and their keys: of the organization `_tenure`, and of no other.
bool is_about_services(schema::Command type);

// The time that a decision of the organization (null: none) carries at `now`: in a sandbox its own
// clock's, moved by work that was `due`.
Time decision_time(const Organization* organization, Time now, std::optional<Time> due = {});

// `organization` is null where none exists. Postcondition: a rejection leaves no event in `events`.
Verdict decide(const Organization* organization, const schema::CommandEnvelope& command,
               const DecideContext& context, EventSink& events);

// The command that carries out `item`: actor `system`, id `system:<kind>:<scope>:<id>`, where the
// scope is the space or the time, whatever makes it unique for ever. Returned as a finished buffer.
std::vector<uint8_t> due_command(const OrgId& org, const DueItem& item);

}  // namespace tenure
