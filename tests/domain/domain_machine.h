// The domain alone: organizations in memory, decided and evolved as a partition does it, without a
// log, without idempotency. For tests of the rules.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/domain/decide.h"
#include "engine/domain/evolve.h"

namespace tenure {

// The built-in data; a test that cannot load it cannot run.
const Rulebooks& test_rulebooks();
const Catalog& test_catalog();

// The built-in catalog with taxes, of which it has none: what some countries take, as JSON and
// loaded.
std::string taxed_catalog_text();
const Catalog& taxed_catalog();

class DomainMachine {
 public:
  enum class Keep : uint8_t { kHistory, kLastDecision };
  explicit DomainMachine(Keep keep = Keep::kHistory, const Rulebooks& rulebooks = test_rulebooks(),
                         const Catalog& catalog = test_catalog())
      : keep_(keep), rulebooks_(rulebooks), catalog_(catalog) {}

  // Decides everything due at `now`, then the command, and evolves what is accepted. The finished
  // schema::Decision stays valid as long as it is kept.
  const schema::Decision& apply(std::span<const uint8_t> command, Time now);

  // Decides what is due of all organizations, as when time passes and nobody asks for anything.
  void do_all_due(Time now);

  // Evolves what is told as an accepted decision on a command that nobody sent: what happened
  // before, by whatever command.
  void happen(std::string_view org, Time now, const std::function<void(EventSink&)>& tell);

  // Decides without evolving, and without what is due: what would happen.
  std::vector<uint8_t> decide_only(std::span<const uint8_t> command, Time at,
                                   std::optional<Time> due = {}) const;

  const Organization* find(std::string_view org) const;
  const std::map<std::string, Organization, std::less<>>& organizations() const {
    return organizations_;
  }
  // The decisions that are kept, finished buffers in order.
  const std::vector<std::vector<uint8_t>>& history() const { return history_; }

 private:
  void do_due(std::string_view org, Time now);
  void do_due_item(const Organization& organization, Time now);
  void do_sandbox_work(std::span<const uint8_t> command, Time now);
  const schema::Decision& record(std::span<const uint8_t> command, Time now,
                                 std::optional<Time> due = {});

  Keep keep_;
  const Rulebooks& rulebooks_;
  const Catalog& catalog_;
  Number next_{};  // of the next decision, as if all were in one partition
  std::map<std::string, Organization, std::less<>> organizations_;
  std::vector<std::vector<uint8_t>> history_;
};

// SetBillingDetails by user:ada, of a space or (none) of the organization. What is personal comes
// sealed, which JSON cannot say.
std::vector<uint8_t> set_country(const std::string& id, const std::string& org,
                                 const std::string& country, const std::string& space);

const schema::CommandEnvelope& envelope_of(std::span<const uint8_t> bytes);
const schema::Decision& decision_of(std::span<const uint8_t> bytes);

}  // namespace tenure
