"""What a space is charged: the fees of the plans it held, and its use beyond what they include."""

import collections
from fractions import Fraction

from periods import moment, month_begin, month_end, month_of, oldest_month, seconds

# `numbers`: the decisions that it came from are one of the first two at the earliest, and the last at the latest.
Line = collections.namedtuple("Line", "space start end quantity amount numbers late", defaults=[False])


def half_up(amount):
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def is_paid(plan):
    return plan.get("price_minor", 0) > 0


def meter_of(plan, name):
    return next((meter for meter in plan["meters"] if meter["meter"] == name), None)


def price(terms, included, start, end):
    """The units beyond what is included, each tier by units begun."""
    total = 0
    tiers = terms["tiers"]
    for i, tier in enumerate(tiers):
        low = included if i == 0 else max(included, tier.get("from", 0))
        high = max(low, tiers[i + 1]["from"]) if i + 1 < len(tiers) else None

        def begun(units):
            inside = max(units, low) if high is None else min(max(units, low), high)
            return -(-(inside - low) // tier["unit"])

        total += tier.get("amount_minor", 0) * (begun(end) - begun(start))
    return total


class Period:
    """A billing period of a space, and the whole one that it is a part of."""

    def __init__(self, start, whole, anchor, consolidated):
        self.start, self.whole, self.anchor, self.consolidated = start, whole, anchor, consolidated
        self.end = whole[1]
        self.issue_at = None
        self.issued = False


class Use:
    """Units of a month's counter, from one to another, priced by one plan for one period."""

    def __init__(self, start, end, plan, period, number):
        self.start, self.end, self.plan, self.period, self.number, self.billed = start, end, plan, period, number, False

    def terms(self, meter):
        return meter_of(self.plan, meter)


class Space:
    def __init__(self, name, plan, time, number):
        self.name = name
        self.held = [(time, plan, number)]  # since when which plan, and the decision
        self.period = None                  # the running one of a paid plan
        self.past = []
        self.anchor = None
        self.cancel_to = None
        self.pending = None                 # the checkout of a plan
        self.counters = collections.defaultdict(list)  # (month, meter) -> uses
        self.used = collections.Counter()
        self.seen = collections.defaultdict(set)       # month -> usage ids
        self.caps = {}

    # Plans.

    def plan(self):
        return self.held[-1][1]

    def plan_at(self, time):
        return [plan for since, plan, _ in self.held if since <= time][-1]

    def stretches(self, start, end):
        for i, (since, plan, number) in enumerate(self.held):
            until = self.held[i + 1][0] if i + 1 < len(self.held) else end
            if since < end and until > start:
                yield max(since, start), min(until, end), plan, number

    def begin_period(self, period):
        """What was used in a period that took no time belongs to the one that begins then. Returns how much that is."""
        moved = 0
        for past in self.past:
            if past.start == past.end == period.start:
                for uses in self.counters.values():
                    for use in uses:
                        if use.period is past and not use.billed:
                            use.period = period
                            moved += 1
        self.period = period
        return moved

    # Charges.

    def charges(self, settling):
        """The lines of an invoice of these periods, in order of time."""
        lines = [line for period in settling for line in self.fees(period)] + list(self.overage(settling))
        return sorted((line for line in lines if line.amount), key=lambda line: line.start)

    def fees(self, period):
        whole = seconds(period.whole[1]) - seconds(period.whole[0])
        for start, end, plan, number in self.stretches(period.start, period.end):
            if is_paid(plan):
                held = seconds(end) - seconds(start)
                amount = half_up(Fraction(plan["price_minor"]) * held / whole)
                yield Line(self.name, start, end, 1, amount, (number, number, number))

    def included(self, month, meter, end):
        """What the largest plan held in that month includes; None: no limit."""
        terms = [meter_of(plan, meter) for _, _, plan, _ in self.stretches(month_begin(month), min(month_end(month), end))]
        limits = [meter.get("limit") for meter in terms if meter]
        return None if None in limits else max(limits, default=0)

    def overage(self, settling):
        for (month, meter), uses in sorted(self.counters.items()):
            groups = collections.OrderedDict()  # a line for each plan and period
            for use in uses:
                if use.billed or not (use.period in settling or use.period.issued):
                    continue
                use.billed = True
                included = self.included(month, meter, use.period.end)
                if included is not None and use.end > included:
                    groups.setdefault((use.plan["name"], use.period), []).append((use, included))
            for (_, period), group in groups.items():
                yield Line(self.name, max(month_begin(month), period.start), min(month_end(month), period.end),
                           sum(use.end - max(use.start, included) for use, included in group),
                           sum(price(use.terms(meter), included, use.start, use.end) for use, included in group),
                           (uses[0].number, group[0][0].number, group[-1][0].number), period not in settling)

    # Usage.

    def under(self, used_at):
        """The plan that holds for what was used then, and the period that it is billed with."""
        if self.period and used_at >= self.period.start:
            return self.plan(), self.period
        period = next((past for past in self.past if past.start <= used_at < past.end), None)
        return (self.plan_at(used_at), period) if period else (self.plan(), None)

    def measure(self, entries, now, number):
        """The duplicates among the entries, and the uses that the others are, by month and meter."""
        oldest = oldest_month(now)
        duplicates, ids, uses, rising = [], set(), collections.defaultdict(list), collections.Counter()
        for i, entry in enumerate(entries):
            used_at = moment(entry["time"]) if "time" in entry else now
            month, name = month_of(used_at), (entry["source"], entry["id"])
            if month < oldest:
                continue
            if name in ids or any(name in seen for since, seen in self.seen.items() if since >= oldest):
                duplicates.append(i)
                continue
            ids.add(name)
            key = month, entry["meter"]
            start = self.used[key] + rising[key]
            rising[key] += entry.get("quantity", 0)
            uses[key].append((Use(start, self.used[key] + rising[key], *self.under(used_at), number), name))
        return duplicates, uses

    def count(self, uses):
        for (month, meter), measured in uses.items():
            for use, name in measured:
                self.seen[month].add(name)
                self.used[month, meter] = use.end
                if use.end > use.start and use.period and "tiers" in (use.terms(meter) or {}):
                    self.counters[month, meter].append(use)

    def beyond(self, uses):
        """Which bound the uses exceed: "limit", "cap" or None."""
        for (_, meter), measured in uses.items():
            for use, _ in measured:
                terms = use.terms(meter)
                if "limit" in terms and "tiers" not in terms and use.end > terms["limit"]:
                    return "limit"
        for key, measured in uses.items():
            cap = self.caps.get(key[1])
            if cap is None:
                continue
            before = self.cost(key, self.counters.get(key, []))
            cost = before + self.cost(key, [use for use, _ in measured if use.period and "tiers" in use.terms(key[1])])
            if cost > cap and cost > before:
                return "cap"
        return None

    def cost(self, key, uses):
        """Of all that a month's counter has beyond what is included."""
        month, meter = key
        included = self.included(month, meter, month_end(month))
        return 0 if included is None else sum(price(use.terms(meter), included, use.start, use.end) for use in uses)
