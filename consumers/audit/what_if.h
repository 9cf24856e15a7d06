// A history as it would have been decided under other role rules: which decisions would differ.
//
// Every command of the history is put to the domain's own decide() a second time, in the state that
// the recorded decisions made, but with a candidate rulebook in the place of the organization's.
// The state follows what was recorded, not what the candidate would have led to: so each difference
// is due to the rules alone, and not to an earlier one. What the candidate lacks of the recorded
// rulebook is there without any right: a role whose holders may do nothing, a type that nobody may
// touch.
//
// It is put to all organizations whose rulebook has the candidate's name (that before the @), or to
// one organization whatever it has. Due work, the founding of an organization and the organization
// `_tenure` do not depend on it. A command that this build decides otherwise under its own
// rulebook, too, counts for itself (`not_reproduced`) and is no difference. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/partition/decision_builder.h"

namespace tenure {

struct WhatIfOptions {
  std::shared_ptr<const Rulebook> candidate;
  std::string org;  // this one alone; empty: all that have a rulebook of the candidate's name
};

struct WhatIfCounts {
  uint64_t decisions = 0;  // in the history
  uint64_t asked = 0;      // of those, put to the candidate
  uint64_t different = 0;
  uint64_t not_reproduced = 0;  // this build decides them otherwise by themselves

  WhatIfCounts& operator+=(const WhatIfCounts& more) {
    decisions += more.decisions;
    asked += more.asked;
    different += more.different;
    not_reproduced += more.not_reproduced;
    return *this;
  }
};

class WhatIf {
 public:
  // All of these outlive it. `services`: what services were granted at a time, as `_tenure` had it.
  using ServicesAt = std::function<std::shared_ptr<const Services>(Time)>;
  WhatIf(const Rulebooks& rulebooks, const Catalog& catalog, WhatIfOptions options,
         ServicesAt services);
  ~WhatIf();

  // Called with what was decided, and what the candidate's decision would be; for the call only.
  using Difference =
      std::function<void(const schema::Decision& was, const schema::Decision& would)>;
  // The next decision of the partition. kInvalid: the candidate cannot stand beside the recorded
  // rulebook.
  Result<void> take(Number number, const schema::Decision& decision, const Difference& tell);

  const WhatIfCounts& counts() const { return counts_; }

 private:
  struct Entry {
    Organization recorded;
    std::unique_ptr<Organization> candidate;  // the same in the candidate's terms; null: not asked
  };
  bool concerns(const Organization& organization) const;
  Result<void> put_in_candidates_terms(Entry& entry);
  Result<void> follow(Entry& entry, Number number, const schema::Decision& decision);
  void ask(const Entry& entry, const schema::Decision& decision, const Difference& tell);

  const Rulebooks& rulebooks_;
  const WhatIfOptions options_;
  const ServicesAt services_;
  DecisionBuilder own_, other_;
  std::map<std::string, Entry, std::less<>> organizations_;
  WhatIfCounts counts_;
};

// The services of `_tenure` over time, from the decisions of its partition.
class ServicesHistory {
 public:
  explicit ServicesHistory(const Rulebooks& rulebooks) : rulebooks_(rulebooks) {}
  void take(Number number, const schema::Decision& decision);
  std::shared_ptr<const Services> at(Time time) const;

 private:
  const Rulebooks& rulebooks_;
  Organization organization_;
  std::map<Time, std::shared_ptr<const Services>> by_time_;
};

}  // namespace tenure
