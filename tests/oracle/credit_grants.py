"""The credits of a space."""

import datetime

from periods import UTC, moment

FOR_EVER = datetime.datetime.max.replace(tzinfo=UTC)


class Grants:
    def __init__(self):
        self.held = {}

    def add(self, event):
        expires = moment(event["expires"]) if event.get("expires") else FOR_EVER
        self.held[event["grant"]] = {"left": event["amount_minor"], "expires": expires, "priority": event.get("priority", 0),
                                     "paid": event["kind"] == "paid", "order": len(self.held)}

    def balance(self):
        return sum(grant["left"] for grant in self.held.values())

    def draw(self, amount):
        """Draws, by grant, as much of the amount as there is."""
        def order(name):
            grant = self.held[name]
            return grant["priority"], grant["expires"], grant["paid"], grant["order"]

        draws = []
        for name in sorted(self.held, key=order):
            drawn = min(amount, self.held[name]["left"])
            if drawn:
                draws.append({"grant": name, "amount_minor": drawn})
                self.held[name]["left"] -= drawn
                amount -= drawn
        return draws

    def due(self):
        for name, grant in self.held.items():
            if grant["left"] and grant["expires"] != FOR_EVER:
                yield grant["expires"], name

    def expire(self, name):
        left, self.held[name]["left"] = self.held[name]["left"], 0
        return left
