// A projection: a declared table, event -> what it does to the rows of one read model.
//
// Each model (membership.cc, usage.cc, billing.cc, history.cc) names every event once, with its
// reduction or as ignored; a table that leaves one out does not compile. Reductions are total: they
// never reject, and read only the event, the decision it stands in and rows of their own model. So
// live, rebuilt and as-of rows are the same by construction.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "projections/key_layout.h"
#include "projections/row_batch.h"
#include "schemas/decision_generated.h"
#include "schemas/rows_generated.h"

namespace tenure {

// The decision whose events are reduced, and where its rows go. Lives for one decision.
struct Reduction {
  std::string_view org;
  uint64_t number;
  int64_t time;
  RowBatch& rows;
  Keys& keys;
  flatbuffers::FlatBufferBuilder& builder;  // cleared before each row

  template <class Table>
  void put(Family family, std::string_view key, flatbuffers::Offset<Table> row) {
    builder.Finish(row);
    rows.put(family, key, builder);
    builder.Clear();
  }
};

using Reduce = void (*)(Reduction&, const void* event);
inline constexpr size_t kEventKinds = static_cast<size_t>(schema::Event::MAX) + 1;
using ReductionTable = std::array<Reduce, kEventKinds>;

namespace internal {
template <class Function>
struct ReducedEvent;
template <class Event>
struct ReducedEvent<void (*)(Reduction&, const Event&)> {
  using type = Event;
};
inline void ignore_event(Reduction&, const void*) {}
}  // namespace internal

// One line of a table.
struct TableLine {
  schema::Event event;
  Reduce reduce;
};

template <auto function>
constexpr TableLine reduces() {
  using Event = typename internal::ReducedEvent<decltype(function)>::type;
  return {schema::EventTraits<Event>::enum_value, [](Reduction& reduction, const void* event) {
            function(reduction, *static_cast<const Event*>(event));
          }};
}
template <class Event>
constexpr TableLine ignores() {
  return {schema::EventTraits<Event>::enum_value, &internal::ignore_event};
}

// Checked while compiling: an event without a line, or with two, is an error.
template <size_t lines>
consteval ReductionTable reduction_table(const TableLine (&declared)[lines]) {
  ReductionTable table{};
  for (const TableLine& line : declared) {
    Reduce& slot = table[static_cast<size_t>(line.event)];
    if (slot != nullptr) throw "an event has two lines";
    slot = line.reduce;
  }
  for (size_t event = 1; event < table.size(); ++event) {
    if (table[event] == nullptr) throw "an event has no line";
  }
  return table;
}

extern const ReductionTable kMembershipReductions;  // membership.cc
extern const ReductionTable kUsageReductions;       // usage.cc
extern const ReductionTable kBillingReductions;     // billing.cc

// Applies decisions to the rows of a batch. One thread; keeps its buffers from decision to
// decision.
class DecisionReducer {
 public:
  explicit DecisionReducer(RowBatch& rows) : rows_(rows) {}

  // The state families: what the events of an accepted decision do, and the organization's version.
  void reduce_state(const schema::Decision& decision, uint64_t number);
  // The history family: which entities the decision is about, accepted or rejected.
  void reduce_history(const schema::Decision& decision, uint64_t number);

 private:
  RowBatch& rows_;
  Keys keys_{""};
  flatbuffers::FlatBufferBuilder builder_{1024};
};

}  // namespace tenure
