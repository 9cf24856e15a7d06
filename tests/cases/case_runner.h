// Acceptance cases as data: given / when / then in JSON, run against any executor (the domain
// alone, or a served engine over HTTP).
//
// A case file is an array of cases:
//   {"case": "7", "title": "...", "given": [step...], "then": [step...]}
// Steps, in order; those of `given` must succeed, those of `then` say what they expect:
//   {"send": COMMAND, "id": NAME?, "repeat": N?}                 accepted
//   {"send": COMMAND, "events": [{"event_type", "event"}...]}    accepted with exactly these events
//   {"send": COMMAND, "rejected": CODE, "message": [part...]?, "same_elsewhere": true?}
//       with "signed_in": ISSUER, by a person whom that issuer vouched for
//   {"together": [COMMAND...], "accepted": N, "rejected": CODE}  sent at the same moment, each from
//       a connection of its own: N are accepted, whichever, and all others rejected with CODE
//   {"again": true, "repeat": N?}   * sends the last command with the same id: the same decision
//   {"check": {"user", "action", "space"?}, "allowed": BOOL}
//   {"assignable_roles": {"actor", "target"?}, "roles": [...]}
//   {"get": PATH, "as": USER?, "answer": JSON}   * PATH is below the organization's, or begins
//   {"get": PATH, "as": USER?, "status": N}      * with /v1/; "signed_in" as of a send; "with":
//       [TEXT...] that stand somewhere in the answer, "without": nowhere
//   {"time": "2026-01-31T10:00:00Z"}   sets the wall clock; what is due by then is done
//   {"advance": "30d"}   the same, by days (d), hours (h), minutes (m) or seconds (s), also back
//   {"due": [{"command_type", "events"}...]}   exactly these were decided by themselves since the
//   last
//       such step
//   {"restart": true}    * the process stops and starts; over Kafka it is killed and
//       another takes over
// Steps with * are for served engines; the domain alone skips them. It has no ids of commands
// either, and skips every send of an id that was sent before.
//
// COMMAND is the envelope without `id` and `org`: each case has an organization of its own, unless
// it names one, such as `_tenure`, which all cases share. An
// expected event or answer may leave fields out; those it names must be equal, and lists must have
// the same length. In texts, ${n} is the turn of a repetition, from 1, ${org} the organization,
// ${checkout} the last checkout that an event named; ${NAME.position}, ${NAME.version} and
// ${NAME.time} are of the decision on the command that was sent with that id. `same_elsewhere`: an
// organization that does not exist answers the same.
//
// Whatever a case says, the decisions of its organization must be in the order of their time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

// What a served engine has, and the domain alone has not.
class CaseServer {
 public:
  virtual ~CaseServer() = default;
  struct Answer {
    int status;
    std::string body;
  };
  // `target` is a path with its query. Sees all that was decided for the organization.
  virtual Result<Answer> get(std::string_view org, std::string_view target) = 0;
  // The same by a user whom `issuer` vouched for.
  virtual Result<Answer> get_signed_in(std::string_view org, std::string_view target,
                                       std::string_view user, std::string_view issuer) = 0;
  virtual Result<void> restart() = 0;
};

class CaseExecutor {
 public:
  virtual ~CaseExecutor() = default;
  // The decisions on commands that are sent at the same moment, all as JSON (DESIGN, Surface).
  virtual Result<std::vector<std::string>> submit(const std::vector<std::string>& commands) = 0;
  // The decision on one of a person, its actor, whom `issuer` vouched for.
  virtual Result<std::string> submit_signed_in(const std::string& command,
                                               std::string_view issuer) = 0;
  virtual Result<bool> is_allowed(std::string_view org, std::string_view user,
                                  std::string_view action, std::string_view space) = 0;
  virtual Result<std::vector<std::string>> assignable_roles(std::string_view org,
                                                            std::string_view actor,
                                                            std::string_view target) = 0;
  // The decisions of an organization that nobody asked for, oldest first.
  virtual Result<std::vector<std::string>> due_decisions(std::string_view org) = 0;
  virtual Time now() = 0;
  // Sets the wall clock, also back. All that is due by then is done when it returns.
  virtual Result<void> set_clock(Time to) = 0;
  virtual CaseServer* server() { return nullptr; }  // null: the domain alone
};

struct Case {
  std::string name;  // "7: ..."
  std::string org;   // of its own
  std::string json;
  bool moves_clock;  // a server that others use too must not run it
};

// All cases of the *.json files in `folder`, in the order of file names. kInvalid: names the file.
Result<std::vector<Case>> load_cases(const std::filesystem::path& folder);

// How many steps were skipped, since they need a server. kInvalid: which step did not come out as
// the case says, and what came out instead.
Result<size_t> run_case(const Case& test_case, CaseExecutor& executor);

// For a parameterized test: "case_7" as its name, `name` as its value.
std::string test_name(const Case& test_case);
void PrintTo(const Case& test_case, std::ostream* out);

}  // namespace tenure
