#!/usr/bin/env python3
"""The committed history: what the generator makes, byte for byte, and well formed, line by line."""

import json
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).parents[2]
HISTORY = ROOT / "tools/history"
ENVELOPE = {"id", "org", "actor", "command_type", "command"}
PERSONAL = {"name", "email"}  # of a person, in AddMember


def generate(*options):
    # Another hash seed each time: the order of a set must not reach the file.
    return subprocess.run([sys.executable, HISTORY / "generate.py", *options], check=True,
                          stdout=subprocess.PIPE, env={"PYTHONHASHSEED": "random"}).stdout


def schema():
    """Table -> {field: whether it is required}, from the schema of commands."""
    tables = {}
    text = (ROOT / "schemas/commands.fbs").read_text()
    for name, body in re.findall(r"^table (\w+) {(.*?)}", text, re.DOTALL | re.MULTILINE):
        tables[name] = {field: "required" in attributes for field, attributes
                        in re.findall(r"^\s*(\w+):[^(]*\((.*?)\);", body, re.MULTILINE)}
    return tables


def faults_of(line, tables):
    envelope = json.loads(line)
    command, fields = envelope["command"], tables[envelope["command_type"]]
    extra = set(envelope) - ENVELOPE
    if extra - {"expected_version"} or ENVELOPE - set(envelope):
        yield f"envelope with {sorted(envelope)}"
    if str(uuid.UUID(envelope["id"])) != envelope["id"]:
        yield "id is no canonical UUID"
    if not re.match(r"(user|service):[A-Za-z0-9._-]+\Z", envelope["actor"]):
        yield "actor is neither user: nor service:"
    if set(command) - set(fields):
        yield f"fields that the schema lacks: {set(command) - set(fields)}"
    if missing := {field for field, required in fields.items() if required} - set(command):
        yield f"required fields missing: {missing}"
    if envelope["command_type"] == "AddMember" and PERSONAL & set(command):
        yield "personal fields"


def without_personal(line):
    envelope = json.loads(line)
    envelope.pop("reason", None)
    if envelope["command_type"] == "AddMember":
        envelope["command"] = {field: value for field, value in envelope["command"].items()
                               if field not in PERSONAL}
    return envelope


def main():
    faults = []
    committed = (HISTORY / "company.ndjson").read_bytes()
    if generate() != committed:
        faults.append("company.ndjson is not what generate.py makes: generate it again")
    if generate("--expect") != (HISTORY / "company.expected.json").read_bytes():
        faults.append("company.expected.json is not what generate.py makes: generate it again")
    tables, lines = schema(), committed.splitlines()
    for number, line in enumerate(lines, 1):
        faults += [f"company.ndjson:{number}: {fault}" for fault in faults_of(line, tables)]
    personal = generate("--personal").splitlines()
    if personal == lines or [without_personal(line) for line in personal] != \
            [json.loads(line) for line in lines]:
        faults.append("--personal does more than add names, addresses and reasons")
    for fault in faults:
        print(fault)
    print(f"{len(lines)} commands, {len(faults)} faults")
    return 1 if faults or not 6000 <= len(lines) <= 10000 else 0


if __name__ == "__main__":
    sys.exit(main())
