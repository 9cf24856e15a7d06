#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/plan_copy.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

// Of the space that a command names, or of the organization, for whom the caller manages billing.
struct ManagedAccount {
  Caller caller;
  const BillingAccount& account;
};

Guarded<ManagedAccount> managed_account(const Incoming& in, const flatbuffers::String* space) {
  if (space != nullptr) TRY(valid_id("space", space));
  const Caller caller = TRY(admit(in));
  if (space == nullptr) {
    TRY(holds(caller, Action::kBillingManage));
    return ManagedAccount{caller, caller.organization.account};
  }
  const SpaceCaller there = TRY(enter_space(caller, text(space)));
  TRY(holds_in_space(there, Action::kBillingManage));
  TRY(exists(there));
  return ManagedAccount{caller, there.space->account};
}

std::unexpected<Rejection> nothing_to_do(const Caller& caller, const std::string& message) {
  return reject(RejectionCode::nothing_to_do, message,
                rule_of(caller, "a change changes something"));
}

Verdict valid_details(const schema::SetBillingDetails& command) {
  TRY(is_sealed("name", command.name()));
  TRY(is_sealed("address", command.address()));
  TRY(is_sealed("tax_id", command.tax_id()));
  TRY(is_sealed("email", command.email()));
  if (is_country(text(command.country()))) return {};
  return reject(RejectionCode::invalid_value,
                "country " + in_quotes(text(command.country())) +
                    " must be two capital letters, as in ISO 3166-1",
                "contract: SetBillingDetails");
}

Verdict counts(const SpaceCaller& caller, std::string_view meter) {
  const schema::MeterTerms* terms = caller.space->subscription.terms.meter(meter);
  if (terms != nullptr && terms->kind() == schema::MeterKind::counter) return {};
  return reject(RejectionCode::unknown_meter,
                "meter " + in_quotes(meter) + " is no counter of the plan; name one that is",
                rule_of(caller, "meters of the plan"));
}

Verdict changes_cap(const SpaceCaller& caller, const schema::SetSpendingCap& command) {
  const auto held = caller.space->caps.find(text(command.meter()));
  const bool same = held == caller.space->caps.end() ? !command.amount_minor()
                                                     : command.amount_minor() == held->second;
  if (!same) return {};
  return nothing_to_do(caller, "the cap is just so already");
}

}  // namespace

Verdict decide(const Incoming& in, const schema::SetPaymentMethod& command, EventSink& events) {
  TRY(valid_name("token", command.token()));
  TRY(valid_name("label", command.label()));
  const ManagedAccount managed = TRY(managed_account(in, command.space()));
  if (managed.account.token == text(command.token()) &&
      managed.account.label == text(command.label())) {
    return nothing_to_do(managed.caller, "that is the payment method already");
  }
  auto& builder = events.builder();
  const auto space = copy_text(builder, command.space());
  const auto token = builder.CreateString(command.token());
  events.add(
      schema::CreatePaymentMethodSet(builder, space, token, builder.CreateString(command.label())));
  return {};
}

Verdict decide(const Incoming& in, const schema::RemovePaymentMethod& command, EventSink& events) {
  const ManagedAccount managed = TRY(managed_account(in, command.space()));
  if (managed.account.token.empty()) {
    return reject(RejectionCode::not_found, "there is no payment method to remove",
                  rule_of(managed.caller, "target exists"));
  }
  auto& builder = events.builder();
  events.add(schema::CreatePaymentMethodRemoved(builder, copy_text(builder, command.space())));
  return {};
}

Verdict decide(const Incoming& in, const schema::SetBillingDetails& command, EventSink& events) {
  TRY(valid_details(command));
  (void)TRY(managed_account(in, command.space()));
  auto& builder = events.builder();
  const auto space = copy_text(builder, command.space());
  const auto name = copy_sealed(builder, command.name());
  const auto address = copy_sealed(builder, command.address());
  const auto country = builder.CreateString(command.country());
  const auto tax_id = copy_sealed(builder, command.tax_id());
  events.add(schema::CreateBillingDetailsSet(builder, space, name, address, country, tax_id,
                                             copy_sealed(builder, command.email())));
  return {};
}

Verdict decide(const Incoming& in, const schema::ChangeBillingMode& command, EventSink& events) {
  const std::string_view mode = TRY(known_billing_mode(command.billing_mode()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kBillingManage));
  TRY(holds_owner_role(caller, "changes how all is billed"));
  const std::string& held = caller.organization.billing_mode;
  if (held == mode) return nothing_to_do(caller, "that is the billing mode already");
  auto& builder = events.builder();
  const auto mode_text = builder.CreateString(mode);
  events.add(schema::CreateBillingModeChanged(builder, mode_text, builder.CreateString(held)));
  return {};
}

Verdict decide(const Incoming& in, const schema::SetSpendingCap& command, EventSink& events) {
  TRY(valid_id("space", command.space()));
  TRY(valid_id("meter", command.meter()));
  if (const auto amount = command.amount_minor(); amount && *amount != 0)
    TRY(valid_amount(*amount));
  const SpaceCaller caller = TRY(enter_space(TRY(admit(in)), text(command.space())));
  TRY(holds_in_space(caller, Action::kBillingManage));
  TRY(exists(caller));
  TRY(counts(caller, text(command.meter())));
  TRY(changes_cap(caller, command));
  auto& builder = events.builder();
  const auto space = builder.CreateString(command.space());
  const auto meter = builder.CreateString(command.meter());
  events.add(schema::CreateSpendingCapSet(builder, space, meter, command.amount_minor()));
  return {};
}

// Due work is never refused: a period that ended before its time leaves nothing to do.
Verdict decide(const Incoming& in, const schema::CloseBillingPeriod& command, EventSink& events) {
  TRY(is_engine(in, "billing periods are closed"));
  if (in.organization == nullptr) return {};
  const auto found = in.organization->spaces.find(text(command.space()));
  if (found == in.organization->spaces.end()) return {};
  const Space& space = found->second;
  const Subscription& held = space.subscription;
  const Time to = from_micros(command.to());
  if (held.status != SubscriptionStatus::kActive || held.period_to != to) return {};
  const Time issue_at = to + in.context.catalog.grace();
  if (!held.cancel_to) {
    close_period(found->first, space, to, issue_at,
                 next_period(*in.organization, &space, held.terms.get().period_months(), to),
                 events);
    return {};
  }
  close_period(found->first, space, to, issue_at, std::nullopt, events);
  auto& builder = events.builder();
  const auto space_text = builder.CreateString(command.space());
  const auto plan = builder.CreateString(held.terms.name());
  const auto after = copy_plan(builder, held.cancel_to->get());
  events.add(schema::CreateSubscriptionEnded(builder, space_text, plan, after,
                                             builder.CreateString("cancelled"), to_micros(to)));
  return {};
}

}  // namespace tenure
