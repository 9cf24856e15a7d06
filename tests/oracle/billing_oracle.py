"""Computes invoices from events, by the rules as they are written and with exact fractions, and compares.

It reads decisions as JSON lines (billing_histories) and looks at what people and services did: plans held, usage recorded,
cancellations, deletions, credits. From these it knows which periods end when, which invoices must come, with which lines, to the
cent, and which draws and expiries credits have. What the engine decided by itself is only compared.

    billing_oracle.py PROGRAM --years 10000 [--first SEED]
"""

import argparse
import calendar
import collections
import datetime
import json
import subprocess
import sys
from fractions import Fraction

UTC = datetime.timezone.utc
HOUR = datetime.timedelta(hours=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


class Wrong(Exception):
    pass


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds(time):
    return (time - EPOCH) // datetime.timedelta(seconds=1)


def months_later(anchor, months):
    """The anchor's day in the month so many later, or that month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def period_around(anchor, months, time):
    """The whole period, of those counted from the anchor, that holds the time."""
    count = 0
    while months_later(anchor, (count + 1) * months) <= time:
        count += 1
    return months_later(anchor, count * months), months_later(anchor, (count + 1) * months)


def month_of(time):
    return time.year, time.month


def month_begin(month):
    return datetime.datetime(month[0], month[1], 1, tzinfo=UTC)


def month_end(month):
    return month_begin((month[0] + month[1] // 12, month[1] % 12 + 1))


def half_up(amount):
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def is_paid(plan):
    return plan.get("price_minor", 0) > 0


def meter_of(plan, name):
    return next((meter for meter in plan["meters"] if meter["meter"] == name), None)


Line = collections.namedtuple("Line", "space start end amount")


class Period:
    def __init__(self, start, whole):
        self.start, self.whole = start, whole
        self.end = whole[1]
        self.issue_at = None
        self.issued = False


class Use:
    """Units of a month's counter, from one to another, priced by one plan for one period."""

    def __init__(self, start, end, plan, period):
        self.start, self.end, self.plan, self.period, self.billed = start, end, plan, period, False


class Space:
    def __init__(self, name, plan, time):
        self.name = name
        self.held = [(time, plan)]  # since when which plan
        self.period = None          # the running one of a paid plan
        self.past = []
        self.anchor = None
        self.cancel_to = None
        self.counters = collections.defaultdict(list)  # (month, meter) -> uses
        self.used = collections.Counter()
        self.grants = {}

    def plan(self):
        return self.held[-1][1]

    def plan_at(self, time):
        return [plan for since, plan in self.held if since <= time][-1]

    def stretches(self, start, end):
        for i, (since, plan) in enumerate(self.held):
            until = self.held[i + 1][0] if i + 1 < len(self.held) else end
            if since < end and until > start:
                yield max(since, start), min(until, end), plan

    def fees(self, period):
        whole = seconds(period.whole[1]) - seconds(period.whole[0])
        for start, end, plan in self.stretches(period.start, period.end):
            if is_paid(plan):
                held = seconds(end) - seconds(start)
                yield Line(self.name, start, end, half_up(Fraction(plan["price_minor"]) * held / whole))

    def included(self, month, meter, end):
        """What the largest plan held in that month includes; None: no limit."""
        terms = [meter_of(plan, meter) for _, _, plan in self.stretches(month_begin(month), min(month_end(month), end))]
        limits = [meter.get("limit") for meter in terms if meter]
        return None if None in limits else max(limits, default=0)

    def overage(self, settling):
        for (month, meter), uses in sorted(self.counters.items()):
            lines = collections.OrderedDict()
            for use in uses:
                if use.billed or not (use.period in settling or use.period.issued):
                    continue
                use.billed = True
                included = self.included(month, meter, use.period.end)
                if included is None or use.end <= included:
                    continue
                key = (use.plan["name"], use.period)
                lines[key] = lines.get(key, 0) + price(meter_of(use.plan, meter), included, use.start, use.end)
            for (_, period), amount in lines.items():
                yield Line(self.name, max(month_begin(month), period.start), min(month_end(month), period.end), amount)


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


class Organization:
    def __init__(self, event):
        self.consolidated = event["billing_mode"] == "consolidated"
        self.anchor = None
        self.spaces = {}
        self.expected = collections.deque()  # (account, lines) of invoices to come
        self.expected_expiries = []
        self.number = 0
        self.lines = 0

    # Periods.

    def begin_period(self, space, time):
        if not self.consolidated:
            space.anchor = time
        elif self.anchor is None:
            self.anchor = time
        anchor = self.anchor if self.consolidated else space.anchor
        space.period = Period(time, period_around(anchor, space.plan()["period_months"], time))

    def end_period(self, space, time):
        period = space.period
        period.end = time
        period.issue_at = time + HOUR
        if self.consolidated and time < period.whole[1]:
            period.issue_at = period_around(self.anchor, 1, time)[1] + HOUR
        space.past.append(period)
        space.period = None

    def pass_time(self, now):
        """What comes by itself, in order of time, until now."""
        while True:
            events = []
            for space in self.spaces.values():
                if space.period and space.period.end <= now:
                    events.append((space.period.end, 0, space.name))
                for period in space.past:
                    if not period.issued and period.issue_at <= now:
                        events.append((period.issue_at, 1, "" if self.consolidated else space.name))
                for name, grant in space.grants.items():
                    if grant["left"] and grant["expires"] and grant["expires"] <= now:
                        events.append((grant["expires"], 2, space.name + "/" + name))
            if not events:
                return
            time, kind, name = min(events)
            if kind == 0:
                self.close(self.spaces[name], time)
            elif kind == 1:
                self.issue(name, time)
            else:
                space, grant = name.split("/")
                held = self.spaces[space].grants[grant]
                self.expected_expiries.append((space, grant, held["left"]))
                held["left"] = 0

    def close(self, space, time):
        self.end_period(space, time)
        if space.cancel_to:
            space.held.append((time, space.cancel_to))
            space.cancel_to = None
            return
        anchor = self.anchor if self.consolidated else space.anchor
        space.period = Period(time, period_around(anchor, space.plan()["period_months"], time))

    def issue(self, account, time):
        lines = []
        for name in sorted(self.spaces) if account == "" else [account]:
            space = self.spaces[name]
            settling = [period for period in space.past if not period.issued and period.issue_at <= time]
            if not settling:
                continue
            charged = [line for period in settling for line in space.fees(period)] + list(space.overage(settling))
            lines += sorted((line for line in charged if line.amount), key=lambda line: line.start)
            for period in settling:
                period.issued = True
        self.expected.append((account, lines))

    # What the engine says.

    def compare(self, event, lines):
        if not self.expected:
            raise Wrong(f"nothing was to be billed, but {event}")
        account, expected = self.expected.popleft()
        if account != event.get("space", "") or sorted(expected) != sorted(lines):
            raise Wrong(f"expected for {account!r}: {expected}\nfound for {event.get('space')!r}: {lines}")

    def on_InvoiceIssued(self, event, time):
        self.number += 1
        if event["number"] != self.number:
            raise Wrong(f"invoice {event['number']} follows {self.number - 1}")
        lines = [Line(line["space"], moment(line["from"]), moment(line["to"]), line["amount_minor"]) for line in event["lines"]]
        if [(line.space, line.start) for line in lines] != sorted((line.space, line.start) for line in lines):
            raise Wrong(f"lines are not in order of space and time: {lines}")
        if event["net_minor"] != sum(line.amount for line in lines) or event["total_minor"] != event["net_minor"] + event.get("tax_minor", 0):
            raise Wrong(f"the sum of {event}")
        self.lines += len(lines)
        self.compare(event, lines)

    def on_NothingCharged(self, event, time):
        self.compare(event, [])

    # What happened.

    def on_SpaceCreated(self, event, time):
        self.spaces[event["space"]] = Space(event["space"], event["terms"], time)

    def on_SubscriptionStarted(self, event, time):
        space = self.spaces[event["space"]]
        space.held.append((time, event["terms"]))
        self.begin_period(space, time)

    def on_PlanChanged(self, event, time):
        space = self.spaces[event["space"]]
        restarts = space.plan()["period_months"] != event["terms"]["period_months"]
        if restarts:
            self.end_period(space, time)
        space.held.append((time, event["terms"]))
        if restarts:
            self.begin_period(space, time)

    def on_CancellationScheduled(self, event, time):
        self.spaces[event["space"]].cancel_to = event["terms"]

    def on_CancellationWithdrawn(self, event, time):
        self.spaces[event["space"]].cancel_to = None

    def on_SubscriptionEnded(self, event, time):
        space = self.spaces[event["space"]]
        if event["cause"] == "cancelled":
            return  # at the end of its period, by itself
        at = moment(event["at"])
        self.end_period(space, at)
        space.cancel_to = None
        space.held.append((at, event["terms"]))

    def on_UsageRecorded(self, event, time):
        space = self.spaces[event["space"]]
        duplicates = set(event.get("duplicates", []))
        year, month = month_of(time - HOUR)
        oldest = divmod(year * 12 + month - 1 - 2, 12)
        for i, entry in enumerate(event["entries"]):
            used_at = moment(entry["time"])
            month = month_of(used_at)
            if i in duplicates or month < (oldest[0], oldest[1] + 1):
                continue
            self.count(space, month, entry["meter"], entry.get("quantity", 0), used_at)

    def count(self, space, month, meter, quantity, used_at):
        start = space.used[month, meter]
        space.used[month, meter] += quantity
        period, plan = space.period, space.plan()
        if not period or used_at < period.start:
            period = next((past for past in space.past if past.start <= used_at < past.end), None)
            plan = space.plan_at(used_at) if period else None
        if quantity and period and "tiers" in (meter_of(plan, meter) or {}):
            space.counters[month, meter].append(Use(start, start + quantity, plan, period))

    def on_CreditsAdded(self, event, time):
        expires = moment(event["expires"]) if event.get("expires") else None
        grants = self.spaces[event["space"]].grants
        grants[event["grant"]] = {"left": event["amount_minor"], "expires": expires, "priority": event.get("priority", 0),
                                  "paid": event["kind"] == "paid", "order": len(grants)}

    def on_CreditsDrawn(self, event, time):
        grants = self.spaces[event["space"]].grants
        never = datetime.datetime.max.replace(tzinfo=UTC)
        order = sorted(grants, key=lambda name: (grants[name]["priority"], grants[name]["expires"] or never, grants[name]["paid"],
                                                 grants[name]["order"]))
        missing, draws = event["amount_minor"], []
        for name in order:
            drawn = min(missing, grants[name]["left"])
            if drawn:
                draws.append({"grant": name, "amount_minor": drawn})
                grants[name]["left"] -= drawn
                missing -= drawn
        if missing or draws != event["draws"]:
            raise Wrong(f"expected the draws {draws}, found {event['draws']}")

    def on_CreditsExpired(self, event, time):
        expired = (event["space"], event["grant"], event["amount_minor"])
        if expired not in self.expected_expiries:
            raise Wrong(f"{expired} is not what expires: {self.expected_expiries}")
        self.expected_expiries.remove(expired)

    def take(self, decision):
        time = moment(decision["time"])
        if decision["actor"] != "system":
            self.pass_time(time)
        for box in decision.get("events", []):
            if decision["actor"] == "system":
                self.pass_time(self.due_at(box["event_type"], box["event"]))
            handler = getattr(self, "on_" + box["event_type"], None)
            if handler:
                handler(box["event"], time)

    def due_at(self, kind, event):
        """When something that the engine does by itself was due; it may have been done later."""
        if kind in ("InvoiceIssued", "NothingCharged"):
            return moment(event["issue_at"])
        if kind == "CreditsExpired":
            return self.spaces[event["space"]].grants[event["grant"]]["expires"]
        if kind == "SubscriptionEnded":
            return moment(event["at"])
        return EPOCH

    def end(self):
        if self.expected or self.expected_expiries:
            raise Wrong(f"never came: {list(self.expected)} {self.expected_expiries}")


class Found:
    def __init__(self):
        self.organizations = self.spaces = self.invoices = self.lines = self.overages = 0


def check(lines, found):
    organization = name = None

    def finish():
        if organization:
            organization.end()
            found.organizations += 1
            found.spaces += len(organization.spaces)
            found.invoices += organization.number
            found.lines += organization.lines

    for text in lines:
        decision = json.loads(text)
        if decision["outcome"] != "accepted":
            continue
        try:
            if decision["org"] != name:
                finish()
                name = decision["org"]
                organization = Organization(decision["events"][0]["event"])
            organization.take(decision)
        except Wrong as wrong:
            raise Wrong(f"{name}, {decision['position']}: {wrong}") from None
    finish()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("--years", type=int, default=10000)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--part", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    # Each organization has up to three spaces for a year; parts run beside each other.
    organizations = options.years // 2
    if options.part is None:
        half = (organizations + 1) // 2
        parts = [subprocess.Popen([sys.executable, __file__, options.program, "--years", "0", "--part", str(half),
                                   "--first", str(options.first + i * half)]) for i in range(2)]
        return max([part.wait() for part in parts])
    found = Found()
    histories = subprocess.Popen([options.program, str(options.first), str(options.part)], stdout=subprocess.PIPE, text=True)
    try:
        check(histories.stdout, found)
    except Wrong as wrong:
        histories.kill()
        print(wrong, file=sys.stderr)
        return 1
    if histories.wait() != 0 or found.organizations != options.part:
        print(f"{options.program} ended early, with {found.organizations} organizations", file=sys.stderr)
        return 1
    print(f"{found.organizations} organizations, {found.spaces} billing years, {found.invoices} invoices, {found.lines} lines: agreed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
