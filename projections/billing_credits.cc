// Credits: what is left of each grant, and the log of their movements, whose sum is the balance.
#include "engine/domain/calendar.h"
#include "projections/billing_reductions.h"

namespace tenure::billing {
namespace {

constexpr std::string_view kDrawn = "drawn";

struct Movement {
  std::string_view kind;
  Minor amount;
  std::string description;
};

void log(Reduction& in, std::string_view space, const Movement& movement) {
  std::optional<HeldSpace> held = get_space(in, space);
  if (!held) return;
  held->credits.left += movement.amount;
  if (movement.kind == kDrawn) {
    const Month month = month_of(from_micros(in.time));
    if (held->credits.month != month) held->credits = {held->credits.left, 0, month};
    held->credits.used -= movement.amount;
  }
  put_space(in, space, *held);
  auto& fbb = in.builder;
  const auto kind = fbb.CreateString(movement.kind.data(), movement.kind.size());
  const auto description = fbb.CreateString(movement.description);
  in.put(kFamily, in.keys.billing_log_entry(space, in.number),
         schema::CreateBillingLogRow(fbb, in.time, kind, movement.amount, held->credits.left,
                                     description, in.number));
}

void take(Reduction& in, std::string_view space, std::string_view grant, Minor amount) {
  const auto* row = in.rows.get<schema::CreditRow>(kFamily, in.keys.credit(space, grant));
  if (row == nullptr) return;
  CreditGrant held = grant_in(*row);
  held.left -= amount;
  in.put(kFamily, in.keys.credit(space, grant), credit_row(in.builder, held));
}

}  // namespace

void credits_added(Reduction& in, const schema::CreditsAdded& event) {
  of_space(in, event);  // its top-up is over
  const std::string_view space = text(event.space()), grant = text(event.grant());
  CreditGrant added{.paid = text(event.kind()) == "paid",
                    .left = event.amount_minor(),
                    .expires = {},
                    .priority = event.priority(),
                    .added = Number{in.number}};
  if (event.expires()) added.expires = from_micros(*event.expires());
  in.put(kFamily, in.keys.credit(space, grant), credit_row(in.builder, added));
  log(in, space, {"added", event.amount_minor(), event.kind()->str() + " " + std::string(grant)});
}

void credits_drawn(Reduction& in, const schema::CreditsDrawn& event) {
  const std::string_view space = text(event.space());
  for (const schema::CreditDraw* draw : *event.draws()) {
    take(in, space, text(draw->grant()), draw->amount_minor());
  }
  log(in, space, {kDrawn, -event.amount_minor(), event.description()->str()});
}

void credits_expired(Reduction& in, const schema::CreditsExpired& event) {
  const std::string_view space = text(event.space());
  take(in, space, text(event.grant()), event.amount_minor());
  log(in, space, {"expired", -event.amount_minor(), event.grant()->str()});
}

}  // namespace tenure::billing
