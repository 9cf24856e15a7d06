#!/usr/bin/env python3
"""kill -9 under load: what was acknowledged is in what is recovered, and that is in what was submitted.

    kill_test.py TENURE [--kills N] [--seed S]

Each round feeds commands to `tenure apply - --json` and kills it: at a random moment, or at a named fail point
(engine/log/fail_point.h), each in turn. Some commands are retries of earlier ids, acknowledged or not. Then the directory is
opened again and its log dumped: positions without gap, no id twice, every acknowledged decision there byte for byte, what was
there before unchanged, nothing that was not submitted, and the read models equal to a rebuild.
"""
import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROUNDS_PER_DIRECTORY = 20
COMMANDS_PER_ROUND = 2000
SEGMENT_BYTES = 1 << 20  # small, so that segments are sealed and prepared all the time
# Points that a process passes at most once.
PASSED_ONCE = ["create.after_segment", "create.after_identity", "recover.after_cut", "close.before_mark", "close.after_mark"]
ROLES = ["ADMIN", "MANAGER", "EVALUATOR"]


def fail_points():
    header = pathlib.Path(__file__).parents[2] / "engine" / "log" / "fail_point.h"
    names = re.findall(r'"([a-z]+\.[a-z_]+)"', header.read_text())
    assert len(names) > 5, f"no fail points found in {header}"
    return names


