// What an organization must do by itself, and when, as its events open and close it: known without
// the state.
#pragma once

#include <map>
#include <string>

#include "engine/base/time.h"
#include "schemas/decision_generated.h"

namespace tenure::test {

class DueModel {
 public:
  // By name, when each is due.
  const std::map<std::string, Time>& open() const { return open_; }
  // The name of what a command of the engine's own does.
  static std::string name_of(const schema::CommandEnvelope& command);
  void follow(const schema::EventBox& event);

 private:
  void follow_invitation(const schema::EventBox& event);
  void follow_plan(const schema::EventBox& event);
  void follow_invoice(const schema::EventBox& event);
  void follow_credits(const schema::EventBox& event);
  void settle(const flatbuffers::String* space, int64_t issue_at);
  void take(const flatbuffers::String* space, const flatbuffers::String* grant, int64_t amount);

  std::map<std::string, Time> open_;
  std::map<std::string, int64_t> credits_;  // what is left, by the name
};

}  // namespace tenure::test
