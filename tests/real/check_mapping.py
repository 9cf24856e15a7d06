#!/usr/bin/env python3
"""The mapping against the model: given the mapped commands, when the model answers them, then none
is refused and every declared state holds when its command has been answered.

    check_mapping.py DIR        exit code 0 holds, 1 differs, 77 DIR is not there
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools/history"))

from map_history import map_history, organizations
from model import Model

SKIPPED = 77


def state_of(organization):
    return {
        "members": organization.members,
        "groups": {group: sorted(users) for group, users in organization.groups.items()},
        "access": {name: {subject: [level] for subject, level in space.access.items()}
                   for name, space in organization.spaces.items() if space.access},
    }


def check(directory, org):
    commands, states = map_history(directory, org)
    model, wrong, due = Model(), 0, list(states)
    for number, command in enumerate(commands, 1):
        code = model.answer(command)
        if code:
            wrong += 1
            print(f"{org}: command {number} is refused: {code}: {command}")
        while due and due[0]["commands"] == number:
            expected = due.pop(0)
            for part, actual in state_of(model.organizations[org]).items():
                if actual != expected[part]:
                    wrong += 1
                    print(f"{org}: {part} differ after command {number}")
    print(f"{org}: {len(commands)} commands, {len(states)} states, {wrong} differences")
    return wrong


def main():
    directory = pathlib.Path(sys.argv[1])
    if not directory.is_dir():
        print(f"SKIPPED: the real history is not there: {directory}")
        return SKIPPED
    names = organizations(directory)
    wrong = sum(check(directory, org) for org in names)
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main())
