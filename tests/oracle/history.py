"""What people and services did, as the decisions tell it, and what the engine must have made of it."""

from fractions import Fraction

from charges import Space, half_up
from credit_grants import Grants
from expectations import Wrong
from organization import Organization
from periods import moment

# What the engine decides by itself, alone or with what somebody asked for.
BY_ITSELF = {"BillingPeriodClosed", "SubscriptionEnded", "InvoiceIssued", "NothingCharged", "CreditsExpired", "PaymentWanted",
             "SubscriptionPastDue", "SubscriptionWarned", "SubscriptionSuspended", "DunningEnded", "PlanChangeFailed",
             "CreditsRequestFailed", "InvoicePaid", "InvoicePaymentFailed"}
# What is somebody's word, if it comes by this command.
TOLD_BY = {"InvoicePaid": "RecordPayment", "InvoicePaymentFailed": "FailInvoicePayment", "PlanChangeFailed": "FailPayment",
           "CreditsRequestFailed": "FailPayment"}
PLAN_TAKEN = {"PlanChangeRequested", "SubscriptionStarted", "PlanChanged"}


def must(true, what):
    if not true:
        raise Wrong(what)


class History(Organization):
    def take(self, decision):
        time = moment(decision["time"])
        self.number = int(decision["position"].split(":")[1])
        command, events = decision["command_type"], decision.get("events", [])
        by_itself = decision["actor"] == "system"
        before = self.clock
        if by_itself or not self.clock:
            self.pass_time(time)  # in a sandbox only when its clock is advanced
        if self.clock:
            must(time == self.clock or (by_itself and time > self.clock), f"the clock stands at {self.clock}, not at {time}")
            self.clock = time
        if not by_itself:
            if decision["outcome"] == "accepted" and command == "AdvanceClock":
                self.advance(moment(events[-1]["event"]["to"]))
            self.expected.must_be_met()
        if decision["outcome"] == "rejected":
            return self.refused(command, decision["rejection"], decision["command"], time)
        derived = []
        for box in events:
            kind, event = box["event_type"], box["event"]
            if kind in BY_ITSELF and TOLD_BY.get(kind) != command:
                derived.append((kind, event))
            elif hasattr(self, "on_" + kind):
                getattr(self, "on_" + kind)(event, time)
        for kind, event in derived:
            expected = self.expected.meet(kind, event)
            must(not before or time == max(before, expected.due), f"{kind} was due at {expected.due}")
        if not by_itself:
            self.expected.must_be_met()
            self.stood = self.clock
        if command == "UpgradePlan" and any(box["event_type"] in PLAN_TAKEN for box in events):
            must(not self.gets_no_paid_plan(events[0]["event"]["space"]), "a paid plan for a space that is suspended")

    def advance(self, to):
        """All that falls due until then comes first, each at its time."""
        must(self.clock is not None and to >= self.clock, f"the clock of {self.clock} goes to {to}")
        self.pass_time(to)
        self.features["clocks that were advanced"] += 1
        self.features["years in one command"] += (to - self.stood).days >= 365
        self.expected.must_be_met()
        self.clock = to

    def refused(self, command, rejection, asked, time):
        """Refused for money, and rightly so."""
        code, space = rejection["code"], asked.get("space")
        if command == "RecordUsage" and code == "limit_exceeded":
            bound = self.spaces[space].beyond(self.spaces[space].measure(asked["entries"], time, self.number)[1])
            must(bound, f"nothing of {asked} is beyond a limit or a cap")
            self.features["usage beyond a spending cap"] += bound == "cap"
        elif code == "suspended":
            suspended = self.gets_no_paid_plan(space) if command == "UpgradePlan" else self.is_suspended(space)
            must(suspended, f"{space} is not suspended")
            self.features["commands to a suspended space"] += 1
        elif code == "insufficient_credits":
            must(self.grants[space].balance() < asked["amount_minor"], f"{asked} can be drawn")
            self.features["credits that did not suffice"] += 1

    # Organizations and spaces.

    def on_OrganizationDeleted(self, event, time):
        self.deleted = True
        self.features["organizations that were deleted"] += 1
        for space in self.spaces.values():
            self.delete(space, time)

    def on_OrganizationRestored(self, event, time):
        self.deleted = False

    def on_SpaceCreated(self, event, time):
        self.spaces[event["space"]] = Space(event["space"], event["terms"], time, self.number)
        self.grants[event["space"]] = Grants()

    def on_SpaceDeleted(self, event, time):
        self.delete(self.spaces[event["space"]], time)

    def on_ClockAdvanced(self, event, time):
        self.clock = moment(event["to"])

    # Plans.

    def on_PlanChangeRequested(self, event, time):
        self.spaces[event["space"]].pending = event["checkout"]
        self.checkouts[event["checkout"]] = moment(event["expires"])

    def on_PlanChangeFailed(self, event, time):
        self.end_checkout(event["checkout"])

    def on_SubscriptionStarted(self, event, time):
        space = self.spaces[event["space"]]
        if event.get("checkout"):
            must(space.pending == event["checkout"], f"{event} was not asked for")
            self.end_checkout(event["checkout"])
        else:
            must(self.consolidated, f"{event} without a checkout")
        self.anchor = self.anchor or time
        space.held.append((time, event["terms"], self.number))
        self.begin_period(space, time)

    def on_PlanChanged(self, event, time):
        space = self.spaces[event["space"]]
        must(space.period, f"{event} of a space without a paid plan")
        restarts = space.plan()["period_months"] != event["terms"]["period_months"]
        if restarts:
            self.end_period(space, time, time)
        space.held.append((time, event["terms"], self.number))
        if restarts:
            self.begin_period(space, time)

    def on_CancellationScheduled(self, event, time):
        self.spaces[event["space"]].cancel_to = event["terms"]

    def on_CancellationWithdrawn(self, event, time):
        self.spaces[event["space"]].cancel_to = None

    # Accounts.

    def on_BillingModeChanged(self, event, time):
        self.consolidated = event["billing_mode"] == "consolidated"
        self.features["changes to " + event["billing_mode"]] += 1

    def on_BillingDetailsSet(self, event, time):
        self.countries[event.get("space", "")] = event["country"]
        self.features["billing details of a space" if "space" in event else "billing details of an organization"] += 1

    def on_PaymentMethodSet(self, event, time):
        self.tokens[event.get("space", "")] = event["token"]

    def on_PaymentMethodRemoved(self, event, time):
        del self.tokens[event.get("space", "")]

    # Usage.

    def on_SpendingCapSet(self, event, time):
        self.spaces[event["space"]].caps[event["meter"]] = event.get("amount_minor")

    def on_UsageRecorded(self, event, time):
        space = self.spaces[event["space"]]
        must(not self.is_suspended(space.name), f"usage of {space.name}, which is suspended")
        duplicates, uses = space.measure(event["entries"], time, self.number)
        must(duplicates == event.get("duplicates", []), f"expected the duplicates {duplicates}, found {event}")
        must(not space.beyond(uses), f"{event} is beyond a {space.beyond(uses)}")
        space.count(uses)
        self.features["usage that was recorded again"] += len(duplicates) > 0

    # Credits.

    def on_CreditsRequested(self, event, time):
        self.checkouts[event["checkout"]] = moment(event["checkout_expires"])
        country = self.country_of(event["space"])
        rate = self.taxes.get(country, 0)
        total = event["amount_minor"] + half_up(Fraction(event["amount_minor"] * rate, 10000))
        said = event.get("country"), event["tax_hundredths_of_percent"], event["total_minor"]
        must(said == (country, rate, total), f"expected {country}, {rate} and {total}, found {event}")
        self.top_ups[event["checkout"]] = {**event, "country": country, "rate": rate, "number": self.number}

    def on_CreditsRequestFailed(self, event, time):
        self.end_checkout(event["checkout"])

    def on_CreditsAdded(self, event, time):
        space = event["space"]
        self.grants[space].add(event)
        if event["kind"] != "paid":
            return
        checkout, amount = event.get("checkout"), event["amount_minor"]
        if checkout:
            self.features["top-ups that were paid"] += 1
            asked = self.top_ups[checkout]
            must((asked["space"], asked["grant"], asked["amount_minor"]) == (space, event["grant"], amount), f"not asked for: {event}")
            numbers = (asked["number"],) * 3
            invoice = self.bill_credits(space, space, amount, time, asked["country"], asked["rate"], numbers)
            self.settle(invoice, time, checkout)
            return self.end_checkout(checkout)
        must(self.consolidated, f"{event} without a checkout")
        self.features["top-ups on an organization's account"] += 1
        country = self.country_of("")
        self.ask_for_payment(self.bill_credits("", space, amount, time, country, self.taxes.get(country, 0), None), time, time)

    def on_CreditsDrawn(self, event, time):
        draws = self.grants[event["space"]].draw(event["amount_minor"])
        drawn = sum(draw["amount_minor"] for draw in draws)
        must(drawn == event["amount_minor"] and draws == event["draws"], f"expected the draws {draws}, found {event}")
        self.features["credits drawn from several grants"] += len(draws) > 1

    # Payments.

    def on_InvoicePaid(self, event, time):
        invoice = self.invoices[event["invoice"]]
        must(event["amount_minor"] == invoice.left() > 0, f"{invoice.left()} is left, not {event}")
        self.features["paid after " + str(invoice.furthest) + " steps of dunning"] += 1
        invoice.pay(event["amount_minor"])

    def on_InvoicePartlyPaid(self, event, time):
        invoice = self.invoices[event["invoice"]]
        invoice.pay(event["amount_minor"])
        must(event["left_minor"] == invoice.left() > 0, f"{invoice.left()} is left, not {event}")
        self.features["payments of a part"] += 1

    def on_InvoicePaymentFailed(self, event, time):
        self.features["payments that failed"] += 1
        self.fail_payment(self.invoices[event["invoice"]], time, time)

    def on_CreditNoteIssued(self, event, time):
        invoice = self.invoices[event["invoice"]]
        self.notes += 1
        must(event["number"] == self.notes and event["note"] == f"CN-{self.notes}", f"credit note {self.notes} is {event}")
        owed = invoice.left() > 0
        self.features["credit notes of an invoice that had one"] += invoice.credited > 0
        tax = invoice.credit(event["amount_minor"])
        must(invoice.credited <= invoice.total, f"more than the invoice: {event}")
        must(event["tax_minor"] == tax, f"expected the tax {tax}, found {event}")
        self.features["credit notes with tax"] += tax > 0
        self.features["credit notes"] += 1
        if owed and invoice.left() <= 0:
            self.features["credit notes that settle"] += 1
            self.expected.add(time, "InvoicePaid", invoice=invoice.name, amount_minor=0, reference=event["note"])
