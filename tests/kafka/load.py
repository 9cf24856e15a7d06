"""Clients that send commands through any of several engine processes, and what they were answered.

A client sends one command after another, each again with the same id, through any process, until it is answered.
"""

import collections
import contextlib
import http.client
import itertools
import json
import random
import threading
import time

from kafka_log import PARTITIONS, partition_of
from tenure import command, wait_until

CLIENTS = 8           # of one log: two a partition, so that each partition is asked all the time
ANSWER_SECONDS = 120  # for a command to be answered, retries counted: then the engine hangs
PROBLEM = {"type", "title", "status", "detail", "code", "rule"}  # of an answer, but not of the decision
ROLES = ["ADMIN", "MANAGER", "EVALUATOR"]


def decision_of(answer):
    """Without what an answer adds to a decision."""
    return {name: value for name, value in answer.items() if name not in PROBLEM}


class Client(threading.Thread):
    """Sends commands of its own organizations, all of one partition, one after the other."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.partition = load, number % PARTITIONS
        self.rng = random.Random(f"{load.seed}/{number}")      # which commands
        self.paths = random.Random(f"{load.seed}/{number}/x")  # through which process
        names = (f"{load.name}-{number}-{n}" for n in itertools.count())
        self.orgs = list(itertools.islice((n for n in names if partition_of(n) == self.partition), 2))
        self.connections = {}
        self.idle = threading.Event()
        self.last_said = "none ended"

    def commands(self):
        for org in self.orgs:
            yield org, "CreateOrganization", {"name": "Company", "rulebook": "space"}
        for number in itertools.count():
            org, dice, user = self.rng.choice(self.orgs), self.rng.random(), f"u{self.rng.randrange(40)}"
            if dice < 0.45:
                yield org, "AddMember", {"user": user, "role": self.rng.choice(ROLES), "name": f"Name of {user}"}
            elif dice < 0.65:
                yield org, "RemoveMember", {"user": user}
            elif dice < 0.9:
                yield org, "ChangeRole", {"user": user, "role": self.rng.choice(ROLES)}
            else:
                yield org, "CreateSpace", {"space": f"s{number % 60}", "name": f"Space {number}"}

    def run(self):
        try:
            for number, (org, kind, fields) in enumerate(self.commands()):
                while self.load.held.is_set() and not self.load.ends.is_set():
                    self.idle.set()
                    time.sleep(0.01)
                self.idle.clear()
                if self.load.ends.is_set():
                    break
                identity = f"{self.orgs[0]}.{number}"
                sent = command(identity, kind, "user:owner", org, **fields)
                if self.rng.random() < 0.3:  # personal text, under keys that whoever takes the command may have to make
                    sent["reason"] = f"reason {number}"
                body = json.dumps(sent)
                self.ask(identity, body)
                if self.paths.random() < 0.05:
                    self.ask(identity, body)  # an answer that was lost: the same comes again
                time.sleep(self.paths.uniform(0, 2 * self.load.pace))
        except BaseException as error:  # noqa: B902, the main thread raises it
            self.load.failures.append(error)
        self.idle.set()

    def ask(self, identity, body):
        self.load.sent[identity] = body
        began = time.monotonic()
        for attempt in itertools.count():
            asked = time.monotonic()
            assert asked < max(began, self.load.up_since) + ANSWER_SECONDS, \
                f"{identity} was not answered within {ANSWER_SECONDS} s, after {attempt} attempts; the last one: {self.last_said}"
            if attempt:
                self.load.retries += 1
            answer = self.try_once(body)
            if answer:
                return self.load.answered(self.partition, identity, answer, asked)
            time.sleep(0.02)

    def try_once(self, body):
        serving = [engine for engine in self.load.engines if engine.serves()]
        if not serving:
            return None
        engine = self.paths.choice(serving)
        process = engine.process
        known, connection = self.connections.get(engine.name, (None, None))
        if known is not process:
            connection = engine.connect()
            self.connections[engine.name] = (process, connection)
        # Some give up soon: their answer is lost, and asked for again. Nobody waits long for a process that does not run.
        connection.timeout = self.paths.choice([0.5, 1.5, 12])
        if engine.frozen:
            connection.timeout = 0.5
        if connection.sock:
            connection.sock.settimeout(connection.timeout)
        try:
            said = engine.post("/v1/commands", body, connection=connection)
        except (OSError, http.client.HTTPException, TypeError) as error:  # TypeError: its port is gone
            self.last_said = f"{engine.name}: {error!r}"
            connection.close()
            self.connections.pop(engine.name, None)
            return None
        self.last_said = f"{engine.name}: {said.status} {said.text}"
        if said.status == 503:
            return None
        assert "position" in said.json, f"no decision: {said.status} {said.text} for {body}"
        return decision_of(said.json)


class Load:
    """Clients, and what they sent and were answered."""

    def __init__(self, name, seed, engines, pace=0.02, clients=CLIENTS):
        self.name, self.seed, self.engines, self.pace = name, seed, engines, pace
        self.sent, self.answers, self.failures = {}, {}, []
        self.retries = 0
        self.times = collections.defaultdict(list)  # partition -> (asked, answered)
        self.up_since = 0  # of what all answers need; in the future while it is down
        self.held, self.ends = threading.Event(), threading.Event()
        self.clients = [Client(self, number) for number in range(clients)]

    def start(self):
        for client in self.clients:
            client.start()

    def answered(self, partition, identity, answer, asked):
        before = self.answers.setdefault(identity, answer)
        assert before == answer, f"{identity} was answered in two ways:\n{before}\n{answer}"
        self.times[partition].append((asked, time.monotonic()))

    def fail_if_failed(self):
        if self.failures:
            raise self.failures[0]

    def first_answer(self, partition, after):
        """Seconds from `after` to the first answer of what was asked since."""
        self.fail_if_failed()
        late = [answered for asked, answered in self.times[partition][-2000:] if asked >= after]
        return min(late) - after if late else None

    @contextlib.contextmanager
    def quiet(self, tend=lambda: None):
        """Everything sent is answered, and nothing more is sent."""
        self.held.set()

        def all_idle():
            tend()
            self.fail_if_failed()
            return all(client.idle.is_set() for client in self.clients)
        wait_until(all_idle, "every command is answered", ANSWER_SECONDS + 10)
        yield
        for client in self.clients:
            client.idle.clear()
        self.held.clear()

    def end(self):
        self.ends.set()
        for client in self.clients:
            if client.is_alive():
                client.join(ANSWER_SECONDS + 10)
