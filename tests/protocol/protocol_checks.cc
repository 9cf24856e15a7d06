#include "tests/protocol/protocol_checks.h"

namespace tenure::test {
namespace {

std::string offset_text(uint8_t offset) {
  return "the decision at offset " + std::to_string(offset);
}

// In a log that was cut: may this answer stand for a decision that is not valid?
bool excused(const State& state, const Answer& answer) {
  if (answer.offset >= state.log_size) return true;  // lost
  const Record& record = state.log[answer.offset];
  const bool still_there =
      !record.is_claim && record.author == answer.author && record.number == answer.number;
  return !still_there || record.blind;
}

std::optional<std::string> obstacle_of(const ProtocolModel& model, State state, uint8_t process) {
  const bool plain = model.bounds().plain;
  if (!plain) {
    if (state.processes[process].stopped) return std::nullopt;
    for (size_t i = 0; i < state.session_count; ++i) {
      if (state.sessions[i].process == process) model.end_session(state, i);
    }
  }
  const size_t writer = state.session_count;
  const Session& session = state.sessions[writer];
  model.claim(state, process);
  model.land(state, writer, 1);
  model.read_through(state, writer);
  if (session.status != Status::kActive) {
    if (state.cuts > 0) return std::nullopt;
    return "an undisturbed writer stops, though nothing was lost";
  }
  while (session.next < model.bounds().commands) {
    model.decide(state, writer);
    model.land(state, writer, 1);
    model.acknowledge(state, writer);
    if (session.status != Status::kActive) return "an undisturbed writer has doubts";
  }
  const Reading history = model.read(state, state.log_size);
  if (history.stopped || history.size != model.bounds().commands) {
    return "an undisturbed writer ends with " + std::to_string(history.size) + " decisions";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_fault(const ProtocolModel& model, const State& state,
                                      const Reading& history) {
  uint8_t upon = 0;
  for (size_t i = 0; i < history.size; ++i) {
    const SeenDecision& seen = history.valid[i];
    if (seen.number != i + 1) {
      return offset_text(seen.offset) + " has number " + std::to_string(seen.number) + ", place " +
             std::to_string(i + 1);
    }
    if (seen.upon != upon) return offset_text(seen.offset) + " was made upon another history";
    upon = seen.author + 1;
  }
  if (state.forgot) return "a process writes a history without a decision that it has answered";
  if (history.stopped && state.cuts > 0) return std::nullopt;
  for (size_t i = 0; i < state.answer_count; ++i) {
    const Answer& answer = state.answers[i];
    const SeenDecision* seen = history.at(answer.offset);
    if (seen && seen->author == answer.author && seen->number == answer.number) continue;
    if (state.cuts > 0 && excused(state, answer)) continue;
    return offset_text(answer.offset) + " was answered, and is void";
  }
  if (history.size > model.bounds().commands) return "more decisions than commands";
  return std::nullopt;
}

std::optional<std::string> find_obstacle(const ProtocolModel& model, const State& state) {
  const size_t processes = model.bounds().plain ? 1 : model.bounds().processes;
  for (uint8_t process = 0; process < processes; ++process) {
    if (auto obstacle = obstacle_of(model, state, process)) return obstacle;
  }
  return std::nullopt;
}

}  // namespace tenure::test
