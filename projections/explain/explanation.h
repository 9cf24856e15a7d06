// What the explanations share: who stands how, told with evidence, and how that is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projections/explain/explain.h"
#include "projections/explain/who_may.h"
#include "projections/queries/answer_writer.h"
#include "projections/queries/permission.h"

namespace tenure {

// A sentence, and the decision that made it so; nothing for what the rules alone say.
struct Evidence {
  std::string rule;
  std::optional<uint64_t> number;
};
struct Explanation {
  bool allowed = false;
  // What gives the action; of a denial the rule that refuses, then all that is held.
  std::vector<Evidence> because = {};
  std::vector<Evidence> notes = {};  // what refuses some commands all the same
  std::vector<Way> would_allow = {};
};

struct Asked {
  std::string user, action, space;  // no space: in the organization itself
  bool hide_unseen = false;         // a space that the user does not see is as none
  bool of_deleted = false;          // about bringing back what is deleted
};
Result<Explanation> explain_standing(OrganizationRows& organization, const Asked& asked);

// How much of an organization a viewer is told.
struct Sight {
  bool belongs = false;  // else they are told what they are told of one that is not there
  bool people = false;   // who gave what
  bool audit = false;    // and why, and what was refused
  std::string own = {};  // they are `user:x`: what they sent themselves is theirs to read
};
Result<Sight> sight_of(const QueryContext& context, std::string_view org);

// Each with the decision behind it as far as the viewer is told of it, as the array `name`.
Result<void> write_evidence(AnswerWriter& out, std::string_view name,
                            const std::vector<Evidence>& list, const QueryContext& context,
                            const ExplainSources& sources, const Sight& sight);
void write_ways(AnswerWriter& out, const std::vector<Way>& ways);

}  // namespace tenure
