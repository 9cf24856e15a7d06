// What must be true of a partition whatever happens to it, checked from outside: from the commands
// that were sent, the answers that came, and the log as it is read from the beginning.
//
//   - what was acknowledged is in the log, with the same bytes, for ever; what is in the log was
//     sent, or is due work;
//   - one decision for one (organization, actor, id) inside the window, and every answer to it the
//     same; another payload under a used id gets no decision;
//   - times rise, versions count the accepted decisions, each organization has an owner;
//   - new commands of one organization are decided in the order in which they came, those with an
//     expected version at that version only;
//   - due work is done once, not early, before anything later of its organization, and at the end
//     none is left;
//   - every decision is what deciding again from the log gives: no answer came from a state that
//     the log does not tell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/log/log_reader.h"
#include "engine/partition/answer.h"
#include "engine/partition/decision_builder.h"
#include "engine/partition/used_ids.h"
#include "tests/simulation/due_model.h"

namespace tenure::test {

using Buffer = std::vector<uint8_t>;

struct ModelCounts {
  size_t decided = 0, rejected = 0, duplicates = 0, mismatches = 0, unavailable = 0, due = 0;
};

class Model {
 public:
  explicit Model(Duration window);

  // The first thing that was not as it must be.
  const std::optional<std::string>& failure() const { return failure_; }
  void fail(const std::string& what);

  // A command is sent; the number is its handle.
  size_t sent(Buffer command);
  const Buffer& command(size_t handle) const { return sent_[handle].command; }
  size_t size() const { return sent_.size(); }

  void answered(size_t handle, const Answer& answer);

  // A crash: what was not answered until now never will be (returned, in order). All else must be.
  std::vector<size_t> crashed();
  void check_all_answered();
  void check_nothing_due(Time now);  // after check_log

  // Reads the log from the beginning and checks all of it against what is known.
  void check_log(DecisionLog& log);

  // The organizations as the log tells them, after check_log.
  const std::map<std::string, Organization, std::less<>>& organizations() const {
    return organizations_;
  }
  ModelCounts counts;

 private:
  struct Sent {
    Buffer command;
    std::string key, org, canonical;
    size_t answers = 0;
  };
  struct Use {
    uint64_t number;
    Time time;
  };

  void check_answer_shows(const Sent& sent, const Answer& answer);
  void check_order(size_t handle);
  void check_decision(const ValidDecision& decision);
  void check_id(const schema::Decision& decision, uint64_t number);
  void check_due(const schema::Decision& decision, bool is_due_work);
  void apply(const schema::Decision& decision, Number number);

  Duration window_;
  std::optional<std::string> failure_;
  std::vector<Sent> sent_;
  size_t first_alive_ = 0;
  std::map<std::string, std::vector<std::string>> payloads_;  // sent under a key, canonical
  std::map<uint64_t, std::string> told_;                      // decisions shown in answers
  std::map<std::string, size_t> newest_;  // handle decided last, by organization
  std::vector<std::string> log_;          // as it was last read

  // As of the decision of the log that is being checked.
  std::map<std::string, Organization, std::less<>> organizations_;
  std::map<std::string, Use> uses_;      // the last one of each key
  std::map<std::string, DueModel> due_;  // by organization
  Time last_time_{};
  DecisionBuilder builder_;
};

// The command as JSON: one text for all buffers that say the same.
std::string canonical(const schema::CommandEnvelope& command);

}  // namespace tenure::test
