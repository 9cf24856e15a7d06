// The claim protocol as a machine of small steps: what may happen next in a state, and how a reader
// sees its log. Explored by explorer.h, judged by protocol_checks.h. Immutable; any thread.
#pragma once

#include <string>
#include <vector>

#include "tests/protocol/protocol_state.h"

namespace tenure::test {

struct SeenDecision {
  uint8_t offset, number, author, upon;
};

// The log through the reader's rule.
struct Reading {
  std::array<SeenDecision, kMaxLog> valid;
  size_t size = 0;
  uint8_t number = 0;         // of the last valid decision
  uint8_t stamp = 0;          // of the last claim
  uint8_t claimer = kNobody;  // whose claim that is
  bool stopped = false;       // rule 3: something was lost
  uint8_t read = 0;           // records that were judged, the one that stopped it not among them

  bool holds(uint8_t author, uint8_t number) const;
  const SeenDecision* at(uint8_t offset) const;
};

struct Successor {
  Step step;
  State state;
};

class ProtocolModel {
 public:
  ProtocolModel(const Bounds& bounds, const Rules& rules) : bounds_(bounds), rules_(rules) {}

  const Bounds& bounds() const { return bounds_; }

  // Everything that may happen next, appended to `out`.
  void successors(const State& state, std::vector<Successor>& out) const;

  // The first `end` records.
  Reading read(const State& state, size_t end) const;

  // The steps of one writer, for whoever wants to run it alone.
  void claim(State& state, uint8_t process) const;
  void land(State& state, size_t session, size_t times) const;
  void read_through(State& state, size_t session) const;
  void decide(State& state, size_t session) const;
  void acknowledge(State& state, size_t session) const;
  void end_session(State& state, size_t session) const;

 private:
  void claims(const State& state, std::vector<Successor>& out) const;
  void deliveries(const State& state, size_t session, std::vector<Successor>& out) const;
  void strokes(const State& state, size_t session, std::vector<Successor>& out) const;
  void cuts(const State& state, std::vector<Successor>& out) const;

  bool is_over(const State& state) const;
  void refuse(State& state, size_t session) const;
  void cut(State& state, size_t kept) const;
  bool loss_shows(const State& state, const Record& record, uint8_t offset,
                  const Reading& before) const;
  bool remembers_more(const Process& process, const Reading& history) const;

  const Bounds bounds_;
  const Rules rules_;
};

// For people: "session 1 decides".
std::string describe(const Step& step);

}  // namespace tenure::test
