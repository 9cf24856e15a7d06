#include "engine/domain/catalog.h"

#include <algorithm>
#include <set>

#include "engine/domain/money.h"
#include "engine/domain/names.h"
#include "engine/domain/plan_terms.h"

namespace tenure {
namespace {

std::unexpected<Error> wrong(const std::string& where, const std::string& what) {
  return fail(ErrorKind::kInvalid, "catalog, " + where + ": " + what);
}

constexpr Minor kMaxPrice = 1'000'000'000'000;

// The tiers of a soft limit begin where the included amount ends, and each beyond the one before.
Result<void> check_tiers(const std::string& where, const schema::MeterTerms& meter) {
  if (meter.tiers() == nullptr) return {};
  if (meter.kind() != schema::MeterKind::counter || !meter.limit()) {
    return wrong(where, "tiers price the units beyond a counter's limit; give it a limit");
  }
  uint64_t expected = *meter.limit();
  for (const schema::PriceTier* tier : *meter.tiers()) {
    if (tier->from() < expected) return wrong(where, "tiers must rise, from the limit on");
    if (tier->unit() == 0) return wrong(where, "a tier's unit must be at least 1");
    if (tier->amount_minor() < 0 || tier->amount_minor() > kMaxPrice) {
      return wrong(where, "a tier's amount must be 0 to 10^12");
    }
    expected = tier->from() + 1;
  }
  if (meter.tiers()->size() == 0 || meter.tiers()->Get(0)->from() != *meter.limit()) {
    return wrong(where, "the first tier must begin at the limit");
  }
  return {};
}

Result<void> check_plan(const schema::Plan& plan) {
  const std::string where = "plan " + in_quotes(plan.name()->string_view());
  if (!is_valid_id(plan.name()->string_view())) return wrong(where, "the name must be an id");
  if (plan.price_minor() < 0) return wrong(where, "price_minor must not be negative");
  if (plan.price_minor() > kMaxPrice) return wrong(where, "price_minor must be at most 10^12");
  const uint32_t months = plan.period_months();
  if (plan.price_minor() > 0 ? months != 1 && months != 12 : months != 0) {
    return wrong(where, "period_months must be 1 or 12 with a price, and absent without one");
  }
  std::set<std::string_view> meters;
  for (const schema::MeterTerms* meter : *plan.meters()) {
    const std::string_view name = meter->meter()->string_view();
    const std::string meter_where = where + ", meter " + in_quotes(name);
    if (!is_valid_id(name)) return wrong(meter_where, "the name must be an id");
    if (!meters.insert(name).second) return wrong(meter_where, "is listed twice");
    TRY(check_tiers(meter_where, *meter));
  }
  return {};
}

Result<void> check_billing(const schema::Catalog& catalog) {
  constexpr uint32_t kMaxDays = 3650;
  if (!catalog.grace_s()) return wrong("grace_s", "must be given, in seconds");
  if (!catalog.due_days() || !catalog.consolidated_due_days()) {
    return wrong("due_days", "must be given, and consolidated_due_days with it");
  }
  if (*catalog.grace_s() > kMaxDays * 86'400u || *catalog.due_days() > kMaxDays ||
      *catalog.consolidated_due_days() > kMaxDays) {
    return wrong("grace_s, due_days", "must be at most ten years");
  }
  const schema::Dunning* dunning = catalog.dunning();
  if (dunning == nullptr) return wrong("dunning", "must be given");
  if (dunning->warned_days() == 0 || dunning->suspended_days() <= dunning->warned_days() ||
      dunning->ended_days() <= dunning->suspended_days() || dunning->ended_days() > kMaxDays) {
    return wrong("dunning", "warned_days, suspended_days and ended_days must rise, from 1 on");
  }
  if (catalog.taxes() == nullptr) return {};
  std::set<std::string_view> countries;
  for (const schema::TaxRate* tax : *catalog.taxes()) {
    const std::string_view country = tax->country()->string_view();
    const std::string where = "taxes, " + in_quotes(country);
    if (!is_country(country)) return wrong(where, "must be two capital letters (ISO 3166-1)");
    if (!countries.insert(country).second) return wrong(where, "is listed twice");
    if (tax->hundredths_of_percent() > 10'000) return wrong(where, "must be at most 100 %");
  }
  return {};
}

}  // namespace

Result<Catalog> Catalog::create(std::vector<uint8_t> buffer) {
  Catalog catalog(std::move(buffer));
  const std::string_view currency = catalog.currency();
  if (currency.size() != 3 ||
      !std::ranges::all_of(currency, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return wrong("currency", "must be three capital letters (ISO 4217)");
  }
  TRY(check_billing(catalog.root()));
  std::set<std::string_view> plans;
  for (const schema::Plan* plan : *catalog.root().plans()) {
    TRY(check_plan(*plan));
    if (!plans.insert(plan->name()->string_view()).second) {
      return wrong("plan " + in_quotes(plan->name()->string_view()), "is listed twice");
    }
  }
  if (plans.empty()) return wrong("plans", "must not be empty");
  return catalog;
}

const schema::Catalog& Catalog::root() const {
  return *flatbuffers::GetRoot<schema::Catalog>(buffer_.data());
}

const schema::Plan* Catalog::find(std::string_view plan) const {
  for (const schema::Plan* candidate : *root().plans()) {
    if (candidate->name()->string_view() == plan) return candidate;
  }
  return nullptr;
}

std::string_view Catalog::currency() const { return root().currency()->string_view(); }

Duration Catalog::grace() const { return std::chrono::seconds(*root().grace_s()); }

Duration Catalog::due_after(bool consolidated) const {
  return std::chrono::days(consolidated ? *root().consolidated_due_days() : *root().due_days());
}

const schema::Dunning& Catalog::dunning() const { return *root().dunning(); }

uint32_t Catalog::tax_hundredths_of_percent(std::string_view country) const {
  if (root().taxes() == nullptr) return 0;
  for (const schema::TaxRate* tax : *root().taxes()) {
    if (tax->country()->string_view() == country) return tax->hundredths_of_percent();
  }
  return 0;
}

const flatbuffers::Vector<flatbuffers::Offset<schema::Plan>>& Catalog::plans() const {
  return *root().plans();
}

std::string Catalog::plan_names() const {
  std::string names;
  for (const schema::Plan* plan : *root().plans()) {
    if (!names.empty()) names += ", ";
    names += plan->name()->string_view();
  }
  return names;
}

std::optional<std::string> why_not_sold(const Catalog& catalog, const schema::Plan& plan,
                                        std::string_view currency) {
  if (!is_paid(plan) || currency == catalog.currency()) return std::nullopt;
  return "plan " + in_quotes(plan.name()->string_view()) + " is sold in " +
         std::string(catalog.currency()) + ", the organization pays in " + std::string(currency);
}

}  // namespace tenure
