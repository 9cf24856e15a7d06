"""Computes invoices from events, by the rules as they are written and with exact fractions, and compares.

It reads the catalog and decisions as JSON lines (billing_histories) and looks at what people and services did: plans held, usage
recorded, payments, credits, ... From these it knows what must come by itself, when, to the cent. What the engine decided by itself
is only compared.

    billing_oracle.py PROGRAM --years 10000 [--first SEED]
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import subprocess
import sys

from expectations import Wrong
from history import History
from periods import moment

PARTS = 2
SPACES_AT_LEAST = 2.8

# What must occur in the histories: of what never happens, nothing is shown.
FEATURES = (
    "invoices of a space", "invoices of an organization", "sections of an organization's invoice", "invoices with tax",
    "periods in which nothing was charged", "late usage", "usage that was recorded again", "usage beyond a spending cap",
    "changes to consolidated", "changes to per_space", "spaces that changed to the organization's invoice, or from it",
    "billing details of a space", "billing details of an organization",
    "plans that ended: cancelled", "plans that ended: unpaid", "plans that ended: deleted", "organizations that were deleted",
    "PlanChangeFailed: expired", "PlanChangeFailed: deleted", "CreditsRequestFailed: expired", "CreditsRequestFailed: deleted",
    "top-ups that were paid", "top-ups on an organization's account", "credits that expired", "credits that did not suffice",
    "credits drawn from several grants",
    "payments wanted", "payments of a part", "payments that failed", "credit notes", "credit notes with tax", "credit notes that settle",
    "credit notes of an invoice that had one", "usage in a period that took no time",
    "SubscriptionPastDue", "SubscriptionWarned", "SubscriptionSuspended", "DunningEnded", "commands to a suspended space",
    "paid after 0 steps of dunning", "paid after 1 steps of dunning", "paid after 2 steps of dunning", "paid after 3 steps of dunning",
    "paid after 4 steps of dunning",
    "clocks that were advanced", "years in one command", "invoices that a sandbox paid", "payments that a sandbox declined",
)


class Found:
    def __init__(self):
        self.organizations = self.spaces = self.invoices = self.lines = 0
        self.features = collections.Counter()

    def add(self, history):
        self.organizations += 1
        self.spaces += len(history.spaces)
        self.invoices += len(history.invoices)
        self.lines += history.lines

    def merge(self, other):
        self.organizations += other.organizations
        self.spaces += other.spaces
        self.invoices += other.invoices
        self.lines += other.lines
        self.features.update(other.features)


def read_catalog(text):
    catalog = json.loads(text)
    for plan in catalog["plans"]:  # an event says what the file may leave out
        plan.setdefault("price_minor", 0)
        plan.setdefault("period_months", 0)
    return catalog


def check_organization(name, decisions, catalog, features):
    history = None
    for decision in decisions:
        try:
            if history is None:
                history = History(decision["events"][0]["event"], moment(decision["time"]), catalog, features)
            history.take(decision)
        except Wrong as wrong:
            raise Wrong(f"{name}, {decision['position']}: {wrong}") from None
        except KeyError as unknown:
            raise Wrong(f"{name}, {decision['position']}: names {unknown}, which there is not") from None
    return history


def check(lines):
    """What was found in the histories; Wrong, if the engine is."""
    lines = iter(lines)
    catalog, found = read_catalog(next(lines)), Found()
    for name, decisions in itertools.groupby(map(json.loads, lines), key=lambda decision: decision["org"]):
        found.add(check_organization(name, decisions, catalog, found.features))
    return found


def check_part(program, first, count):
    histories = subprocess.Popen([program, str(first), str(count)], stdout=subprocess.PIPE, text=True)
    try:
        found = check(histories.stdout)
    except Wrong:
        histories.kill()
        raise
    if histories.wait() != 0 or found.organizations != count:
        raise Wrong(f"{program} ended early, with {found.organizations} organizations")
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("--years", type=int, default=10000)
    arguments.add_argument("--first", type=int, default=1)
    options = arguments.parse_args()
    # Nearly every organization has its three spaces for a year and more; parts run beside each other.
    count = int(options.years / SPACES_AT_LEAST / PARTS) + 1
    firsts = [options.first + i * count for i in range(PARTS)]
    with concurrent.futures.ProcessPoolExecutor(PARTS) as pool:
        try:
            parts = list(pool.map(check_part, [options.program] * PARTS, firsts, [count] * PARTS))
        except Wrong as wrong:
            sys.exit(str(wrong))
    found = Found()
    for part in parts:
        found.merge(part)
    for feature in FEATURES:
        print(f"{found.features[feature]:>9} {feature}")
    print(f"{found.organizations} organizations, {found.spaces} billing years, {found.invoices} invoices, {found.lines} lines: agreed")
    never = [feature for feature in FEATURES if not found.features[feature]]
    if never or found.spaces < options.years:
        sys.exit(f"too few histories: {found.spaces} years, never {never}")


if __name__ == "__main__":
    main()
