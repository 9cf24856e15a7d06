#include "tests/simulation/due_model.h"

namespace tenure::test {
namespace {

std::string checkout_name(const flatbuffers::String* id) { return "checkout " + id->str(); }
std::string invitation_name(const flatbuffers::String* id) { return "invitation " + id->str(); }
std::string period_name(const flatbuffers::String* space) { return "period " + space->str(); }
std::string dunning_name(const flatbuffers::String* invoice) { return "dunning " + invoice->str(); }
std::string credits_name(const flatbuffers::String* space, const flatbuffers::String* grant) {
  return "credits " + space->str() + "/" + grant->str();
}
// Of a space, or of the organization.
std::string bill_prefix(const flatbuffers::String* space) {
  return "bill " + (space == nullptr ? std::string() : space->str()) + "@";
}

}  // namespace

std::string DueModel::name_of(const schema::CommandEnvelope& command) {
  if (const auto* due = command.command_as_ExpireCheckout()) return checkout_name(due->checkout());
  if (const auto* due = command.command_as_CloseBillingPeriod()) return period_name(due->space());
  if (const auto* due = command.command_as_AdvanceDunning()) return dunning_name(due->invoice());
  if (const auto* due = command.command_as_ExpireCredits()) {
    return credits_name(due->space(), due->grant());
  }
  if (const auto* due = command.command_as_IssueInvoice()) {
    return bill_prefix(due->space()) + std::to_string(due->issue_at());
  }
  return invitation_name(command.command_as_ExpireInvitation()->invitation());
}

void DueModel::follow(const schema::EventBox& event) {
  follow_invitation(event);
  follow_plan(event);
  follow_invoice(event);
  follow_credits(event);
}

void DueModel::follow_invitation(const schema::EventBox& box) {
  if (const auto* invited = box.event_as_MemberInvited()) {
    open_[invitation_name(invited->invitation())] = from_micros(invited->expires());
  } else if (const auto* accepted = box.event_as_InvitationAccepted()) {
    open_.erase(invitation_name(accepted->invitation()));
  } else if (const auto* declined = box.event_as_InvitationDeclined()) {
    open_.erase(invitation_name(declined->invitation()));
  } else if (const auto* revoked = box.event_as_InvitationRevoked()) {
    open_.erase(invitation_name(revoked->invitation()));
  } else if (const auto* expired = box.event_as_InvitationExpired()) {
    open_.erase(invitation_name(expired->invitation()));
  }
}

void DueModel::follow_plan(const schema::EventBox& box) {
  if (const auto* asked = box.event_as_PlanChangeRequested()) {
    open_[checkout_name(asked->checkout())] = from_micros(asked->expires());
  } else if (const auto* failed = box.event_as_PlanChangeFailed()) {
    open_.erase(checkout_name(failed->checkout()));
  } else if (const auto* started = box.event_as_SubscriptionStarted()) {
    if (started->checkout() != nullptr) open_.erase(checkout_name(started->checkout()));
    open_[period_name(started->space())] = from_micros(started->period_to());
  } else if (const auto* changed = box.event_as_PlanChanged()) {
    if (changed->period_to() == 0) return;
    open_[period_name(changed->space())] = from_micros(changed->period_to());
  } else if (const auto* ended = box.event_as_SubscriptionEnded()) {
    open_.erase(period_name(ended->space()));
  } else if (const auto* closed = box.event_as_BillingPeriodClosed()) {
    const auto* billed = closed->consolidated() ? nullptr : closed->space();
    open_[bill_prefix(billed) + std::to_string(closed->issue_at())] =
        from_micros(closed->issue_at());
    if (closed->next_to() == 0) return;
    open_[period_name(closed->space())] = from_micros(closed->next_to());
  }
}

void DueModel::settle(const flatbuffers::String* space, int64_t issue_at) {
  const std::string prefix = bill_prefix(space);
  std::erase_if(open_, [&](const auto& each) {
    return each.first.starts_with(prefix) && each.second <= from_micros(issue_at);
  });
}

void DueModel::follow_invoice(const schema::EventBox& box) {
  if (const auto* issued = box.event_as_InvoiceIssued()) {
    if (issued->issue_at() != 0) settle(issued->space(), issued->issue_at());
    open_[dunning_name(issued->invoice())] = from_micros(issued->due());
  } else if (const auto* nothing = box.event_as_NothingCharged()) {
    settle(nothing->space(), nothing->issue_at());
  } else if (const auto* paid = box.event_as_InvoicePaid()) {
    open_.erase(dunning_name(paid->invoice()));
  } else if (const auto* late = box.event_as_SubscriptionPastDue()) {
    open_[dunning_name(late->invoice())] = from_micros(late->next());
  } else if (const auto* warned = box.event_as_SubscriptionWarned()) {
    open_[dunning_name(warned->invoice())] = from_micros(warned->next());
  } else if (const auto* suspended = box.event_as_SubscriptionSuspended()) {
    open_[dunning_name(suspended->invoice())] = from_micros(suspended->next());
  } else if (const auto* over = box.event_as_DunningEnded()) {
    open_.erase(dunning_name(over->invoice()));
  }
}

void DueModel::take(const flatbuffers::String* space, const flatbuffers::String* grant,
                    int64_t amount) {
  const std::string name = credits_name(space, grant);
  if ((credits_[name] -= amount) == 0) open_.erase(name);
}

void DueModel::follow_credits(const schema::EventBox& box) {
  if (const auto* asked = box.event_as_CreditsRequested()) {
    open_[checkout_name(asked->checkout())] = from_micros(asked->checkout_expires());
  } else if (const auto* failed = box.event_as_CreditsRequestFailed()) {
    open_.erase(checkout_name(failed->checkout()));
  } else if (const auto* added = box.event_as_CreditsAdded()) {
    if (added->checkout() != nullptr) open_.erase(checkout_name(added->checkout()));
    const std::string name = credits_name(added->space(), added->grant());
    credits_[name] = added->amount_minor();
    if (added->expires()) open_[name] = from_micros(*added->expires());
  } else if (const auto* drawn = box.event_as_CreditsDrawn()) {
    for (const auto* draw : *drawn->draws()) {
      take(drawn->space(), draw->grant(), draw->amount_minor());
    }
  } else if (const auto* expired = box.event_as_CreditsExpired()) {
    take(expired->space(), expired->grant(), expired->amount_minor());
  }
}

}  // namespace tenure::test
