// Acceptance cases as data: given / when / then in JSON, run against any executor (the domain
// alone, or a served engine over HTTP).
//
// A case file is an array of cases:
//   {"case": "7", "title": "...", "given": [step...], "then": [step...]}
// Steps, in order; those of `given` must succeed, those of `then` say what they expect:
//   {"send": COMMAND, "repeat": N?}                              accepted
//   {"send": COMMAND, "events": [{"event_type", "event"}...]}    accepted with exactly these events
//   {"send": COMMAND, "rejected": CODE, "message": [part...]?, "same_elsewhere": true?}
//   {"check": {"user", "action", "space"?}, "allowed": BOOL}
//   {"assignable_roles": {"actor", "target"?}, "roles": [...]}
// COMMAND is the envelope without `id` and `org`: each case has an organization of its own. An
// expected event may leave fields out; those it names must be equal. In texts, ${n} is the turn of
// a repetition, from 1, and ${checkout} the last checkout that an event named. `same_elsewhere`: an
// organization that does not exist answers the same.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

class CaseExecutor {
 public:
  virtual ~CaseExecutor() = default;
  // The decision on a command, both as JSON (DESIGN, Surface).
  virtual Result<std::string> submit(std::string_view command_json) = 0;
  virtual bool is_allowed(std::string_view org, std::string_view user, std::string_view action,
                          std::string_view space) = 0;
  virtual std::vector<std::string> assignable_roles(std::string_view org, std::string_view actor,
                                                    std::string_view target) = 0;
};

struct Case {
  std::string name;  // "7: ..."
  std::string org;   // of its own
  std::string json;
};

// All cases of the *.json files in `folder`, in the order of file names. kInvalid: names the file.
Result<std::vector<Case>> load_cases(const std::filesystem::path& folder);

// kInvalid: which step did not come out as the case says, and what came out instead.
Result<void> run_case(const Case& test_case, CaseExecutor& executor);

}  // namespace tenure