class Directory:
    """One data directory, what was sent to it, what it acknowledged and what was found in it."""

    def __init__(self, tenure, path, rng):
        self.tenure, self.path, self.rng = tenure, str(path), rng
        self.submitted = {}      # command id -> line sent
        self.acknowledged = {}   # command id -> decision line
        self.recovered = []      # lines of the last dump
        self.decided = {}        # command id -> its line there
        self.users = itertools.count()

    def command(self, kind, body, org, actor="user:owner"):
        identity = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        line = json.dumps({"id": identity, "org": org, "actor": actor, "command_type": kind, "command": body})
        return identity, line

    def next_commands(self, count):
        """New commands and retries, mixed. The first of a directory make the organizations."""
        commands = []
        if not self.submitted:
            for i in range(10):
                commands.append(self.command("CreateOrganization", {"name": "Company", "rulebook": "space"}, f"org-{i}"))
                commands.append(self.command("CreateSpace", {"space": "main", "name": "Main", "plan": "free"}, f"org-{i}"))
        known = list(self.submitted.items())
        while len(commands) < count:
            org = f"org-{self.rng.randrange(10)}"
            dice = self.rng.random()
            if known and dice < 0.1:
                commands.append(self.rng.choice(known))
            elif dice < 0.6:
                user = f"u{next(self.users)}"
                commands.append(self.command("AddMember", {"user": user, "role": self.rng.choice(ROLES)}, org))
            elif dice < 0.8:
                entry = {"source": "gateway", "id": str(self.rng.getrandbits(60)), "meter": "api_requests", "quantity": 1}
                commands.append(self.command("RecordUsage", {"space": "main", "entries": [entry]}, org, "service:admin"))
            else:
                user = f"u{self.rng.randrange(2000)}"
                commands.append(self.command("ChangeRole", {"user": user, "role": self.rng.choice(ROLES)}, org))
        return commands

    def arguments(self, file):
        return [self.tenure, "apply", file, "--data", self.path, "--json", "--segment-bytes", str(SEGMENT_BYTES)]

    def run_and_kill(self, fail_point):
        """Returns where it died: the fail point's name, or "random"."""
        environment = dict(os.environ)
        if fail_point:
            environment["TENURE_FAIL_POINT"] = f"{fail_point}:{1 if fail_point in PASSED_ONCE else self.rng.choice([1, 1, 2, 3, 5])}"
        process = subprocess.Popen(self.arguments("-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=environment, text=True)
        commands = self.next_commands(COMMANDS_PER_ROUND)
        for identity, line in commands:
            self.submitted[identity] = line
        killed_by_us = threading.Event()

        def feed():
            try:
                for _, line in commands:
                    process.stdin.write(line + "\n")
                process.stdin.close()
            except BrokenPipeError:
                pass

        def kill_at_random(delay):
            time.sleep(delay)
            if process.poll() is None:
                killed_by_us.set()
                process.send_signal(signal.SIGKILL)

        threads = [threading.Thread(target=feed)]
        if not fail_point:
            threads.append(threading.Thread(target=kill_at_random, args=(self.rng.uniform(0.02, 0.35),)))
        for thread in threads:
            thread.start()
        output = process.stdout.read()
        process.wait()
        for thread in threads:
            thread.join()
        # The last line may be cut by the kill: it was never seen whole, so it acknowledges nothing.
        for line in output.split("\n")[:-1]:
            identity = json.loads(line).get("command_id")
            assert identity, f"not decided: {line}"
            before = self.acknowledged.setdefault(identity, line)
            assert before == line, f"a retry of {identity} was answered otherwise:\n{before}\n{line}"
        if process.returncode == -signal.SIGKILL:
            return "random" if killed_by_us.is_set() else fail_point
        assert process.returncode == 0, f"tenure apply ended with {process.returncode}"
        return None  # it was done before the kill came

    def tear_last_batch(self):
        """What a power loss may leave of a write that was never synced, and so never acknowledged: a part of it."""
        for segment in sorted(pathlib.Path(self.path).rglob("segment-*.log"), reverse=True):
            written = len(segment.read_bytes().rstrip(b"\0"))
            if written > 200:  # more than the header of a segment made ahead
                with segment.open("r+b") as file:
                    file.seek(written - 5)
                    file.write(b"\0" * 5)
                return

    def reopen_and_check(self):
        opened = subprocess.run(self.arguments(os.devnull), capture_output=True, text=True, timeout=300)
        assert opened.returncode == 0, f"does not open after the kill: {opened.stderr}"
        dump = subprocess.run([self.tenure, "log", "dump", "--json", "--data", self.path], capture_output=True, text=True,
                              check=True, timeout=300)
        lines = dump.stdout.splitlines()
        assert lines[:len(self.recovered)] == self.recovered, "decisions found before have changed or gone"
        ids = self.decided
        for number, line in enumerate(lines[len(self.recovered):], start=len(self.recovered)):
            decision = json.loads(line)
            assert decision["position"] == f"0:{number}", f"gap: {decision['position']} where 0:{number} should be"
            assert decision["command_id"] not in ids, f"decided twice: {decision['command_id']}"
            assert decision["command_id"] in self.submitted, f"never submitted: {decision['command_id']}"
            ids[decision["command_id"]] = line
        for identity, line in self.acknowledged.items():
            assert ids.get(identity) == line, f"acknowledged, but not in the log: {line}\nlog: {ids.get(identity)}"
        self.recovered = lines

    def verify_projections(self):
        verified = subprocess.run([self.tenure, "projections", "verify", "--data", self.path], capture_output=True, text=True)
        assert verified.returncode == 0, f"read models differ from a rebuild: {verified.stdout}{verified.stderr}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tenure")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    root = pathlib.Path(tempfile.mkdtemp(prefix="tenure-kill-"))
    points = fail_points()
    deaths, decisions, acknowledged = collections.Counter(), 0, 0
    try:
        for number in itertools.count():
            directory = Directory(options.tenure, root / f"data-{number}", rng)
            torn = False
            for round_number in range(ROUNDS_PER_DIRECTORY):
                # The points that only the making of a log passes come first in a directory, by turns.
                turn = number * ROUNDS_PER_DIRECTORY + round_number
                point = PASSED_ONCE[number % 2] if round_number == 0 else \
                    points[turn % len(points)] if rng.random() < 0.6 else None
                died = directory.run_and_kill("recover.after_cut" if torn else point)
                deaths[died] += 1
                torn = died == "segment.after_write" and rng.random() < 0.5
                if torn:
                    directory.tear_last_batch()
                elif rng.random() < 0.7:  # else the next round finds it as the kill left it
                    directory.reopen_and_check()
            directory.reopen_and_check()
            directory.verify_projections()
            decisions += len(directory.recovered)
            acknowledged += len(directory.acknowledged)
            shutil.rmtree(directory.path)
            kills = sum(count for name, count in deaths.items() if name)
            if kills >= options.kills and all(deaths[point] for point in points):
                break
            assert number < 100, f"fail points never reached: {[p for p in points if not deaths[p]]}"
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for name, count in sorted((n, c) for n, c in deaths.items() if n):
        print(f"  {count:4d} kills at {name}")
    print(f"{kills} kills, {decisions} decisions recovered, {acknowledged} acknowledged and all of them there, seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main())
