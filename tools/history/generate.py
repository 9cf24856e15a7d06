#!/usr/bin/env python3
"""Makes the history of a software company: two years of commands, most accepted, many refused.

    generate.py > company.ndjson                 the commands, one a line
    generate.py --expect > company.expected.json the answers that they must get

The same seed gives the same bytes. Commands carry no time: the story's time is in the ids of the
commands (UUID version 7) and in names. Every answer is foretold by model.py, and a command
whose answer is not the one the story meant stops the generator.
"""

import argparse
import collections
import datetime
import json
import random
import sys
import uuid

from company import Company
from market import Market
from model import Model

WEEKS = 104
START = datetime.datetime(2023, 1, 2, 8, tzinfo=datetime.timezone.utc)  # a Monday morning
SEED = 2023
FIRST = ("Ada", "Bea", "Cem", "Dana", "Eli", "Finn", "Gül", "Hugo", "Ines", "Jan", "Kai", "Lena",
         "Mila", "Noor", "Ole", "Pia", "Quin", "Rosa", "Sven", "Tove", "Uma", "Vera", "Wim")
LAST = ("Aalto", "Berg", "Costa", "Dietz", "Ekman", "Fabre", "Gruber", "Hansen", "Ivanov",
        "Jensen", "Keller", "Lund", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Silva", "Tan")


class History:
    """The commands so far, the answers that they must get, and the story's clock."""

    def __init__(self, seed, personal):
        self.random = random.Random(seed)
        self.personal = personal
        self.model = Model()
        self.now = START
        self.commands = []
        self.codes = []  # of each command: None if accepted, else the rejection code

    def begin_week(self, week):
        self.now = max(self.now, START + datetime.timedelta(weeks=week))

    def send(self, org, actor, command_type, /, refused=None, reason=None, version=None,
             **command):
        """Appends a command that must be accepted, or `refused` with that code."""
        self.now += datetime.timedelta(milliseconds=self.random.randrange(10_000, 3_000_000))
        envelope = {"id": self.new_id(), "org": org, "actor": actor,
                    "command_type": command_type, "command": command}
        if version is not None:
            envelope["expected_version"] = version
        if self.personal and reason:
            envelope["reason"] = reason
        return self.repeat(envelope, refused)

    def repeat(self, envelope, refused=None):
        """Appends the command as it is: what a client does that lost the answer."""
        code = self.model.answer(envelope)
        if code != refused:
            raise AssertionError(f"meant {refused}, answered {code}: {envelope}")
        self.commands.append(envelope)
        self.codes.append(code)
        return envelope

    def person(self, number):
        """The personal fields of the person with that number."""
        if not self.personal:
            return {}
        name = f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}"
        return {"name": name, "email": f"e{number}@halden.example"}

    def new_id(self):
        """A UUID of version 7: the story's milliseconds, then random bits."""
        milliseconds = int(self.now.timestamp() * 1000)
        bits = self.random.getrandbits(74)
        high, low = bits >> 62, bits & (1 << 62) - 1
        return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def tell(seed, personal):
    history = History(seed, personal)
    company = Company(history)
    market = Market(history, company)
    for week in range(WEEKS):
        history.begin_week(week)
        company.week(week)
        market.week(week)
    return history


def expected(history):
    """What the answers must be: in sum, refusals by line (the first is 1), and the state left."""
    refused = {str(line): code for line, code in enumerate(history.codes, 1) if code}
    keys = {(one["org"], one["actor"], one["id"]) for one in history.commands}
    return {
        "commands": len(history.commands),
        "accepted": len(history.commands) - len(refused),
        "rejected": dict(sorted(collections.Counter(refused.values()).items())),
        "repeated": len(history.commands) - len(keys),
        "organizations": {name: summary(org)
                          for name, org in history.model.organizations.items()},
        "refused_lines": refused,
    }


def summary(org):
    spaces = {name: {"plan": one.plan, "pending": bool(one.pending),
                     "resources": len(one.resources), "members": len(org.users_of(name)),
                     "api_requests": one.used}
              for name, one in sorted(org.spaces.items())}
    return {"version": org.version,
            "members": dict(sorted(collections.Counter(org.members.values()).items())),
            "groups": {name: len(users) for name, users in sorted(org.groups.items())},
            "spaces": spaces}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--personal", action="store_true",
                        help="with names, e-mail addresses and reasons, which are sealed fields")
    parser.add_argument("--expect", action="store_true", help="print the expected answers instead")
    arguments = parser.parse_args()
    history = tell(arguments.seed, arguments.personal)
    if arguments.expect:
        json.dump(expected(history), sys.stdout, indent=1)
        print()
        return
    for command in history.commands:
        print(json.dumps(command, separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    main()
