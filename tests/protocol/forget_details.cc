#include "tests/protocol/forget_details.h"

#include <algorithm>

namespace tenure::test {
namespace {

// Through what others may still look at a session; filled in the order of the functions below.
struct Traces {
  std::array<bool, kMaxSessions> decisions{};  // in the log or in flight
  std::array<bool, kMaxSessions> answers{};
};

bool may_be_answered(const State& state, const Record& record, uint8_t offset) {
  const Session& author = state.sessions[record.author];
  const auto acks = author.acks.begin();
  if (std::find(acks, acks + author.ack_count, offset + 1) != acks + author.ack_count) return true;
  return std::any_of(state.answers.begin(), state.answers.begin() + state.answer_count,
                     [&](const Answer& answer) { return answer.offset == offset; });
}

void forget_decisions(State& state, const Reading& history, Traces& traces) {
  for (uint8_t offset = 0; offset < state.log_size; ++offset) {
    Record& record = state.log[offset];
    if (offset == history.read) {  // it stops every reader
      if (!record.is_claim) traces.decisions[record.author] = true;
      continue;
    }
    record.acked = 0;
    if (record.is_claim || record.is_void) continue;
    const bool valid = offset < history.read && history.at(offset) != nullptr;
    if (valid) record.blind = 0;
    if (valid || may_be_answered(state, record, offset)) {
      traces.decisions[record.author] = true;
    } else {
      record = Record{};
      record.is_void = 1;
    }
  }
}

void forget_sessions(State& state, Traces& traces) {
  for (size_t i = 0; i < state.answer_count; ++i) traces.answers[state.answers[i].author] = true;
  for (size_t i = 0; i < state.session_count; ++i) {
    Session& session = state.sessions[i];
    if (session.status != Status::kDead) continue;
    if (session.net_count > 0 && !session.net[0].is_claim) traces.decisions[i] = true;
    if (!traces.decisions[i]) session.stamp = 0;
    if (!traces.answers[i]) session.process = 0;
  }
}

void forget_claims(State& state) {
  for (uint8_t offset = 0; offset < state.log_size; ++offset) {
    Record& record = state.log[offset];
    if (!record.is_claim || record.author == kNobody) continue;
    const Session& author = state.sessions[record.author];
    const bool awaited = author.status == Status::kClaiming && author.acks[0] == offset + 1;
    if (!awaited && author.stamp != offset + 1) record.author = kNobody;
  }
}

}  // namespace

void forget_details(State& state, const Reading& history) {
  Traces traces;
  forget_decisions(state, history, traces);
  forget_sessions(state, traces);
  forget_claims(state);
}

}  // namespace tenure::test
