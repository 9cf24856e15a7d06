"""What the engine must decide by itself, held against what it decided."""

import collections
import itertools

from periods import text_of


class Wrong(Exception):
    pass


Expected = collections.namedtuple("Expected", "due kind fields lines")


def fits(line, found):
    """True if a line of an invoice is the one that was computed."""
    numbers = found["numbers"]
    if line.numbers is None:
        named = not numbers
    else:
        earliest, first, last = line.numbers
        named = 1 <= len(numbers) <= 2 and earliest <= numbers[0] <= first and numbers[-1] == last
    return named and (line.space, text_of(line.start), text_of(line.end), line.quantity, line.amount) == (
        found["space"], found["from"], found["to"], found["quantity"], found["amount_minor"])


def fit(lines, found):
    """Each computed line is there once, in order of space and time."""
    if any((a["space"], a["from"]) > (b["space"], b["from"]) for a, b in itertools.pairwise(found)):
        return False
    left = list(found)
    for line in lines:
        match = next((each for each in left if fits(line, each)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def difference(expected, kind, event):
    if expected.kind != kind:
        return f"{expected.kind} {expected.fields} is due"
    fields = [f"{name} {value}, not {event.get(name)}" for name, value in expected.fields.items() if event.get(name) != value]
    lines = [] if fit(expected.lines, event.get("lines", ())) else [f"lines {expected.lines}"]
    return "expected " + "; ".join(fields + lines)


class Expectations:
    def __init__(self):
        self.left = []

    def add(self, due, kind, /, lines=(), **fields):
        self.left.append(Expected(due, kind, fields, lines))

    def meet(self, kind, event):
        """The expectation that the event meets, which must be the earliest; it is one no more."""
        for i, expected in enumerate(self.left):
            same = expected.kind == kind and all(event.get(name) == value for name, value in expected.fields.items())
            if same and fit(expected.lines, event.get("lines", ())):
                if expected.due > min(each.due for each in self.left):
                    raise Wrong(f"{kind} came before what was due earlier: {self.left}")
                return self.left.pop(i)
        raise Wrong(f"not what {kind} must say:\n{event}\n" + "\n".join(difference(each, kind, event) for each in self.left))

    def must_be_met(self):
        if self.left:
            raise Wrong(f"never came: {self.left}")
