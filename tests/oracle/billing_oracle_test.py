"""The oracle's own arithmetic, and that it can disagree: with each number that the engine says, and about each part of the rules.

    billing_oracle_test.py PROGRAM     as of billing_oracle.py
"""

import copy
import itertools
import json
import subprocess
import sys
import unittest
from fractions import Fraction

import billing_oracle as oracle
import charges
import periods
from expectations import Wrong
from invoices import Invoice

HISTORIES = 250

# What the engine says by itself, and what of it is compared. Of lines: see LINE.
SAID = {
    "BillingPeriodClosed": ["space", "from", "to", "issue_at", "consolidated", "next_to", "next_consolidated"],
    "SubscriptionEnded": ["space", "plan", "cause", "at"],
    "InvoiceIssued": ["invoice", "number", "space", "issue_at", "period_from", "period_to", "net_minor", "tax_minor", "total_minor",
                      "currency", "country", "tax_hundredths_of_percent", "issued", "due"],
    "NothingCharged": ["issue_at"],
    "PaymentWanted": ["invoice", "token", "amount_minor", "currency"],
    "InvoicePaid": ["invoice", "amount_minor"],
    "InvoicePartlyPaid": ["amount_minor", "left_minor"],
    "SubscriptionPastDue": ["invoice", "space", "next"],
    "SubscriptionWarned": ["invoice", "space", "next"],
    "SubscriptionSuspended": ["invoice", "space", "next"],
    "DunningEnded": ["invoice", "space"],
    "CreditNoteIssued": ["note", "number", "tax_minor"],
    "CreditsRequested": ["total_minor", "tax_hundredths_of_percent", "country"],
    "CreditsExpired": ["space", "grant", "amount_minor"],
    "CreditsRequestFailed": ["checkout"],
    "PlanChangeFailed": ["checkout"],
    "UsageRecorded": ["duplicates"],
}
LINE = ["space", "from", "to", "quantity", "amount_minor", "numbers"]

# What somebody did: had they done it otherwise, what follows would be wrong.
DONE = {
    "tax": ("BillingDetailsSet", "country", "FR"),
    "billing modes": ("BillingModeChanged", "billing_mode", lambda mode: "per_space" if mode == "consolidated" else "consolidated"),
    "top-ups": ("CreditsAdded", "amount_minor", lambda amount: amount + 1),
    "payment methods": ("PaymentMethodSet", "token", "tok_other"),
    "spending caps": ("SpendingCapSet", "amount_minor", 0),
    "parts of payments": ("InvoicePartlyPaid", "amount_minor", lambda amount: amount - 1),
    "credit notes": ("CreditNoteIssued", "amount_minor", lambda amount: amount + 1000),
    "sandboxes": ("ClockAdvanced", "to", lambda to: to.replace("20", "21", 1)),
    "drawing": ("CreditsDrawn", "amount_minor", lambda amount: amount + 1),
    "cancellations": ("CancellationScheduled", "terms", oracle.read_catalog('{"plans":[{"name":"other","meters":[]}]}')["plans"][0]),
    "plans": ("SubscriptionStarted", "terms", lambda terms: {**terms, "price_minor": terms["price_minor"] + 1}),
}
# Events of which one cannot be left out.
NEEDED = list(SAID) + ["BillingModeChanged", "InvoicePaymentFailed", "PlanChanged", "SpaceDeleted", "OrganizationDeleted",
                       "CancellationWithdrawn", "SubscriptionStarted", "CreditsAdded"]


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [each + 1 for each in value] if value else [0]
    return value.replace("20", "21", 1) if value.startswith("20") else value + "x"


def boxes_of(decisions, kind):
    """Where events of the kind stand, in decision and event."""
    for i, decision in enumerate(decisions):
        for j, box in enumerate(decision.get("events", [])):
            if box["event_type"] == kind:
                yield i, j


class Disagreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lines = subprocess.run([sys.argv[1], "1", str(HISTORIES)], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        cls.catalog = oracle.read_catalog(lines[0])
        cls.histories = [list(decisions) for _, decisions in
                         itertools.groupby(map(json.loads, lines[1:]), key=lambda decision: decision["org"])]

    def disagrees(self, decisions):
        try:
            oracle.check_organization("o", decisions, self.catalog, oracle.Found().features)
        except Wrong:
            return True
        return False

    def mutated(self, kind, mutate):
        """Histories in which one event of the kind is not as it was; `mutate` says which could be."""
        for decisions in self.histories:
            for i, j in boxes_of(decisions, kind):
                decision = copy.deepcopy(decisions[i])
                if mutate(decision, j):
                    yield decisions[:i] + [decision] + decisions[i + 1:]

    def finds(self, what, kind, mutate, always):
        """The oracle disagrees with every such history, of which there are some, or (not `always`) with one."""
        with self.subTest(what):
            said = map(self.disagrees, itertools.islice(self.mutated(kind, mutate), 5 if always else 60))
            first = next(said, None)
            self.assertIsNotNone(first, f"no history has {what}")
            self.assertTrue(first and all(said) if always else first or any(said), what)

    def test_with_every_number_that_the_engine_says(self):
        for kind, fields in SAID.items():
            for field in fields:
                def mutate(decision, j):
                    event = decision["events"][j]["event"]
                    if field not in event or event[field] == periods.NEVER:
                        return False
                    event[field] = changed(event[field])
                    return True

                self.finds(f"{kind}.{field}", kind, mutate, always=True)

    def test_with_every_line_of_an_invoice(self):
        for field in LINE:
            def mutate(decision, j):
                line = decision["events"][j]["event"]["lines"][-1]
                line[field] = changed(line[field])
                return True

            self.finds("lines." + field, "InvoiceIssued", mutate, always=True)

        def leave_out(decision, j):
            lines = decision["events"][j]["event"]["lines"]
            return len(lines) > 1 and lines.pop()

        self.finds("a line that is left out", "InvoiceIssued", leave_out, always=True)

        def turn(decision, j):
            lines = decision["events"][j]["event"]["lines"]
            before = list(lines)
            lines.sort(key=lambda line: (line["space"], line["from"]), reverse=True)
            return [(line["space"], line["from"]) for line in lines] != [(line["space"], line["from"]) for line in before]

        self.finds("lines in another order", "InvoiceIssued", turn, always=True)

    def test_about_what_was_done(self):
        for what, (kind, field, value) in DONE.items():
            def mutate(decision, j):
                event = decision["events"][j]["event"]
                if field not in event:
                    return False
                before = event[field]
                event[field] = value(before) if callable(value) else value
                return event[field] != before

            self.finds(what, kind, mutate, always=False)

    def test_about_what_is_left_out(self):
        for kind in NEEDED:
            def mutate(decision, j):
                return decision["events"].pop(j)

            self.finds("no " + kind, kind, mutate, always=False)

    def refusals(self, code, command):
        for decisions in self.histories:
            for i, decision in enumerate(decisions):
                if decision["outcome"] == "rejected" and decision["rejection"]["code"] == code and decision["command_type"] == command:
                    yield decisions, i

    def test_about_what_is_refused(self):
        """Of a smaller amount, or of another space, the same would have been allowed."""
        for code, command, field, value in (("limit_exceeded", "RecordUsage", "entries", []), ("insufficient_credits", "UseCredits", "amount_minor", 0),
                                            ("suspended", "RecordUsage", "space", "none"), ("suspended", "UpgradePlan", "space", "none")):
            with self.subTest(code + " " + command):
                cases = list(itertools.islice(self.refusals(code, command), 20))
                self.assertTrue(cases)

                def otherwise(decisions, i):
                    decision = copy.deepcopy(decisions[i])
                    decision["command"][field] = value
                    return decisions[:i] + [decision] + decisions[i + 1:]

                self.assertTrue(any(self.disagrees(otherwise(*case)) for case in cases))

    def test_with_nothing_that_is_right(self):
        self.assertFalse(any(self.disagrees(decisions) for decisions in self.histories[:40]))


class Arithmetic(unittest.TestCase):
    def test_periods_keep_their_day(self):
        anchor = periods.moment("2028-01-31T10:00:00Z")
        self.assertEqual([periods.months_later(anchor, months).day for months in range(1, 5)], [29, 31, 30, 31])
        self.assertEqual(periods.months_later(periods.moment("2028-02-29T00:00:00Z"), 12).day, 28)
        self.assertEqual(periods.months_later(periods.moment("2028-02-29T00:00:00Z"), 48).day, 29)

    def test_rounds_half_up(self):
        self.assertEqual([charges.half_up(Fraction(n, 2)) for n in (1, 2, 3, 5)], [1, 1, 2, 3])

    def test_prices_units_begun_once(self):
        terms = {"tiers": [{"from": 100000, "unit": 1000, "amount_minor": 50}]}
        self.assertEqual(charges.price(terms, 100000, 0, 100000), 0)
        self.assertEqual(charges.price(terms, 100000, 0, 100001), 50)
        self.assertEqual(charges.price(terms, 100000, 100001, 101000), 0)

    def test_prices_each_tier(self):
        terms = {"tiers": [{"from": 10, "unit": 1, "amount_minor": 3}, {"from": 20, "unit": 1, "amount_minor": 2}]}
        self.assertEqual(charges.price(terms, 10, 0, 25), 10 * 3 + 5 * 2)

    def test_credit_notes_take_back_all_of_the_tax(self):
        invoice = Invoice("INV-000001", "s", 2385, 385, None)
        self.assertEqual([invoice.credit(795) for _ in range(3)], [128, 129, 128])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
