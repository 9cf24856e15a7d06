// What the queries share: what a viewer may see of an organization, pages, and roles as answers
// name them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/domain/billing_state.h"
#include "projections/queries/answer_writer.h"
#include "projections/queries/permission.h"
#include "projections/queries/queries.h"

namespace tenure {

// An organization that the viewer may see, or the one kNotFound that does not say whether it is
// there.
class VisibleOrganization {
 public:
  static Result<VisibleOrganization> open(const QueryContext& context, std::string_view org);
  // The same for invoices, which outlive it: the last owners of a deleted organization see it too.
  static Result<VisibleOrganization> open_invoices(const QueryContext& context,
                                                   std::string_view org);

  OrganizationRows* operator->() { return &rows_; }
  OrganizationRows& rows() { return rows_; }

  // What the viewer holds in the organization itself, and in one space of it.
  bool may(Action action) const { return actions_.has(action); }
  Result<ActionSet> actions_in(std::string_view space);
  // kNotFound unless the viewer holds it.
  Result<void> need(Action action) const;
  // kNotFound unless the space is there and the viewer sees it and holds `action` in it.
  Result<ActionSet> need_in(std::string_view space, Action action);

 private:
  explicit VisibleOrganization(OrganizationRows rows) : rows_(std::move(rows)) {}
  static Result<VisibleOrganization> open(const QueryContext& context, std::string_view org,
                                          bool for_invoices);

  OrganizationRows rows_;
  Result<void> stand_as_user(const Viewer& viewer, bool for_invoices);
  Result<void> stand_as_service(const Viewer& viewer);

  // The viewer's own standing: of today, also when the rows are of the past. Nothing:
  // service:admin.
  std::optional<OrganizationRows> today_;
  std::string viewer_;
  Membership membership_{};
  const Service* granted_ = nullptr;  // of another service; the context's viewer keeps it
  ActionSet actions_;
};

// Every action of the rulebook: what service:admin sees by.
ActionSet every_action(const Rulebook& rulebook);

// kSignIn if the organization's people must sign in by an issuer that did not vouch for this user.
Result<void> need_sign_in(const OrganizationRows& organization, const Membership& membership,
                          const Viewer& viewer);

// kInvalid unless the limit is 1 to 5,000.
Result<void> check_page(const Page& page);
// The first key that a page may show: the one after the cursor's.
std::string page_start(std::string_view prefix, const Page& page);

// How a user comes to have access to a space, as answers show it.
struct AccessSummary {
  std::vector<std::string> roles;  // the effective ones, highest first
  std::vector<std::string> via;    // direct, group:g, role:ADMIN
};
// Nothing if the space is not theirs at all.
std::optional<AccessSummary> summarize(const OrganizationRows& organization,
                                       const Membership& membership,
                                       const std::vector<Grant>& grants);
void write_access(AnswerWriter& out, const AccessSummary& access);

// Personal text, to who may see whom it is about; left out if there is none, or it cannot be
// opened.
void write_personal(AnswerWriter& out, const QueryContext& context, std::string_view name,
                    const schema::Sealed* sealed);

// A pending invitation whose time is over is what it is, though nobody recorded it yet.
std::string_view status_of(const schema::InvitationRow& row, Time now);
void write_invitation(AnswerWriter& out, const QueryContext& context, std::string_view id,
                      const schema::InvitationRow& row);

// What a space's subscription is; every space has one.
Result<Row> subscription_of(const QueryContext& context, OrganizationRows& organization,
                            std::string_view space);

// The moment that an organization is asked about: of a sandbox its own.
Time now_in(const QueryContext& context, const OrganizationRows& organization);

// What was drawn of a space's credits in the month of `now`.
Minor credits_used(const schema::SubscriptionRow& row, Time now);

// Of a plan the array `limits`, and as `excess` the meters of which the space uses more now.
Result<void> write_limits(AnswerWriter& out, const QueryContext& context,
                          OrganizationRows& organization, std::string_view space,
                          const schema::Plan& plan);

// How far dunning has come with what is owed: by a space, and by the organization for all of them.
struct Debts {
  DunningStep of_all = DunningStep::kNone;
  std::map<std::string, DunningStep, std::less<>> of_space;
  DunningStep of(std::string_view space) const;
};
Result<Debts> read_debts(OrganizationRows& organization);

// Adds "next" (null on the last page) and closes the answer.
std::string finish_page(AnswerWriter& out, std::string_view next);

// A whole list answer: one page of the membership rows under `prefix`, as the array `name`.
// `write(key, row)`, the key without the prefix, adds one item, or returns false to leave the row
// out; it may fail as reads do.
template <class Write>
Result<std::string> write_page(const RowView& rows, const std::string& prefix,
                               std::string_view name, const Page& page, Write write) {
  auto cursor = rows.scan(Family::kMembership, prefix);
  AnswerWriter out;
  out.begin_object().begin_array(name);
  std::string last;
  Row row;
  size_t shown = 0;
  // Only a row that is shown makes a next page: others must not be told of by it.
  bool more = false;
  for (cursor->seek(page_start(prefix, page)); cursor->valid() && !more; cursor->next()) {
    std::string key(after_prefix(cursor->key(), prefix));
    row.assign(cursor->bytes());
    AnswerWriter beyond;
    const bool full = shown == page.limit;
    const bool written = TRY(write(full ? beyond : out, key, row));
    if (!written) continue;
    more = full;
    if (full) continue;
    last = std::move(key);
    ++shown;
  }
  out.end_array();
  TRY(cursor->status());
  return finish_page(out, more ? last : "");
}

}  // namespace tenure
