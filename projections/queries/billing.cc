// Money: what a space's subscription is, whom invoices go to, its credits and their log.
#include "engine/domain/billing_rows.h"
#include "projections/queries/billing_answers.h"

namespace tenure {
namespace {

std::string_view billing_status(const schema::SubscriptionRow& row, DunningStep step) {
  if (step == DunningStep::kSuspended) return "suspended";
  if (step != DunningStep::kNone) return "past_due";
  if (row.cancel_to() != nullptr) return "cancelling";
  return row.status()->string_view();
}

std::optional<std::string> opened(const QueryContext& context, const schema::Sealed* sealed,
                                  bool& erased) {
  if (sealed == nullptr || context.unsealer == nullptr) return std::nullopt;
  std::optional<std::string> clear = context.unsealer->unseal(*sealed);
  erased |= !clear;
  return clear;
}

void write_optional(AnswerWriter& out, std::string_view name,
                    const std::optional<std::string>& value) {
  if (value) {
    out.text(name, *value);
  } else {
    out.null(name);
  }
}

void write_payment_method(AnswerWriter& out, const BillingAccount& account) {
  if (account.token.empty()) {
    out.null("payment_method");
  } else {
    out.text("payment_method", account.label);
  }
}

}  // namespace

BilledTo billed_to(const QueryContext& context, const schema::BillingDetailsSet* details) {
  BilledTo to;
  if (details == nullptr) return to;
  to.country = details->country()->str();
  to.name = opened(context, details->name(), to.erased);
  to.address = opened(context, details->address(), to.erased);
  to.tax_id = opened(context, details->tax_id(), to.erased);
  to.email = opened(context, details->email(), to.erased);
  return to;
}

void write_billed_to(AnswerWriter& out, std::string_view name, const BilledTo& details) {
  if (details.country.empty()) {
    out.null(name);
    return;
  }
  out.begin_object(name);
  write_optional(out, "name", details.name);
  write_optional(out, "address", details.address);
  out.text("country", details.country);
  write_optional(out, "tax_id", details.tax_id);
  write_optional(out, "email", details.email);
  out.boolean("erased", details.erased).end_object();
}

Result<BilledTo> read_billing_details(const QueryContext& context, OrganizationRows& organization,
                                      std::string_view space) {
  Row row;
  bool found =
      TRY(context.rows.get(Family::kBilling, organization.keys().billing_details(space), row));
  if (!found && !space.empty()) {
    found = TRY(context.rows.get(Family::kBilling, organization.keys().billing_details(""), row));
  }
  return billed_to(context, found ? &row.as<schema::BillingDetailsSet>() : nullptr);
}

Result<std::string> get_organization_billing(const QueryContext& context, std::string_view org) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need(Action::kBillingView));
  Row row;
  BillingAccount account;
  if (TRY(context.rows.get(Family::kBilling, organization->keys().organization(), row))) {
    account = account_in(row.as<schema::BillingRow>().account());
  }
  AnswerWriter out;
  out.begin_object().text("billing_mode", organization->row().billing_mode());
  out.text("currency", organization->row().currency());
  write_payment_method(out, account);
  write_billed_to(out, "billing_details",
                  TRY(read_billing_details(context, organization.rows(), {})));
  return out.end_object().take();
}

Result<std::string> get_billing(const QueryContext& context, std::string_view org,
                                std::string_view space) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const Row row = TRY(subscription_of(context, organization.rows(), space));
  const Debts debts = TRY(read_debts(organization.rows()));
  const auto& subscription = row.as<schema::SubscriptionRow>();
  AnswerWriter out;
  out.begin_object().text("plan", subscription.plan());
  out.text("status", billing_status(subscription, debts.of(space)));
  write_period(out, subscription.period_from(), subscription.period_to());
  if (subscription.pending_plan() != nullptr) {
    out.begin_object("pending").text("plan", subscription.pending_plan());
    out.text("checkout", subscription.pending_checkout());
    out.time("expires", subscription.pending_expires()).end_object();
  } else {
    out.null("pending");
  }
  write_payment_method(out, account_in(subscription.account()));
  const std::string_view payer = subscription.consolidated() ? std::string_view() : space;
  write_billed_to(out, "billing_details",
                  TRY(read_billing_details(context, organization.rows(), payer)));
  out.amount("credits_minor", subscription.credits_minor());
  out.amount("credits_used_minor",
             credits_used(subscription, now_in(context, organization.rows())));
  return out.text("currency", organization->row().currency()).end_object().take();
}

Result<std::string> get_credits(const QueryContext& context, std::string_view org,
                                std::string_view space, const Page& page) {
  TRY(check_page(page));
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const Row held = TRY(subscription_of(context, organization.rows(), space));
  const std::string prefix = organization->keys().credits(space).str();
  auto cursor = context.rows.scan(Family::kBilling, prefix);
  AnswerWriter out;
  out.begin_object();
  out.amount("balance_minor", held.as<schema::SubscriptionRow>().credits_minor());
  out.begin_array("grants");
  std::string last;
  Row row;
  size_t shown = 0;
  for (cursor->seek(page_start(prefix, page)); cursor->valid() && shown < page.limit;
       cursor->next()) {
    row.assign(cursor->bytes());
    const CreditGrant grant = grant_in(row.as<schema::CreditRow>());
    if (grant.left == 0) continue;
    last = after_prefix(cursor->key(), prefix);
    out.begin_object().text("grant", last).text("kind", grant.paid ? "paid" : "promotional");
    out.amount("left_minor", grant.left);
    if (grant.expires) {
      out.time("expires", to_micros(*grant.expires));
    } else {
      out.null("expires");
    }
    out.number("priority", uint64_t{grant.priority}).end_object();
    ++shown;
  }
  out.end_array();
  TRY(cursor->status());
  return finish_page(out, cursor->valid() ? last : "");
}

Result<std::string> get_billing_log(const QueryContext& context, std::string_view org,
                                    std::string_view space, const Page& page) {
  auto organization = TRY(VisibleOrganization::open(context, org));
  TRY(organization.need_in(space, Action::kBillingView));
  const auto write = [&](AnswerWriter& out, uint64_t number, const Row& row) -> Result<bool> {
    const auto& entry = row.as<schema::BillingLogRow>();
    out.begin_object().time("time", entry.time()).text("kind", entry.kind());
    out.amount("amount_minor", entry.amount_minor());
    out.amount("balance_minor", entry.balance_minor()).text("description", entry.description());
    out.text("position", position_text(context, number)).end_object();
    return true;
  };
  return write_numbered(context.rows, organization->keys().billing_log(space).str(), "entries",
                        page, write);
}

}  // namespace tenure
