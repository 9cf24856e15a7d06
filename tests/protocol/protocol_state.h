// What the check of the claim protocol knows about a moment: the log, the sessions with what each
// has in flight, the processes' memories, the answers given. Plain bytes without padding, so that
// a state is hashed and compared as it lies in memory. See README.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tenure::test {

constexpr size_t kMaxCommands = 6;
constexpr size_t kMaxClaims = 5;
constexpr size_t kMaxSessions = kMaxClaims + 1;  // one more, for the writer that nobody disturbs
constexpr size_t kMaxLog = 24;
constexpr size_t kMaxAnswers = 15;
constexpr size_t kMaxProcesses = 3;
constexpr size_t kWindow = 2;  // appends of one session that have not landed

// How far the exploration goes.
struct Bounds {
  size_t commands = 2;
  size_t claims = 3;
  size_t doubles = 1;   // appends that land twice
  size_t refusals = 1;  // appends refused while later ones of their session land
  size_t cuts = 0;      // how often the broker loses a suffix of the log
  size_t processes = 2;
  bool cuts_spare_claims = false;  // a cut goes no further back than the last claim
  // Sessions without processes, memories and `acked`, and dead sessions keep what they knew: more
  // states of a smaller model, to be counted against the first check that was written of it.
  bool plain = false;
};

// What may be left out, to see that it is needed.
enum class Rule : uint8_t {
  kStamp,       // a decision is valid only under the claim that it names
  kNumber,      // a decision is valid only if its number is the next one
  kContiguity,  // an acknowledgement counts only with the offset that follows from the number
  kThrough,     // a claimant reads up to its own claim, not to the end that it saw before it
  kLatch,       // the first doubt ends the session
  kAcked,       // a reader stops at a record whose writer knew more decisions than are there
  kDurable,     // `acked` counts only what was acknowledged, not what was sent
  kMemory,      // a claimant stops if the log lacks what its process has known durable
  kIdentity,    // ... by looking at that very record, not only by counting
  kNaming,      // a stamp tells two claims at one offset apart; a reader stops at a wrong one
  kRoster,      // a reader stops at a stamp whose claim is not in the log, however old it is
};

class Rules {
 public:
  void leave_out(Rule rule) { left_out_ |= bit(rule); }
  bool has(Rule rule) const { return (left_out_ & bit(rule)) == 0; }

 private:
  static uint32_t bit(Rule rule) { return 1u << static_cast<uint32_t>(rule); }
  uint32_t left_out_ = 0;
};

constexpr uint8_t kNobody = 7;  // author of a claim that does not matter any more

// A record has its session's stamp, which is looked up there. The command that a decision answers
// is its number: commands are decided in order, from the first on.
struct Record {
  uint16_t is_claim : 1;
  uint16_t author : 3;  // session
  uint16_t number : 3;  // decisions only: 1 is the first
  uint16_t upon : 3;    // whose decision the writer saw before this one: session + 1; 0: none
  uint16_t acked : 3;
  uint16_t blind : 1;    // see Session::blind_until
  uint16_t is_void : 1;  // and nothing else about it matters any more; see forget_details.h
  uint16_t unused : 1;
};

enum class Status : uint8_t { kDead, kClaiming, kActive };

struct Session {
  Status status;
  uint8_t process;
  uint8_t stamp;    // offset of its claim + 1; 0: not known yet
  uint8_t first;    // decisions before its first one (without kThrough at first: the end it saw)
  uint8_t settled;  // the highest number whose acknowledgement was checked
  uint8_t next;     // the highest number decided
  uint8_t upon;     // as Record::upon, for the next decision
  // Decisions up to this one were sent before the log was cut, and not all their acknowledgements
  // were seen since. What the session sends meanwhile is blind: it cannot know of the cut.
  uint8_t blind_until;
  uint8_t ack_count;
  uint8_t net_count;
  std::array<uint8_t, kMaxCommands> acks;  // oldest first; offset + 1; 0: refused
  std::array<Record, kWindow> net;         // oldest first

  size_t outstanding() const { return size_t{ack_count} + net_count; }
  // The number that the oldest outstanding append carries.
  uint8_t oldest() const { return static_cast<uint8_t>(next - outstanding() + 1); }
};

// What a process has known durable, kept in its store: it outlives its sessions.
struct Process {
  uint8_t known;   // number of the last such decision
  uint8_t author;  // whose it was
  uint8_t stopped;
  uint8_t unused;
};

struct Answer {
  uint8_t author, number, offset, unused;
  auto operator<=>(const Answer&) const = default;
};

struct State {
  std::array<Record, kMaxLog> log;
  std::array<Session, kMaxSessions> sessions;
  std::array<Process, kMaxProcesses> processes;
  std::array<Answer, kMaxAnswers> answers;  // sorted
  uint8_t log_size, session_count, process_count, answer_count;
  uint8_t doubles, refusals, cuts;
  uint8_t forgot;  // a process became writer of a history that lacks a decision it had answered
};
static_assert(std::has_unique_object_representations_v<State>);
static_assert(sizeof(State) % sizeof(uint64_t) == 0);

enum class StepKind : uint8_t {
  kClaim,
  kLand,
  kLandTwice,
  kDrop,
  kRefuse,
  kCrash,
  kReadThrough,
  kAcknowledge,
  kDecide,
  kCut,
};

struct Step {
  StepKind kind;
  uint8_t session;  // kCut: how many records stay
};

}  // namespace tenure::test
