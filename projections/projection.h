// A projection: a declared table, event -> what it does to the rows of one read model.
//
// Each model (membership.cc, usage.cc, billing.cc, history.cc) names every event once, with its
// reduction or as ignored; a table that leaves one out does not compile. Reductions are total: they
// never reject, and read only the event, the decision it stands in and rows: of their own model,
// and usage and billing of each other's, as a counter is billed by what its space is on. So live,
// rebuilt and as-of rows are the same by construction.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "projections/held_space.h"
#include "projections/key_layout.h"
#include "projections/row_batch.h"
#include "schemas/decision_generated.h"
#include "schemas/rows_generated.h"

namespace tenure {

// The decision whose events are reduced, and where its rows go. Lives for one decision.
struct Reduction {
  std::string_view org, actor;
  uint64_t number;
  uint64_t version;
  int64_t time;
  RowBatch& rows;
  Keys& keys;
  flatbuffers::FlatBufferBuilder& builder;  // empty between rows
  billing::HeldSpaceMemo& held_space;

  template <class Table>
  void put(Family family, std::string_view key, flatbuffers::Offset<Table> row) {
    builder.Finish(row);
    rows.put(family, key, builder);
    builder.Clear();
  }
};

// Whom and what a decision is about: "user:bob", "space:web", ... Each once.
class Entities {
 public:
  void assign(const schema::Decision& decision);
  void add(std::string_view kind, std::string_view id, std::string_view in_space = {});
  const std::string* begin() const { return names_.data(); }
  const std::string* end() const { return names_.data() + count_; }
  size_t size() const { return count_; }

 private:
  std::vector<std::string> names_;  // the first count_; the others keep their memory
  size_t count_ = 0;
};

inline constexpr size_t kEventKinds = static_cast<size_t>(schema::Event::MAX) + 1;
// What each event does in a context of one kind, by the event's number.
template <class Context>
using ReductionTable = std::array<void (*)(Context&, const void* event), kEventKinds>;

namespace internal {
template <class Function>
struct Signature;
template <class C, class E>
struct Signature<void (*)(C&, const E&)> {
  using Context = C;
  using Event = E;
};
}  // namespace internal

// One line of a table: an event and its reduction, or that the model ignores it.
template <class Context>
struct TableLine {
  schema::Event event;
  void (*reduce)(Context&, const void* event);
};
template <auto function>
constexpr auto reduces() {
  using Signature = internal::Signature<decltype(function)>;
  using Context = typename Signature::Context;
  using Event = typename Signature::Event;
  return TableLine<Context>{schema::EventTraits<Event>::enum_value,
                            [](Context& context, const void* event) {
                              function(context, *static_cast<const Event*>(event));
                            }};
}
template <class Context, class Event>
constexpr TableLine<Context> ignores() {
  return {schema::EventTraits<Event>::enum_value, [](Context&, const void*) {}};
}

// Checked while compiling: an event without a line, or with two, is an error.
template <class Context, size_t lines>
consteval ReductionTable<Context> reduction_table(const TableLine<Context> (&declared)[lines]) {
  ReductionTable<Context> table{};
  for (const TableLine<Context>& line : declared) {
    auto& slot = table[static_cast<size_t>(line.event)];
    if (slot != nullptr) throw "an event has two lines";
    slot = line.reduce;
  }
  for (size_t event = 1; event < table.size(); ++event) {
    if (table[event] == nullptr) throw "an event has no line";
  }
  return table;
}

extern const ReductionTable<Reduction> kMembershipReductions;  // membership.cc
extern const ReductionTable<Reduction> kUsageReductions;       // usage.cc
extern const ReductionTable<Reduction> kBillingReductions;     // billing.cc
extern const ReductionTable<Entities> kHistoryEntities;        // history.cc

// Writes the organization's version into its row.
void raise_version(Reduction& reduction);  // membership.cc

// Buffers that reducers use one after the other.
struct ReducerBuffers {
  flatbuffers::FlatBufferBuilder builder;
  billing::HeldSpaceMemo held_space;
  Entities entities;
  std::vector<uint8_t> history_entry;
};

// Applies decisions of one organization, in order, to the rows of its batch. One thread.
class DecisionReducer {
 public:
  DecisionReducer(RowBatch& rows, std::string_view org, ReducerBuffers& buffers)
      : rows_(rows), org_(org), keys_(org), buffers_(buffers) {}

  // What an accepted decision does to the organization's state; nothing for a rejected one.
  void reduce_state(const schema::Decision& decision, uint64_t number);
  // That this decision, accepted or rejected, is about these entities.
  void reduce_history(const schema::Decision& decision, uint64_t number);
  // Writes what is gathered over decisions: the version. Before the rows are looked at.
  void finish();

 private:
  Reduction reduction(std::string_view actor, uint64_t version, uint64_t number, int64_t time);

  RowBatch& rows_;
  std::string org_;
  Keys keys_;
  ReducerBuffers& buffers_;
  uint64_t version_ = 0;  // the newest; 0: none since the last finish
};

}  // namespace tenure
