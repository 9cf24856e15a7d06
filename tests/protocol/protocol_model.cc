#include "tests/protocol/protocol_model.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "tests/protocol/forget_details.h"

namespace tenure::test {
namespace {

// The arrays of a state are sized for the bounds that a run can finish anyway.
void require(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "bounds too large for this program: " << what << '\n';
  std::exit(2);
}

void push_record(State& state, const Record& record) {
  require(state.log_size < kMaxLog, "records in the log");
  state.log[state.log_size++] = record;
}

Record pop_net(Session& session) {
  const Record oldest = session.net[0];
  std::shift_left(session.net.begin(), session.net.end(), 1);
  session.net[--session.net_count] = {};
  return oldest;
}

void push_ack(Session& session, uint8_t ack) {
  require(session.ack_count < session.acks.size(), "acknowledgements of one session");
  session.acks[session.ack_count++] = ack;
}

uint8_t pop_ack(Session& session) {
  const uint8_t oldest = session.acks[0];
  std::shift_left(session.acks.begin(), session.acks.end(), 1);
  session.acks[--session.ack_count] = 0;
  return oldest;
}

void add_answer(State& state, const Answer& answer) {
  require(state.answer_count < kMaxAnswers, "answers");
  const auto end = state.answers.begin() + state.answer_count++;
  const auto place = std::lower_bound(state.answers.begin(), end, answer);
  std::shift_right(place, end + 1, 1);
  *place = answer;
}

bool has_live_session(const State& state, uint8_t process) {
  for (size_t i = 0; i < state.session_count; ++i) {
    const Session& session = state.sessions[i];
    if (session.process == process && session.status != Status::kDead) return true;
  }
  return false;
}

bool is_claim_of(const State& state, uint8_t stamp, size_t session) {
  if (stamp == 0 || stamp > state.log_size) return false;
  const Record& record = state.log[stamp - 1];
  return record.is_claim && record.author == session;
}

}  // namespace

bool Reading::holds(uint8_t author, uint8_t number) const {
  return std::any_of(valid.begin(), valid.begin() + size, [&](const SeenDecision& seen) {
    return seen.author == author && seen.number == number;
  });
}

const SeenDecision* Reading::at(uint8_t offset) const {
  const auto end = valid.begin() + size;
  const auto found = std::find_if(valid.begin(), end,
                                  [&](const SeenDecision& seen) { return seen.offset == offset; });
  return found == end ? nullptr : &*found;
}

// Rule 3. Without kNaming and kRoster it is what the engine's reader does: a claim that took the
// place of a lost one cannot be told from it, and an old stamp is taken for one that is outdated.
bool ProtocolModel::loss_shows(const State& state, const Record& record, uint8_t offset,
                               const Reading& before) const {
  if (bounds_.plain) return false;
  if (rules_.has(Rule::kAcked) && record.acked > before.number) return true;
  if (record.is_claim) return false;
  const uint8_t named = state.sessions[record.author].stamp;
  if (named > before.stamp) return true;
  if (!rules_.has(Rule::kNaming)) return false;
  if (named == before.stamp) return before.claimer != record.author;
  return rules_.has(Rule::kRoster) && (named > offset || !is_claim_of(state, named, record.author));
}

// Rules 1 and 2.
Reading ProtocolModel::read(const State& state, size_t end) const {
  Reading reading;
  for (uint8_t offset = 0; offset < end; ++offset) {
    const Record& record = state.log[offset];
    if (!record.is_void && loss_shows(state, record, offset, reading)) {
      reading.stopped = true;
      break;
    }
    ++reading.read;
    if (record.is_void) continue;
    if (record.is_claim) {
      reading.stamp = offset + 1;
      reading.claimer = record.author;
      continue;
    }
    if (rules_.has(Rule::kStamp) && state.sessions[record.author].stamp != reading.stamp) continue;
    if (rules_.has(Rule::kNumber) && record.number != reading.number + 1) continue;
    reading.number = record.number;
    reading.valid[reading.size++] = {offset, reading.number, static_cast<uint8_t>(record.author),
                                     static_cast<uint8_t>(record.upon)};
  }
  return reading;
}

void ProtocolModel::claim(State& state, uint8_t process) const {
  const uint8_t index = state.session_count++;
  Session& session = state.sessions[index];
  session.status = Status::kClaiming;
  session.process = process;
  if (!rules_.has(Rule::kThrough)) session.first = state.log_size;
  Record& record = session.net[session.net_count++];
  record.is_claim = 1;
  record.author = index;
  if (!bounds_.plain) record.acked = state.processes[process].known;
  state.process_count = std::max<uint8_t>(state.process_count, process + 1);
}

// The oldest append in flight lands, perhaps long after its writer has died. Twice: its
// acknowledgement was lost, and the broker that it was sent to again had forgotten its producer.
void ProtocolModel::land(State& state, size_t index, size_t times) const {
  Session& session = state.sessions[index];
  const Record record = pop_net(session);
  for (size_t i = 0; i < times; ++i) push_record(state, record);
  if (session.status != Status::kDead) push_ack(session, state.log_size);
}

void ProtocolModel::refuse(State& state, size_t index) const {
  pop_net(state.sessions[index]);
  push_ack(state.sessions[index], 0);
}

// What is in flight stays there. What the session knew does not matter any more, so that states
// which differ only in that are one state.
void ProtocolModel::end_session(State& state, size_t index) const {
  Session& session = state.sessions[index];
  session.status = Status::kDead;
  session.acks = {};
  session.ack_count = 0;
  session.upon = 0;
  if (bounds_.plain) return;
  session.first = session.settled = session.next = session.blind_until = 0;
  for (Record& record : session.net) record.blind = 0;
}

bool ProtocolModel::remembers_more(const Process& process, const Reading& history) const {
  if (!rules_.has(Rule::kMemory) || process.known == 0) return false;
  if (!rules_.has(Rule::kIdentity)) return history.size < process.known;
  return !history.holds(process.author, process.known);
}

// The claim is in: the session reads the log up to it and is the writer, unless something shows
// that the log has lost records.
void ProtocolModel::read_through(State& state, size_t index) const {
  Session& session = state.sessions[index];
  Process& process = state.processes[session.process];
  const uint8_t stamp = pop_ack(session);
  if (!is_claim_of(state, stamp, index)) return end_session(state, index);  // cut off already

  const size_t end = rules_.has(Rule::kThrough) ? stamp : session.first;
  const Reading history = read(state, end);
  if (!bounds_.plain && (history.stopped || remembers_more(process, history))) {
    process.stopped = 1;
    return end_session(state, index);
  }
  session.status = Status::kActive;
  session.stamp = stamp;
  session.first = session.settled = session.next = 0;
  session.upon = 0;
  if (history.size > 0) {
    const SeenDecision& last = history.valid[history.size - 1];
    session.first = session.settled = session.next = last.number;
    session.upon = last.author + 1;
  }
  if (bounds_.plain) return;
  for (size_t i = 0; i < state.answer_count; ++i) {
    const Answer& answer = state.answers[i];
    const bool own = state.sessions[answer.author].process == session.process;
    if (own && !history.holds(answer.author, answer.number)) state.forgot = 1;
  }
  process.known = session.settled;
  process.author = session.upon == 0 ? 0 : session.upon - 1;
}

// Ahead of the acknowledgements.
void ProtocolModel::decide(State& state, size_t index) const {
  Session& session = state.sessions[index];
  const uint8_t acked = rules_.has(Rule::kDurable) ? session.settled : session.next;
  const bool blind = session.outstanding() > 0 && session.oldest() <= session.blind_until;
  Record& record = session.net[session.net_count++];
  record.author = static_cast<uint16_t>(index);
  record.number = ++session.next;
  record.upon = session.upon;
  record.blind = blind;
  if (!bounds_.plain) record.acked = acked;
  session.upon = static_cast<uint8_t>(index + 1);
}

// The expected offset follows from the number alone. Anything else is a doubt.
void ProtocolModel::acknowledge(State& state, size_t index) const {
  Session& session = state.sessions[index];
  const uint8_t number = session.oldest();
  const uint8_t ack = pop_ack(session);
  const uint8_t expected = session.stamp + number - session.first;  // offset + 1
  const bool trusted = ack != 0 && (ack == expected || !rules_.has(Rule::kContiguity));
  if (!trusted) {
    if (rules_.has(Rule::kLatch)) end_session(state, index);
    return;
  }
  session.settled = number;
  if (session.oldest() > session.blind_until) session.blind_until = 0;
  add_answer(state, {static_cast<uint8_t>(index), number, static_cast<uint8_t>(ack - 1), 0});
  if (bounds_.plain) return;
  Process& process = state.processes[session.process];
  process.known = number;
  process.author = static_cast<uint8_t>(index);
}

// Acknowledgements on their way stay on their way: they speak of records that are gone.
void ProtocolModel::cut(State& state, size_t kept) const {
  std::fill(state.log.begin() + kept, state.log.end(), Record{});
  state.log_size = static_cast<uint8_t>(kept);
  ++state.cuts;
  for (size_t i = 0; i < state.session_count; ++i) {
    Session& session = state.sessions[i];
    if (session.status != Status::kActive || session.outstanding() == 0) continue;
    session.blind_until = session.next;
    for (size_t j = 0; j < session.net_count; ++j) session.net[j].blind = 1;
  }
}

void ProtocolModel::claims(const State& state, std::vector<Successor>& out) const {
  if (state.session_count == bounds_.claims) return;
  // Which of the processes not heard of yet comes next makes no difference.
  const size_t count =
      bounds_.plain ? 1 : std::min<size_t>(state.process_count + 1, bounds_.processes);
  for (uint8_t process = 0; process < count; ++process) {
    if (!bounds_.plain) {
      if (state.processes[process].stopped || has_live_session(state, process)) continue;
    }
    claim(out.emplace_back(Step{StepKind::kClaim, state.session_count}, state).state, process);
  }
}

// What becomes of the oldest append in flight. Only a dead writer's appends are given up, all that
// are left of them at once: a living one hears of a refusal.
void ProtocolModel::deliveries(const State& state, size_t index,
                               std::vector<Successor>& out) const {
  const Session& session = state.sessions[index];
  if (session.net_count == 0) return;
  const auto add = [&](StepKind kind) -> State& {
    return out.emplace_back(Step{kind, static_cast<uint8_t>(index)}, state).state;
  };
  land(add(StepKind::kLand), index, 1);
  if (state.doubles < bounds_.doubles) {
    State& after = add(StepKind::kLandTwice);
    land(after, index, 2);
    ++after.doubles;
  }
  if (session.status == Status::kDead) {
    Session& after = add(StepKind::kDrop).sessions[index];
    after.net = {};
    after.net_count = 0;
  } else if (!session.net[0].is_claim && state.refusals < bounds_.refusals) {
    State& after = add(StepKind::kRefuse);
    refuse(after, index);
    ++after.refusals;
  }
}

// What a living session may do or suffer.
void ProtocolModel::strokes(const State& state, size_t index, std::vector<Successor>& out) const {
  const Session& session = state.sessions[index];
  if (session.status == Status::kDead) return;
  const auto add = [&](StepKind kind) -> State& {
    return out.emplace_back(Step{kind, static_cast<uint8_t>(index)}, state).state;
  };
  end_session(add(StepKind::kCrash), index);
  if (session.ack_count > 0) {
    if (session.status == Status::kClaiming) {
      read_through(add(StepKind::kReadThrough), index);
    } else {
      acknowledge(add(StepKind::kAcknowledge), index);
    }
  }
  if (session.status == Status::kActive && session.next < bounds_.commands &&
      session.net_count < kWindow) {
    decide(add(StepKind::kDecide), index);
  }
}

void ProtocolModel::cuts(const State& state, std::vector<Successor>& out) const {
  if (state.cuts == bounds_.cuts) return;
  for (uint8_t kept = state.log_size; kept-- > 0;) {
    if (bounds_.cuts_spare_claims && state.log[kept].is_claim) return;
    cut(out.emplace_back(Step{StepKind::kCut, kept}, state).state, kept);
  }
}

// Every reader stops, and no cut can undo it. What a writer answers now is found out by everyone,
// and whoever claims stops; unless a claim before that place waits to be read up to.
bool ProtocolModel::is_over(const State& state) const {
  if (bounds_.cuts == 0 || state.cuts < bounds_.cuts) return false;
  const Reading history = read(state, state.log_size);
  if (!history.stopped) return false;
  return std::none_of(state.sessions.begin(), state.sessions.end(), [&](const Session& session) {
    return session.status == Status::kClaiming && session.ack_count > 0 &&
           session.acks[0] <= history.read;
  });
}

void ProtocolModel::successors(const State& state, std::vector<Successor>& out) const {
  if (is_over(state)) return;
  claims(state, out);
  for (size_t i = 0; i < state.session_count; ++i) {
    deliveries(state, i, out);
    strokes(state, i, out);
  }
  cuts(state, out);
  if (bounds_.plain) return;
  for (Successor& successor : out) {
    forget_details(successor.state, read(successor.state, successor.state.log_size));
  }
}

std::string describe(const Step& step) {
  const std::string session = "session " + std::to_string(step.session);
  switch (step.kind) {
    case StepKind::kClaim:
      return session + " sends its claim";
    case StepKind::kLand:
      return "an append of " + session + " lands";
    case StepKind::kLandTwice:
      return "an append of " + session + " lands twice";
    case StepKind::kDrop:
      return "what " + session + " has in flight is dropped";
    case StepKind::kRefuse:
      return "an append of " + session + " is refused";
    case StepKind::kCrash:
      return session + " crashes";
    case StepKind::kReadThrough:
      return session + " reads up to its claim";
    case StepKind::kAcknowledge:
      return session + " sees an acknowledgement";
    case StepKind::kDecide:
      return session + " decides";
    case StepKind::kCut:
      return "the log is cut, " + std::to_string(step.session) + " records stay";
  }
  std::unreachable();
}

}  // namespace tenure::test
