#include "engine/domain/invoice_lines.h"

#include <algorithm>
#include <ranges>

#include "engine/domain/calendar.h"
#include "engine/domain/money.h"

namespace tenure {
namespace {

// Fees run by whole seconds.
uint64_t seconds_between(Time from, Time to) {
  const auto second = [](Time time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  };
  return to <= from ? 0 : static_cast<uint64_t>(second(to) - second(from));
}

void add_fees(const Charged& charged, const Period& period, std::vector<ChargeLine>& lines) {
  const uint64_t whole = seconds_between(period.whole_from, period.whole_to);
  for (size_t i = 0; i < charged.stretches.size(); ++i) {
    const Stretch& stretch = charged.stretches[i];
    const bool last = i + 1 == charged.stretches.size();
    const Time from = std::max(stretch.from, period.from);
    const Time to = last ? period.to : std::min(charged.stretches[i + 1].from, period.to);
    const uint64_t held = seconds_between(from, to);
    if (held == 0 || !is_paid(stretch.terms.get())) continue;
    lines.push_back({.description = std::string(stretch.terms.name()),
                     .space = std::string(charged.space),
                     .quantity = 1,
                     .amount = share(stretch.terms.get().price_minor(), held, whole),
                     .from = from,
                     .to = to,
                     .numbers = {stretch.began}});
  }
}

// The most that a plan held between `from` and `to` includes of a meter; nothing: one had no limit.
std::optional<uint64_t> included(std::span<const Stretch> stretches, std::string_view meter,
                                 Time from, Time to) {
  uint64_t most = 0;
  for (size_t i = 0; i < stretches.size(); ++i) {
    const bool over = i + 1 < stretches.size() && stretches[i + 1].from <= from;
    const schema::MeterTerms* terms = stretches[i].terms.meter(meter);
    if (over || stretches[i].from >= to || terms == nullptr) continue;
    if (!terms->limit()) return std::nullopt;
    most = std::max(most, *terms->limit());
  }
  return most;
}

// The units from `from` to `to` of a month's counter, of which `included` are paid by the fee. A
// unit of a tier that is begun twice, by ranges that follow each other, is paid once.
Minor price_of_units(const schema::MeterTerms& terms, uint64_t included, uint64_t from,
                     uint64_t to) {
  Minor price = 0;
  const auto& tiers = *terms.tiers();
  for (uint32_t i = 0; i < tiers.size(); ++i) {
    const schema::PriceTier& tier = *tiers[i];
    const uint64_t begin = i == 0 ? included : std::max(included, tier.from());
    const uint64_t end =
        i + 1 == tiers.size() ? UINT64_MAX : std::max(included, tiers[i + 1]->from());
    const auto begun_until = [&](uint64_t units) {
      const uint64_t within = std::clamp(units, begin, std::max(begin, end)) - begin;
      return within / tier.unit() + (within % tier.unit() != 0);
    };
    price += times(tier.amount_minor(), begun_until(to) - begun_until(from));
    price = std::min(price, kMaxMinor);
  }
  return price;
}

// The one that a range was recorded for. Of those that begin together all but the last took no
// time: what was used then belongs to the last.
const Period* period_of(const UsageRange& range, std::span<const Period> periods) {
  const auto backwards = std::views::reverse(periods);
  const auto found = std::ranges::find(backwards, range.period_from, &Period::from);
  return found == backwards.end() ? nullptr : &*found;
}

bool is_one_of(const Period& period, std::span<const Period> settling) {
  return std::ranges::find(settling, period) != settling.end();
}

std::string overage_text(std::string_view meter, uint64_t included, const UsageRange& range,
                         bool late) {
  std::string text(meter);
  text += " beyond " + std::to_string(included) + ", " + std::string(range.terms.name());
  return late ? text + ", late" : text;
}

// Ranges of one plan and period make one line.
void add_overage(const Charged& charged, Month month, const std::string& meter,
                 const Counter& counter, std::vector<ChargeLine>& lines) {
  const size_t first_line = lines.size();
  for (const UsageRange& range : counter.ranges) {
    if (!is_charged(range, charged.settling, charged.periods)) continue;
    const Period* period = period_of(range, charged.periods);
    const bool late = !is_one_of(*period, charged.settling);
    const Time from = std::max(month_begin(month), period->from);
    const Time to = std::min(month_begin(month + 1), period->to);
    const auto most = included(charged.stretches, meter, month_begin(month), to);
    if (!most || range.to <= *most) continue;
    const std::string text = overage_text(meter, *most, range, late);
    auto line = std::find_if(
        lines.begin() + static_cast<ptrdiff_t>(first_line), lines.end(),
        [&](const ChargeLine& held) { return held.description == text && held.from == from; });
    if (line == lines.end()) {
      lines.push_back({.description = text,
                       .space = std::string(charged.space),
                       .quantity = 0,
                       .amount = 0,
                       .from = from,
                       .to = to,
                       .numbers = {range.first}});
      line = lines.end() - 1;
    }
    line->quantity += range.to - std::max(range.from, *most);
    line->amount += price_of_units(*range.terms.meter(meter), *most, range.from, range.to);
    line->amount = std::min(line->amount, kMaxMinor);
    line->numbers.resize(1);
    if (range.last != line->numbers.front()) line->numbers.push_back(range.last);
  }
}

}  // namespace

std::vector<Period> periods_of(const Space& space) {
  std::vector<Period> periods = space.periods;
  const Subscription& held = space.subscription;
  if (held.status == SubscriptionStatus::kActive) {
    periods.push_back({.from = held.period_from, .to = held.period_to, .whole_from{}, .whole_to{}});
  }
  return periods;
}

std::vector<ChargeLine> charge_lines(const Charged& charged) {
  std::vector<ChargeLine> lines;
  for (const Period& period : charged.settling) add_fees(charged, period, lines);
  for (const auto& [key, counter] : charged.counters) {
    add_overage(charged, key.first, key.second, counter, lines);
  }
  std::erase_if(lines, [](const ChargeLine& line) { return line.amount == 0; });
  std::ranges::stable_sort(lines, {}, &ChargeLine::from);
  return lines;
}

bool is_charged(const UsageRange& range, std::span<const Period> settling,
                std::span<const Period> periods) {
  if (range.billed) return false;
  const Period* period = period_of(range, periods);
  return period != nullptr && (period->settled || is_one_of(*period, settling));
}

Minor overage_of(const Counter& counter, std::span<const Stretch> stretches, Month month,
                 std::string_view meter) {
  const auto most = included(stretches, meter, month_begin(month), month_begin(month + 1));
  Minor price = 0;
  if (!most) return price;
  for (const UsageRange& range : counter.ranges) {
    price += price_of_units(*range.terms.meter(meter), *most, range.from, range.to);
    price = std::min(price, kMaxMinor);
  }
  return price;
}

const Stretch* stretch_at(std::span<const Stretch> stretches, Time at) {
  const auto after = std::ranges::upper_bound(stretches, at, {}, &Stretch::from);
  return after == stretches.begin() ? nullptr : &*(after - 1);
}

Minor sum_of(std::span<const ChargeLine> lines) {
  Minor sum = 0;
  for (const ChargeLine& line : lines) sum = std::min(sum + line.amount, kMaxMinor);
  return sum;
}

}  // namespace tenure
