"""An organization as time passes: which periods end, which invoices come, what becomes of who does not pay."""

import datetime
from fractions import Fraction

from charges import Line, Period, half_up
from expectations import Expectations
from invoices import ENDED, STEPS, SUSPENDED, Invoice
from periods import DAY, NEVER, period_around, text_of

DEFAULT_PLAN = "unmetered"  # of the rulebook that the histories are made under
DECLINED = "tok_declined"


class Organization:
    def __init__(self, event, time, catalog, features):
        self.catalog, self.features = catalog, features
        self.plans = {plan["name"]: plan for plan in catalog["plans"]}
        self.taxes = {tax["country"]: tax["hundredths_of_percent"] for tax in catalog["taxes"]}
        self.grace = datetime.timedelta(seconds=catalog["grace_s"])
        self.consolidated = event["billing_mode"] == "consolidated"
        self.currency = event.get("currency", "EUR")
        self.clock = time if event.get("sandbox") else None
        self.stood = time     # the clock, when somebody last asked for something
        self.deleted = False
        self.anchor = None    # when its first paid plan started
        self.spaces = {}
        self.grants = {}      # space -> its credits
        self.top_ups = {}     # checkout -> what was asked for
        self.checkouts = {}   # checkout -> when it expires
        self.countries = {}   # account, that is a space or "" -> country
        self.tokens = {}
        self.invoices = {}
        self.unpaid = {}      # those of which something may be left
        self.notes = self.lines = 0
        self.expected = Expectations()

    # Periods.

    def begin_period(self, space, time, anew=True):
        """Under the mode of now. A space that stays on an invoice of its own, or leaves the organization's, keeps its anchor."""
        if self.consolidated:
            space.anchor = self.anchor
        elif anew:
            space.anchor = time
        whole = period_around(space.anchor, space.plan()["period_months"], time)
        moved = space.begin_period(Period(time, whole, space.anchor, self.consolidated))
        self.features["usage in a period that took no time"] += moved

    def end_period(self, space, time, due, by_itself=False):
        """One that ends early goes on the organization's invoice with the others of that month, while there is an organization."""
        period = space.period
        period.end = time
        period.issue_at = time + self.grace
        if period.consolidated and time < period.whole[1] and not self.deleted:
            period.issue_at = period_around(period.anchor, 1, time)[1] + self.grace
        space.past.append(period)
        space.period = None
        after = {"next_to": NEVER, "next_consolidated": False}
        if by_itself and not space.cancel_to:
            self.begin_period(space, time, anew=False)
            after = {"next_to": text_of(space.period.end), "next_consolidated": space.period.consolidated}
            if space.period.consolidated != period.consolidated:
                self.features["spaces that changed to the organization's invoice, or from it"] += 1
        self.expected.add(due, "BillingPeriodClosed", space=space.name, to=text_of(time), issue_at=text_of(period.issue_at),
                          consolidated=period.consolidated, **{"from": text_of(period.start)}, **after)

    def end_plan(self, space, time, due, cause, after):
        self.expected.add(due, "SubscriptionEnded", space=space.name, cause=cause, at=text_of(time), plan=space.plan()["name"],
                          terms=after)
        self.features["plans that ended: " + cause] += 1
        space.cancel_to = None
        space.held.append((time, after, self.number))

    def delete(self, space, time):
        for checkout in [name for name in self.checkouts if self.space_of(name) == space.name]:
            self.fail(checkout, time, "deleted")
        if space.period:
            self.end_period(space, time, time)
            self.end_plan(space, time, time, "deleted", self.plans[DEFAULT_PLAN])

    # Time.

    def due_until(self, now):
        for space in self.spaces.values():
            if space.period and space.period.end <= now:
                yield space.period.end, 0, space.name
            for period in space.past:
                if not period.issued and period.issue_at <= now:
                    yield period.issue_at, 1, "" if period.consolidated else space.name
        for space, grants in self.grants.items():
            for time, name in grants.due():
                if time <= now:
                    yield time, 2, space + "/" + name
        self.unpaid = {name: invoice for name, invoice in self.unpaid.items() if invoice.left() > 0}
        for name, invoice in self.unpaid.items():
            time = invoice.next_step(self.catalog["dunning"])
            if time and time <= now:
                yield time, 3, name
        for name, time in self.checkouts.items():
            if time <= now:
                yield time, 4, name

    def pass_time(self, now):
        """What comes by itself, in order of time, until now, which is when it is decided."""
        while True:
            due = min(self.due_until(now), default=None)
            if due is None:
                return
            time, kind, name = due
            (self.close, self.issue, self.expire, self.go_on, self.forget)[kind](name, time, now)

    def close(self, name, time, _):
        space = self.spaces[name]
        self.end_period(space, time, time, by_itself=True)
        if space.cancel_to:
            self.end_plan(space, time, time, "cancelled", space.cancel_to)

    def expire(self, name, time, _):
        space, grant = name.split("/")
        self.expected.add(time, "CreditsExpired", space=space, grant=grant, amount_minor=self.grants[space].expire(grant))
        self.features["credits that expired"] += 1

    def forget(self, checkout, time, _):
        self.fail(checkout, time, "expired")

    def space_of(self, checkout):
        top_up = self.top_ups.get(checkout)
        return top_up["space"] if top_up else next(s.name for s in self.spaces.values() if s.pending == checkout)

    def fail(self, checkout, time, cause):
        kind = "CreditsRequestFailed" if checkout in self.top_ups else "PlanChangeFailed"
        self.expected.add(time, kind, space=self.space_of(checkout), checkout=checkout, cause=cause)
        self.features[f"{kind}: {cause}"] += 1
        self.end_checkout(checkout)

    def end_checkout(self, checkout):
        del self.checkouts[checkout]
        self.top_ups.pop(checkout, None)
        for space in self.spaces.values():
            if space.pending == checkout:
                space.pending = None

    # Invoices.

    def country_of(self, account):
        return self.countries.get(account) or self.countries.get("")

    def issue(self, account, time, now):
        """The invoice of a space, or of the organization, for all periods that waited until now."""
        lines, settled = [], []
        for name in sorted(self.spaces) if account == "" else [account]:
            space = self.spaces[name]
            settling = [period for period in space.past
                        if not period.issued and period.issue_at <= time and period.consolidated == (account == "")]
            if settling:
                lines += space.charges(settling)
                settled += settling
        for period in settled:
            period.issued = True
        if not lines:
            fields = {"space": account or None, "issue_at": text_of(time)}
            self.features["periods in which nothing was charged"] += 1
            return self.expected.add(time, "NothingCharged", **fields)
        self.features["late usage"] += sum(line.late for line in lines)
        self.features["sections of an organization's invoice"] += account == "" and len({line.space for line in lines}) > 1
        issued = time if self.clock else now
        country = self.country_of(account)
        invoice = self.bill(account, issued, time, lines, country, self.taxes.get(country, 0), issue_at=text_of(time),
                            period_from=text_of(min(period.start for period in settled)),
                            period_to=text_of(max(period.end for period in settled)))
        self.ask_for_payment(invoice, issued, time)

    def bill(self, account, issued, due, lines, country, rate, **fields):
        net = sum(line.amount for line in lines)
        tax = half_up(Fraction(net * rate, 10000))
        number = len(self.invoices) + 1
        days = self.catalog["due_days"] if account else self.catalog["consolidated_due_days"]
        invoice = Invoice(f"INV-{number:06}", account, net + tax, tax, issued + days * DAY)
        self.invoices[invoice.name] = self.unpaid[invoice.name] = invoice
        self.lines += len(lines)
        self.features["invoices with tax"] += tax > 0
        self.features["invoices of an organization" if account == "" else "invoices of a space"] += 1
        self.expected.add(due, "InvoiceIssued", lines=lines, invoice=invoice.name, number=number, space=account or None,
                          net_minor=net, tax_minor=tax, total_minor=net + tax, currency=self.currency, country=country,
                          tax_hundredths_of_percent=rate, issued=text_of(issued), due=text_of(invoice.due), **fields)
        return invoice

    def ask_for_payment(self, invoice, time, due):
        """A sandbox has no payment service: what a method pays for is paid, or declined, at once."""
        token = self.tokens.get(invoice.account) or self.tokens.get("")
        if not token:
            return
        if self.clock and token != DECLINED:
            self.features["invoices that a sandbox paid"] += 1
            return self.settle(invoice, due, "sandbox")
        self.features["payments wanted"] += 1
        self.expected.add(due, "PaymentWanted", invoice=invoice.name, token=token, amount_minor=invoice.total,
                          currency=self.currency)
        if self.clock:
            self.features["payments that a sandbox declined"] += 1
            self.expected.add(due, "InvoicePaymentFailed", invoice=invoice.name, amount_minor=invoice.total)
            self.fail_payment(invoice, time, due)

    def settle(self, invoice, due, reference):
        self.expected.add(due, "InvoicePaid", invoice=invoice.name, amount_minor=invoice.left(), reference=reference)
        invoice.pay(invoice.left())

    def bill_credits(self, account, space, amount, time, country, rate, numbers):
        line = Line(space, time, time, 1, amount, numbers)
        return self.bill(account, time, time, [line], country, rate, issue_at=NEVER,
                         period_from=text_of(time), period_to=text_of(time))

    # Dunning.

    def fail_payment(self, invoice, time, due):
        """The first payment that fails begins it."""
        if invoice.step == 0:
            invoice.since = time
            self.take_step(invoice, due)

    def go_on(self, name, time, _):
        invoice = self.invoices[name]
        self.take_step(invoice, time)
        if invoice.step == ENDED:
            for space in self.spaces.values():
                if invoice.covers(space.name) and space.period:
                    self.end_period(space, time, time)
                    self.end_plan(space, time, time, "unpaid", self.plans[DEFAULT_PLAN])

    def take_step(self, invoice, due):
        fields = {"invoice": invoice.name, "space": invoice.account or None}
        kind = STEPS[invoice.step]
        invoice.step += 1
        invoice.furthest = max(invoice.furthest, invoice.step)
        if invoice.step < len(STEPS):
            fields["next"] = text_of(invoice.step_at(self.catalog["dunning"], invoice.step))
        self.features[kind] += 1
        self.expected.add(due, kind, **fields)

    def steps_of(self, space):
        return {invoice.step for invoice in self.invoices.values() if invoice.covers(space)}

    def is_suspended(self, space):
        return SUSPENDED in self.steps_of(space)

    def gets_no_paid_plan(self, space):
        """Whoever was suspended and has not paid, even when the plan is gone."""
        return bool(self.steps_of(space) & {SUSPENDED, ENDED})
