"""An invoice once it is issued: what is left of it, and what comes of not paying it."""

from fractions import Fraction

from charges import half_up
from periods import DAY

STEPS = ("SubscriptionPastDue", "SubscriptionWarned", "SubscriptionSuspended", "DunningEnded")
SUSPENDED, ENDED = 3, 4


class Invoice:
    def __init__(self, name, account, total, tax, due):
        self.name, self.account, self.total, self.tax, self.due = name, account, total, tax, due
        self.paid = self.credited = 0
        self.step = 0       # of STEPS, how many were taken
        self.since = due    # what their days count from
        self.furthest = 0

    def left(self):
        return self.total - self.paid - self.credited

    def covers(self, space):
        return self.account in ("", space)

    def step_at(self, dunning, step):
        days = (0, dunning["warned_days"], dunning["suspended_days"], dunning["ended_days"])
        return self.since + days[step] * DAY

    def next_step(self, dunning):
        """When the next step is due of one that is not paid; None: none is."""
        return self.step_at(dunning, self.step) if self.step < len(STEPS) else None

    def pay(self, amount):
        self.paid += amount
        if self.left() <= 0:
            self.step = 0

    def credit(self, amount):
        """The tax that comes off with it: that of all notes is the invoice's, as far as it is taken back."""
        before = half_up(Fraction(self.tax * self.credited, self.total))
        self.credited += amount
        if self.left() <= 0:
            self.step = 0
        return half_up(Fraction(self.tax * self.credited, self.total)) - before
