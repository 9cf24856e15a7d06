"""The oracle's own arithmetic, and that it can disagree."""

import datetime
import json
import unittest

import billing_oracle as oracle

BASIC = {"name": "basic", "price_minor": 2000, "period_months": 1,
         "meters": [{"meter": "api_requests", "kind": "counter", "limit": 100000,
                     "tiers": [{"from": 100000, "unit": 1000, "amount_minor": 50}]}]}
FREE = {"name": "free", "meters": [{"meter": "api_requests", "kind": "counter", "limit": 1000}]}


def at(text):
    return oracle.moment(text)


def decision(time, event_type, event, actor="user:ada"):
    return json.dumps({"org": "o", "position": "0:0", "outcome": "accepted", "time": time, "actor": actor,
                       "events": [{"event_type": event_type, "event": event}]})


def history(total):
    line = {"space": "s", "from": "2026-01-31T00:00:00Z", "to": "2026-02-28T00:00:00Z", "amount_minor": total}
    return [
        decision("2026-01-01T00:00:00Z", "OrganizationCreated", {"billing_mode": "per_space"}),
        decision("2026-01-02T00:00:00Z", "SpaceCreated", {"space": "s", "terms": FREE}),
        decision("2026-01-31T00:00:00Z", "SubscriptionStarted", {"space": "s", "terms": BASIC}),
        decision("2026-01-31T01:00:00Z", "CancellationScheduled", {"space": "s", "terms": FREE}),
        decision("2026-02-28T01:00:00Z", "InvoiceIssued",
                 {"number": 1, "space": "s", "issue_at": "2026-02-28T01:00:00Z", "lines": [line], "net_minor": total, "total_minor": total},
                 "system"),
    ]


class OracleTest(unittest.TestCase):
    def test_periods_keep_their_day(self):
        anchor = at("2028-01-31T10:00:00Z")
        ends = [oracle.months_later(anchor, months).day for months in range(1, 5)]
        self.assertEqual(ends, [29, 31, 30, 31])
        self.assertEqual(oracle.months_later(at("2028-02-29T00:00:00Z"), 12).day, 28)
        self.assertEqual(oracle.months_later(at("2028-02-29T00:00:00Z"), 48).day, 29)

    def test_rounds_half_up(self):
        self.assertEqual([oracle.half_up(oracle.Fraction(n, 2)) for n in (1, 2, 3, 5)], [1, 1, 2, 3])

    def test_prices_units_begun_once(self):
        terms = BASIC["meters"][0]
        self.assertEqual(oracle.price(terms, 100000, 0, 100000), 0)
        self.assertEqual(oracle.price(terms, 100000, 0, 100001), 50)
        self.assertEqual(oracle.price(terms, 100000, 100001, 101000), 0)

    def test_agrees_with_what_is_right(self):
        found = oracle.Found()
        oracle.check(history(2000), found)
        self.assertEqual((found.organizations, found.invoices), (1, 1))

    def test_disagrees_with_a_cent(self):
        with self.assertRaisesRegex(oracle.Wrong, "expected for 's'"):
            oracle.check(history(2001), oracle.Found())

    def test_misses_an_invoice_that_never_came(self):
        with self.assertRaisesRegex(oracle.Wrong, "never came"):
            oracle.check(history(2000)[:-1] + [decision("2026-03-01T00:00:00Z", "SpaceRenamed", {})], oracle.Found())


if __name__ == "__main__":
    unittest.main()
