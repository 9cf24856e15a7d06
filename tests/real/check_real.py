#!/usr/bin/env python3
"""The real histories through a server: when their commands are applied, then none is refused, and
each declared state is what the server answers, live when it is reached and `as_of` its version when
all is over.

    check_real.py DIR    exit code 0 holds, 1 differs, 77 DIR is not there
"""

import pathlib
import sys
import tempfile

from map_history import map_history, organizations
from tenure import Server

SKIPPED = 77
LEVELS = ("Admin", "ReadWrite", "Readonly")  # highest first
BATCH = 500


def effective(state):
    """Space -> user -> (levels, where they come from), composed from a declared state."""
    spaces = {}
    for space, access in state["access"].items():
        held = {user: [("Admin", "role:SYSTEM_ADMIN")]
                for user, role in state["members"].items() if role == "SYSTEM_ADMIN"}
        for subject, (level,) in access.items():
            for user in state["groups"][subject.removeprefix("group:")]:
                held.setdefault(user, []).append((level, subject))
        spaces[space] = {
            user: ([min((level for level, _ in grants), key=LEVELS.index)],
                   sorted(via for _, via in grants))
            for user, grants in held.items()}
    return spaces


def read_state(server, org, **moment):
    """What the server answers, in the form of a declared state, and the effective access."""
    members = server.list("members", "orgs", org, "members", **moment)
    groups = server.list("groups", "orgs", org, "groups", **moment)
    state = {"members": {one["user"]: one["role"] for one in members},
             "groups": {one["group"]: sorted(one["users"]) for one in groups},
             "access": {}, "effective": {}}
    for space in server.list("spaces", "orgs", org, "spaces", **moment):
        path = ("orgs", org, "spaces", space["space"])
        access = {one["subject"]: one["roles"]
                  for one in server.list("access", *path, "access", **moment)}
        if access:
            people = server.list("members", *path, "members", **moment)
            state["access"][space["space"]] = access
            state["effective"][space["space"]] = {
                one["user"]: (one["roles"], sorted(one["via"])) for one in people}
    return state


def differences(expected, actual):
    """One line for each entry, of any part of the state, that is not as declared."""
    expected = {part: expected[part] for part in ("members", "groups", "access")} | {
        "effective": effective(expected)}
    for part, declared in expected.items():
        for key in sorted(declared.keys() | actual[part].keys()):
            if declared.get(key) != actual[part].get(key):
                yield f"{part} of {key}: {actual[part].get(key)}, declared {declared.get(key)}"


def check_state(server, org, state, when, **moment):
    wrong = list(differences(state, read_state(server, org, **moment)))
    for line in wrong[:10]:
        print(f"{org}: {when}: {line}")
    if len(wrong) > 10:
        print(f"{org}: {when}: and {len(wrong) - 10} more")
    return len(wrong)


def submit(server, org, commands):
    """-> (the last decision, how many were refused)"""
    refused = 0
    for start in range(0, len(commands), BATCH):
        decisions = server.submit(*commands[start:start + BATCH])
        for decision in decisions:
            if decision["outcome"] != "accepted":
                refused += 1
                print(f"{org}: refused: {decision}")
    return decisions[-1], refused


def check(server, directory, org):
    commands, states = map_history(directory, org)
    wrong, sent, versions = 0, 0, []
    for state in states:
        last, refused = submit(server, org, commands[sent:state["commands"]])
        sent = state["commands"]
        wrong += refused + check_state(server, org, state, f"live at {last['version']}",
                                       at_least=last["position"])
        versions.append(last["version"])
    if commands[sent:]:
        wrong += submit(server, org, commands[sent:])[1]
    for state, version in zip(states, versions):
        wrong += check_state(server, org, state, f"as of {version}", as_of=version)
    print(f"{org}: {len(commands)} commands, {len(states)} states live and as of {versions}, "
          f"{wrong} differences")
    return wrong


def main():
    directory = pathlib.Path(sys.argv[1])
    if not directory.is_dir():
        print(f"SKIPPED: the real history is not there: {directory}")
        return SKIPPED
    names = organizations(directory)
    with tempfile.TemporaryDirectory(prefix="tenure-real-") as data, \
            Server(f"{data}/data", "--log-level", "error") as server:
        wrong = sum(check(server, directory, org) for org in names)
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main())
