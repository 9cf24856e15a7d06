#!/usr/bin/env python3
"""The committed history through the engine: when `tenure apply` applies it, then each line is
answered as company.expected.json foretells, and a server on that directory shows the state named.

    check_company.py
"""

import collections
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from tenure import TENURE, Server, address

HISTORY = pathlib.Path(__file__).parents[2] / "tools/history"


def apply(data):
    """-> the code of each line, None where accepted"""
    run = subprocess.run([TENURE, "apply", HISTORY / "company.ndjson", "--data", data, "--json"],
                         stdout=subprocess.PIPE, text=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    return [one.get("rejection", {}).get("code") for one in answers if "outcome" in one]


def answer_faults(codes, expected):
    if len(codes) != expected["commands"]:
        yield f"{len(codes)} answers to {expected['commands']} commands"
    for line, code in enumerate(codes, 1):
        foretold = expected["refused_lines"].get(str(line))
        if code != foretold:
            yield f"company.ndjson:{line}: answered {code}, foretold {foretold}"


def read_space(server, org, space):
    path = ("orgs", org, "spaces", space)
    used = {one["meter"]: one["used"] for one in server.read(address(*path, "usage")).json["meters"]}
    billing = server.read(address(*path, "billing")).json
    return {"plan": billing["plan"], "pending": billing["status"] == "pending_payment",
            "resources": used["resources"], "members": used["members"],
            "api_requests": used["api_requests"]}


def read_organization(server, org):
    members = server.list("members", "orgs", org, "members")
    groups = server.list("groups", "orgs", org, "groups")
    spaces = server.list("spaces", "orgs", org, "spaces")
    return {"version": server.read(address("orgs", org)).json["version"],
            "members": dict(collections.Counter(one["role"] for one in members)),
            "groups": {one["group"]: len(one["users"]) for one in groups},
            "spaces": {one["space"]: read_space(server, org, one["space"]) for one in spaces}}


def state_faults(server, expected):
    for org, foretold in expected["organizations"].items():
        actual = read_organization(server, org)
        for part in foretold:
            if actual[part] != foretold[part]:
                yield f"{org}: {part} are {actual[part]}, foretold {foretold[part]}"


def check(expected):
    began = time.gmtime()
    with tempfile.TemporaryDirectory(prefix="tenure-company-") as directory:
        data = f"{directory}/data"
        faults = list(answer_faults(apply(data), expected))
        with Server(data, "--log-level", "error") as server:
            faults += state_faults(server, expected)
    # The counters begin anew with the month: what ran across its end says nothing.
    return faults if time.gmtime().tm_mon == began.tm_mon else check(expected)


def main():
    expected = json.loads((HISTORY / "company.expected.json").read_text())
    faults = check(expected)
    for fault in itertools.islice(faults, 40):
        print(fault)
    print(f"{expected['commands']} commands, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
