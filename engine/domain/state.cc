#include "engine/domain/state.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <tuple>
#include <unordered_map>

#include "engine/base/check.h"
#include "engine/domain/plan_copy.h"

namespace tenure {

namespace {

// One copy of the terms that many subscriptions hold: they stay in the cache, and a cold space does
// not pay for them. Nobody sees that they are shared: terms never change. One thread.
class SharedTerms {
 public:
  using Buffer = std::shared_ptr<const std::vector<uint8_t>>;

  Buffer share(std::span<const uint8_t> bytes) {
    const std::string key(bytes.begin(), bytes.end());
    if (buffers_.size() >= drop_unused_at_) drop_unused();
    std::weak_ptr<const std::vector<uint8_t>>& kept = buffers_[key];
    Buffer buffer = kept.lock();
    if (buffer == nullptr) {
      buffer = std::make_shared<const std::vector<uint8_t>>(bytes.begin(), bytes.end());
      kept = buffer;
    }
    return buffer;
  }

 private:
  void drop_unused() {
    std::erase_if(buffers_, [](const auto& each) { return each.second.expired(); });
    drop_unused_at_ = std::max<size_t>(1024, 2 * buffers_.size());
  }

  std::unordered_map<std::string, std::weak_ptr<const std::vector<uint8_t>>> buffers_;
  size_t drop_unused_at_ = 1024;
};

}  // namespace

PlanTerms PlanTerms::copy_of(const schema::Plan& plan) {
  thread_local SharedTerms shared;
  flatbuffers::FlatBufferBuilder builder(512);
  builder.Finish(copy_plan(builder, plan));
  PlanTerms terms;
  terms.buffer_ = shared.share({builder.GetBufferPointer(), builder.GetSize()});
  return terms;
}

const schema::Plan& PlanTerms::get() const {
  CHECK(buffer_ != nullptr);
  return *flatbuffers::GetRoot<schema::Plan>(buffer_->data());
}

std::string_view PlanTerms::name() const { return get().name()->string_view(); }

const schema::MeterTerms* PlanTerms::meter(std::string_view name) const {
  for (const schema::MeterTerms* meter : *get().meters()) {
    if (meter->meter()->string_view() == name) return meter;
  }
  return nullptr;
}

bool operator==(const PlanTerms& a, const PlanTerms& b) {
  if (a.buffer_ == b.buffer_) return true;
  if (a.buffer_ == nullptr || b.buffer_ == nullptr) return false;
  return *a.buffer_ == *b.buffer_;
}

SubjectKey::SubjectKey(std::string_view prefix, std::string_view id) {
  // A longer id than any valid one keeps more characters than any stored key has: it matches none.
  id = id.substr(0, text_.size() - prefix.size());
  std::copy(id.begin(), id.end(), std::copy(prefix.begin(), prefix.end(), text_.begin()));
  size_ = prefix.size() + id.size();
}

namespace {

void derive_space(Organization& organization, const SpaceId& id, Space& space) {
  for (const auto& [subject, roles] : space.access) organization.spaces_of[subject].insert(id);
  space.resource_count = 0;
  for (const auto& [resource, found] : space.resources) space.resource_count += !found.deleted;
  if (const auto& pending = space.subscription.pending) {
    organization.checkouts.try_emplace(pending->checkout, id);
  }
  for (const auto& [checkout, top_up] : space.top_ups) {
    organization.checkouts.try_emplace(checkout, id);
  }
  for (DueItem& item : due_items(id, space)) organization.due.insert(std::move(item));
}

}  // namespace

// Rulebooks are compared by what they say: each loading of an organization makes its own.
bool operator==(const Organization& a, const Organization& b) {
  const auto facts = [](const Organization& of) {
    return std::tie(of.id, of.name, of.rulebook_text, of.adopted, of.version, of.deleted, of.sso,
                    of.billing_mode, of.currency, of.members, of.groups, of.spaces, of.invitations,
                    of.account, of.anchor, of.invoices, of.next_invoice, of.next_credit_note,
                    of.clock, of.owners, of.suspending, of.groups_of, of.spaces_of,
                    of.invitations_of, of.checkouts, of.due);
  };
  const bool same_rules =
      a.rulebook == b.rulebook ||
      (a.rulebook != nullptr && b.rulebook != nullptr && *a.rulebook == *b.rulebook);
  const bool same_services =
      a.services == b.services ||
      (a.services != nullptr && b.services != nullptr && *a.services == *b.services);
  return same_rules && same_services && facts(a) == facts(b);
}

DueItem due_item(const InvitationId& id, const Invitation& invitation) {
  return {
      .at = invitation.expires, .kind = DueKind::kExpireInvitation, .id = id.str(), .space = {}};
}

namespace {

constexpr std::string_view kInvoicePrefix = "INV-";

}  // namespace

std::string invoice_id(uint64_t number) {
  constexpr size_t kDigits = 6;
  const std::string digits = std::to_string(number);
  const std::string zeros(digits.size() < kDigits ? kDigits - digits.size() : 0, '0');
  return std::string(kInvoicePrefix) + zeros + digits;
}

std::optional<uint64_t> invoice_number(std::string_view id) {
  if (!id.starts_with(kInvoicePrefix)) return std::nullopt;
  uint64_t number = 0;
  const char* end = id.data() + id.size();
  const auto read = std::from_chars(id.data() + kInvoicePrefix.size(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || invoice_id(number) != id) return std::nullopt;
  return number;
}

DunningStep dunning_of(const Organization& organization, std::string_view space) {
  DunningStep furthest = DunningStep::kNone;
  if (organization.suspending == 0) return furthest;  // what is less does not matter to a decision
  for (const auto& [id, invoice] : organization.invoices) {
    const bool covers = invoice.space.str().empty() || invoice.space == space;
    // A plan that was taken away suspends no more; what is owed later does.
    if (covers && invoice.step == DunningStep::kSuspended) return invoice.step;
    if (covers) furthest = std::max(furthest, invoice.step);
  }
  return furthest;
}

std::optional<Time> due_by_itself(const Organization& organization) {
  if (organization.due.empty() || organization.clock) return std::nullopt;
  return organization.due.begin()->at;
}

std::vector<DueItem> due_items(const SpaceId& id, const Space& space) {
  std::vector<DueItem> items;
  const auto add = [&](Time at, DueKind kind, const std::string& what) {
    items.push_back({.at = at, .kind = kind, .id = what, .space = id.str()});
  };
  const Subscription& held = space.subscription;
  if (held.pending) {
    add(held.pending->expires, DueKind::kExpireCheckout, held.pending->checkout.str());
  }
  for (const auto& [checkout, top_up] : space.top_ups) {
    add(top_up.checkout_expires, DueKind::kExpireCheckout, checkout.str());
  }
  if (held.status == SubscriptionStatus::kActive) {
    add(held.period_to, DueKind::kCloseBillingPeriod, id.str());
  }
  for (const Period& period : space.periods) {
    if (period.settled) continue;
    add(period.issue_at, DueKind::kIssueInvoice, {});
    if (period.consolidated) items.back().space.clear();
  }
  for (const auto& [grant, held_credits] : space.credits) {
    if (held_credits.expires && held_credits.left > 0) {
      add(*held_credits.expires, DueKind::kExpireCredits, grant.str());
    }
  }
  return items;
}

std::optional<DueItem> due_item(const InvoiceId& id, const Invoice& invoice) {
  if (invoice.next == Time{}) return std::nullopt;
  return DueItem{.at = invoice.next,
                 .kind = DueKind::kAdvanceDunning,
                 .id = id.str(),
                 .space = invoice.space.str()};
}

void derive_invoices(Organization& organization) {
  organization.suspending = 0;
  for (const auto& [id, invoice] : organization.invoices) {
    if (auto item = due_item(id, invoice)) organization.due.insert(std::move(*item));
    organization.suspending += invoice.step >= DunningStep::kSuspended;
  }
}

void derive(Organization& organization) {
  organization.owners = 0;
  organization.groups_of.clear();
  organization.spaces_of.clear();
  organization.invitations_of.clear();
  organization.checkouts.clear();
  organization.due.clear();
  for (const auto& [user, member] : organization.members) {
    organization.owners += member.role == organization.rulebook->owner_role && !member.suspended;
  }
  for (const auto& [id, invitation] : organization.invitations) {
    organization.invitations_of[invitation.user].insert(id);
    if (!invitation.expired) organization.due.insert(due_item(id, invitation));
  }
  derive_invoices(organization);
  for (const auto& [id, group] : organization.groups) {
    for (const UserId& user : group.users) organization.groups_of[user].insert(id);
  }
  for (auto& [id, space] : organization.spaces) derive_space(organization, id, space);
}

}  // namespace tenure
