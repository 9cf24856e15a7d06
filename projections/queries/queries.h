// The questions people and services ask, answered as the JSON of COMMANDS ("Answers that tests
// read").
//
// Every query runs on a RowView: the live read models at one moment, or those of one organization
// as of a version or a time (built by the same projections from history). One code for both, so
// `as_of` cannot answer differently. Threads: any number at once. Errors: kNotFound for what is not
// there or not the viewer's to see (the same answer), kInvalid for a bad parameter, kCorrupt and
// kIo for rows that cannot be read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/services.h"

namespace tenure {

namespace schema {
struct Decision;
}
class Catalog;            // engine/domain/catalog.h
class RowView;            // rows.h
class RulebookCache;      // rulebook_cache.h
struct PastOrganization;  // as_of.h
class Unsealer;           // engine/json/json_edge.h

// On whose behalf a read is made: a user, a service, or (neither) service:admin, who may see
// everything.
struct Viewer {
  std::string user{};                          // bare
  std::string sign_in{};                       // the issuer that vouched for the user; empty: none
  std::string service{};                       // bare
  std::shared_ptr<const Services> services{};  // what that one was granted

  bool sees_everything() const { return user.empty() && service.empty(); }
  bool is(std::string_view other) const { return !user.empty() && user == other; }
};

inline constexpr size_t kMaxPage = 5000;
struct Page {
  size_t limit = 100;  // at most kMaxPage
  std::string cursor;  // the `next` of the page before; opaque to clients
};

struct QueryContext {
  const RowView& rows;
  const Rulebooks& rulebooks;
  Viewer viewer;
  Time now;                 // the moment of `rows`: which month's counters are shown
  PartitionId partition{};  // of the organization asked for: where the decisions are
  // For rows of the past: the live ones, which say what the viewer may see today.
  const RowView* live_rows = nullptr;
  // Of the log that the rows are of; null: rules of an organization's own are compiled each time.
  RulebookCache* compiled = nullptr;
  // Opens people's names and e-mails; null: they are left out.
  const Unsealer* unsealer = nullptr;
};

// kNotFound unless the viewer sees something of the organization today.
Result<void> need_visible(const QueryContext&, std::string_view org);

Result<std::string> get_organization(const QueryContext&, std::string_view org);
Result<std::string> get_members(const QueryContext&, std::string_view org, const Page&);
Result<std::string> get_member(const QueryContext&, std::string_view org, std::string_view user);
Result<std::string> get_groups(const QueryContext&, std::string_view org, const Page&);
Result<std::string> get_assignable_roles(const QueryContext&, std::string_view org,
                                         std::string_view actor, std::string_view target);
// The levels that the actor may give in a space: the same answer.
Result<std::string> get_assignable_space_roles(const QueryContext&, std::string_view org,
                                               std::string_view space, std::string_view actor);
Result<std::string> get_spaces(const QueryContext&, std::string_view org, const Page&);
Result<std::string> get_space(const QueryContext&, std::string_view org, std::string_view space);
Result<std::string> get_space_members(const QueryContext&, std::string_view org,
                                      std::string_view space, const Page&);
// The direct grants in a space, of users and groups, as they were given.
Result<std::string> get_access(const QueryContext&, std::string_view org, std::string_view space,
                               const Page&);
Result<std::string> get_resources(const QueryContext&, std::string_view org, std::string_view space,
                                  const Page&);
// The resources of types that the viewer may read, a line of JSON each, as ImportSpace takes them;
// a page is at most what one import may be.
struct ExportPage {
  std::string lines;
  std::string next;  // empty: no more
};
Result<ExportPage> export_space(const QueryContext&, std::string_view org, std::string_view space,
                                const Page&);
Result<std::string> get_usage(const QueryContext&, std::string_view org, std::string_view space);
Result<std::string> get_billing(const QueryContext&, std::string_view org, std::string_view space);
// How the organization is billed: what holds for its one invoice, and for spaces without their own.
Result<std::string> get_organization_billing(const QueryContext&, std::string_view org);
// What the invoice will say if the space goes to `plan` now: engine/domain/plan_preview.h.
// kInvalid: no such plan.
Result<std::string> get_plan_preview(const QueryContext&, const Catalog&, std::string_view org,
                                     std::string_view space, std::string_view plan);
// The credits of a space, of those grants that are not used up; and their movements, oldest first.
Result<std::string> get_credits(const QueryContext&, std::string_view org, std::string_view space,
                                const Page&);
Result<std::string> get_billing_log(const QueryContext&, std::string_view org,
                                    std::string_view space, const Page&);
// By number; `space` empty: all of the organization.
Result<std::string> get_invoices(const QueryContext&, std::string_view org, std::string_view space,
                                 const Page&);
Result<std::string> get_invoice(const QueryContext&, std::string_view org,
                                std::string_view invoice);
// A user's own lists. With `past` as of its time: it says how an organization was then, and at most
// kMostPastOrganizations are looked at for one page, which may be short for it. The context: of
// live rows in any case, whose viewer must see the organization today.
using UserPast = std::function<Result<PastOrganization>(std::string_view org)>;
inline constexpr size_t kMostPastOrganizations = 16;  // each is put together from the log
Result<std::string> get_user_spaces(const QueryContext&, std::string_view user, const Page&,
                                    const UserPast& past = {});
Result<std::string> get_user_organizations(const QueryContext&, std::string_view user, const Page&,
                                           const UserPast& past = {});
Result<std::string> get_user_invitations(const QueryContext&, std::string_view user, const Page&,
                                         const UserPast& past = {});
Result<std::string> get_invitations(const QueryContext&, std::string_view org, const Page&);
Result<std::string> get_space_roles(const QueryContext&, std::string_view org);
// What may be bought today, of the catalog.
Result<std::string> get_plans(const QueryContext&, const Catalog&, std::string_view org);

// The numbers of the decisions about `entity` ("user:bob", "group:g", "space:s", "resource:s/r";
// empty: all of the organization), oldest first; the caller reads them from the log.
struct HistoryPage {
  std::vector<uint64_t> numbers;  // some may be about others: is_about() (history_numbers.h)
  std::string next;               // empty: no more
};
Result<HistoryPage> get_history(const QueryContext&, std::string_view org, std::string_view entity,
                                const Page&);

// Whether it was refused as if the organization were not there: then that is all its sender hears.
bool refused_as_outsider(const schema::Decision& decision);

// Where the decisions of the commands with one id are: ids are one actor's, so several may have it.
struct CommandPlaces {
  std::vector<uint64_t> numbers;  // newest first; some may be of other ids
  bool all_visible = false;       // else the viewer sees those that they sent, and no others
};
Result<CommandPlaces> find_command(const QueryContext&, std::string_view org, std::string_view id);

// check: may `user` (bare or `user:x`) do `action` in `space` (empty: the organization itself)?
// What does not exist is denied.
struct CheckRequest {
  std::string_view org, space, user, action, type;
};
std::string action_of(const CheckRequest& request);  // with its type
struct CheckReason {
  std::string rule;  // "space@1 MANAGER has resource.create:service"
  uint64_t number;   // the decision that gave it
};
struct CheckAnswer {
  bool allowed = false;
  std::vector<CheckReason> because;  // what gives it; of a denial, what is missing (number 0)
};
Result<CheckAnswer> check(const QueryContext&, const CheckRequest&);

}  // namespace tenure
