"""Engine processes over one log in Kafka, clients that send commands through any of them, and what must hold.

A client sends one command after another, each again with the same id, through any process, until it is answered. `Log.check`
compares what was sent and answered with the decisions of the log, with every process's read models, and with those of a process
that began with nothing.
"""

import collections
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import threading
import time

TENURE = os.environ["TENURE_BINARY"]
KEY = "0123456789abcdef" * 4
PARTITIONS = 4
CLIENTS = 8           # of one log: two a partition, so that each partition is asked all the time
START_SECONDS = 60    # for a process to be ready
STOP_SECONDS = 45     # for one to end after SIGTERM
ANSWER_SECONDS = 120  # for a command to be answered, retries counted: then the engine hangs
PROBLEM = {"type", "title", "status", "detail", "code", "rule"}  # of an answer, but not of the decision
ROLES = ["ADMIN", "MANAGER", "EVALUATOR"]


def partition_of(key, partitions=PARTITIONS):
    """As the Java client puts a key (engine/base/murmur2.h)."""
    data, mask, multiplier = key.encode(), 0xffffffff, 0x5bd1e995
    value = 0x9747b28c ^ len(data)
    whole = len(data) - len(data) % 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = word * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        value = value * multiplier & mask ^ word
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return ((value ^ value >> 15) & 0x7fffffff) % partitions


def wait_until(holds, seconds, what):
    """Asks until it holds; what it said. Nothing else in the tests waits for an outcome."""
    deadline = time.monotonic() + seconds
    while True:
        if said := holds():
            return said
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def kcat(bootstrap, *arguments, **options):
    return subprocess.run(["kcat", "-b", bootstrap, *arguments], capture_output=True, check=True, timeout=120, **options).stdout


class Engine:
    """One place for a process: started, killed and started again with the same data directory."""

    def __init__(self, log, name, *arguments):
        self.log, self.name, self.arguments = log, name, arguments
        self.data = pathlib.Path(log.directory) / name
        self.said = pathlib.Path(log.directory) / f"{name}.err"
        self.process = self.port = None
        self.stopped = False  # by SIGSTOP

    def begin(self):
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(
                [TENURE, "serve", "--data", str(self.data), "--port", "0", "--log", "kafka", "--brokers", self.log.bootstrap,
                 "--prefix", self.log.prefix, "--partitions", str(PARTITIONS), *self.arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=os.environ | {"TENURE_ADMIN_KEY": KEY})
        return self

    def wait_ready(self):
        came, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline().decode() if came else ""
        found = re.fullmatch(r"tenure is ready at http://127\.0\.0\.1:(\d+)\n", line)
        assert found, f"{self.name} did not start: {line!r}\n{self.tail()}"
        self.port = int(found[1])
        return self

    def start(self):
        return self.begin().wait_ready()

    def tail(self, lines=12):
        return "\n".join(self.said.read_text(errors="replace").splitlines()[-lines:])

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def serves(self):
        return self.port is not None

    def _gone(self, seconds):
        code = self.process.wait(seconds)
        self.process.stdout.close()
        self.process = self.port = None
        self.stopped = False
        return code

    def kill(self):
        self.process.kill()
        return self._gone(STOP_SECONDS)

    def stop(self):
        self.process.terminate()
        try:
            code = self._gone(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {STOP_SECONDS} s of SIGTERM\n{self.tail()}") from None
        assert code == 0, f"{self.name} ended with {code} after SIGTERM\n{self.tail()}"

    def freeze(self):
        self.stopped = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.stopped = False

    def ended_by_itself(self):
        """Its code and last words, if it did; then it can be started again."""
        if self.process is None or self.process.poll() is None:
            return None
        return self._gone(STOP_SECONDS), self.tail()

    def request(self, method, path, body=None, timeout=20, headers=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body, {"Authorization": f"Bearer {KEY}"} | (headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode()

    def get(self, path):
        """The body, once the process can say it: read models may still be behind."""
        def asked():
            status, text = self.request("GET", path)
            assert status in (200, 503), f"{self.name} {path}: {status} {text}"
            return (text,) if status == 200 else None
        return wait_until(asked, 60, f"{self.name} answers {path}\n{self.tail()}")[0]

    def status(self):
        return json.loads(self.get("/v1/status"))["partitions"]

    def writes(self):
        return [each["partition"] for each in self.status() if each["role"] == "writer"]


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
                command = {"id": identity, "org": org, "actor": "user:owner", "command_type": kind, "command": fields}
                if self.rng.random() < 0.3:  # personal text, under keys that whoever takes the command may have to make
                    command["reason"] = f"reason {number}"
                self.ask(identity, json.dumps(command))
                if self.paths.random() < 0.05:
                    self.ask(identity, json.dumps(command))  # an answer that was lost: the same comes again
                time.sleep(self.paths.uniform(0, 2 * self.load.pace))
        except BaseException as error:  # noqa: B902, the main thread raises it
            self.load.failures.append(error)
        self.idle.set()

    def ask(self, identity, body):
        self.load.sent[identity] = body
        deadline = time.monotonic() + ANSWER_SECONDS
        for attempt in itertools.count():
            asked = time.monotonic()
            assert asked < deadline, f"{identity} was not answered within {ANSWER_SECONDS} s"
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
        process, port = engine.process, engine.port
        known, connection = self.connections.get(engine.name, (None, None))
        if known is not process:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            self.connections[engine.name] = (process, connection)
        # Some give up soon: their answer is lost, and asked for again. Nobody waits long for a process that does not run.
        connection.timeout = self.paths.choice([0.5, 1.5, 12])
        if engine.stopped:
            connection.timeout = 0.5
        if connection.sock:
            connection.sock.settimeout(connection.timeout)
        try:
            connection.request("POST", "/v1/commands", body,
                               {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException, TypeError):  # TypeError: its port is gone
            connection.close()
            self.connections.pop(engine.name, None)
            return None
        if response.status == 503:
            return None
        answer = json.loads(text)
        assert "position" in answer, f"no decision: {response.status} {text} for {body}"
        return {name: value for name, value in answer.items() if name not in PROBLEM}


class Load:
    """Clients, and what they sent and were answered."""

    def __init__(self, name, seed, engines, pace=0.02, clients=CLIENTS):
        self.name, self.seed, self.engines, self.pace = name, seed, engines, pace
        self.sent, self.answers, self.failures = {}, {}, []
        self.retries = 0
        self.times = collections.defaultdict(list)  # partition -> (asked, answered)
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
        wait_until(all_idle, ANSWER_SECONDS + 10, "every command is answered")
        yield
        for client in self.clients:
            client.idle.clear()
        self.held.clear()

    def end(self):
        self.ends.set()
        for client in self.clients:
            if client.is_alive():
                client.join(ANSWER_SECONDS + 10)


class Log:
    """One log in Kafka with its processes and clients. As a context: all is ended behind it."""

    def __init__(self, cluster, directory, prefix, seed, engines=3, replication=1, **load):
        self.cluster, self.prefix = cluster, prefix
        self.bootstrap = cluster.bootstrap
        self.directory = pathlib.Path(directory) / prefix
        self.directory.mkdir()
        self.rng = random.Random(f"{seed}/{prefix}")
        made = subprocess.run([TENURE, "kafka", "topics", "--create", "--brokers", self.bootstrap, "--partitions", str(PARTITIONS),
                               "--replication", str(replication), "--prefix", prefix], capture_output=True, text=True, timeout=120)
        assert made.returncode == 0, made.stdout + made.stderr
        self.engines = [Engine(self, f"e{n}") for n in range(engines)]
        self.load = Load(prefix, f"{seed}/{prefix}", self.engines, **load)
        self.decisions = [[] for _ in range(PARTITIONS)]  # as read from the log
        self.by_id = {}
        self.own_ends = []  # of processes that ended by themselves
        self.takeovers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.load.end()
        for engine in self.engines:
            if engine.runs():
                engine.kill()

    def start(self):
        for engine in self.engines:
            engine.begin()
        for engine in self.engines:
            engine.wait_ready()
        wait_until(lambda: len(self.owners()) == PARTITIONS, 60, "every partition has an owner")
        self.load.start()

    def owners(self):
        return {partition: engine for engine in self.engines if engine.serves() and not engine.stopped
                for partition in engine.writes()}

    def tend(self):
        """Starts what ended by itself, as a supervisor does. A signal that nobody sent is a crash."""
        for engine in self.engines:
            if ended := engine.ended_by_itself():
                assert ended[0] >= 0, f"{engine.name} crashed: {ended[0]}\n{ended[1]}"
                self.own_ends.append(f"{engine.name}: code {ended[0]}\n{ended[1]}")
                engine.start()

    def wait_answers(self, partitions, after, seconds=90, count=True):
        """Each of the partitions answers what was asked since `after`."""
        for partition in partitions:
            def answered():
                self.tend()
                return self.load.first_answer(partition, after)
            took = wait_until(answered, seconds, f"partition {partition} of {self.prefix} answers again; the owners: "
                              + "; ".join(e.tail(4) for e in self.engines if e.runs()))
            if count:
                self.takeovers.append(took)

    # --- what must hold ---

    def check(self, also=()):
        """With the load quiet: the log, the answers, the read models of every process."""
        self.read_on()
        for identity, answer in self.load.answers.items():
            assert identity in self.by_id, f"the answered {identity} is not in the log: {answer}"
            assert self.by_id[identity] == answer, f"{identity}: the log says\n{self.by_id[identity]}\nthe answer was\n{answer}"
        undecided = self.load.sent.keys() - self.by_id.keys()
        assert not undecided, f"never decided: {sorted(undecided)[:5]}"
        foreign = self.by_id.keys() - self.load.sent.keys() - set(also)
        assert not foreign, f"nobody sent: {sorted(foreign)[:5]}"
        self.compare_models([engine for engine in self.engines if engine.serves()])

    def read_on(self):
        """What was decided since the last time, through any process."""
        reader = self.rng.choice([engine for engine in self.engines if engine.serves()])
        for partition, known in enumerate(self.decisions):
            for decision in self.read(reader, partition, len(known)):
                number = len(known)
                assert decision["position"] == f"{partition}:{number}", f"after {partition}:{number - 1} comes {decision}"
                identity = decision["command_id"]
                assert identity not in self.by_id, f"{identity} was decided twice:\n{self.by_id[identity]}\n{decision}"
                answer = {name: value for name, value in decision.items() if name not in PROBLEM}
                self.by_id[identity] = answer
                known.append(decision)
        versions = collections.Counter()
        for decision in itertools.chain(*self.decisions):
            versions[decision["org"]] += decision["outcome"] == "accepted"
            assert decision["version"] == versions[decision["org"]], f"version {versions[decision['org']]} was due: {decision}"

    def read(self, engine, partition, number):
        """The partition's decisions from a number on, at least to where any answer came from."""
        least = max((int(answer["position"].split(":")[1]) for answer in self.load.answers.values()
                     if answer["position"].startswith(f"{partition}:")), default=-1)
        found = []
        while True:
            at_least = f"&at_least={partition}:{least}" if least >= 0 else ""
            lines = engine.get(f"/v1/decisions?from={partition}:{number + len(found)}&limit=5000{at_least}").splitlines()
            if not lines:
                return found
            found += map(json.loads, lines)

    def models(self, engine):
        """Everything that a process says of every organization, once it has applied all decisions."""
        said = {}
        for partition, known in enumerate(self.decisions):
            for org in sorted({decision["org"] for decision in known if decision["version"] > 0}):
                for path in ("", "/members?limit=5000&", "/spaces?limit=5000&"):
                    path = path or "?"
                    url = f"/v1/orgs/{org}{path}at_least={partition}:{len(known) - 1}"
                    said[org + path] = engine.get(url)
        return said

    def compare_models(self, engines):
        first = self.models(engines[0])
        for other in engines[1:]:
            for what, said in self.models(other).items():
                assert said == first[what], f"{what}: {engines[0].name} says\n{first[what]}\n{other.name} says\n{said}"
        return first

    def check_rebuild(self):
        """A process that begins with nothing, reads only, and reads the whole log: it agrees in all."""
        fresh = Engine(self, "fresh", "--roles", "reads")
        try:
            fresh.start()
            for partition, known in enumerate(self.decisions):
                assert self.read(fresh, partition, 0) == known, f"partition {partition} reads otherwise from zero"
            self.compare_models([fresh] + [engine for engine in self.engines if engine.serves()])
            fresh.stop()
        finally:
            if fresh.runs():
                fresh.kill()
            shutil.rmtree(fresh.data, ignore_errors=True)
        self.check_raw()

    def check_raw(self):
        """The reader's rule, applied here to the records of the topic: the same count of decisions. Counts claims and voids."""
        raw = kcat(self.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", f"{self.prefix}.log", "-f", "%p %S\n%s")
        at, stamps, next_numbers, self.claims, self.voids = 0, {}, collections.Counter(), 0, 0
        while at < len(raw):
            end = raw.index(b"\n", at)
            partition, size = map(int, raw[at:end].split())
            magic, _, kind, _, stamp, number = struct.unpack_from("<4sBBHQQ", raw, end + 1)
            at = end + 1 + size
            if magic == b"TNR1" and kind == 2:
                self.claims += 1
                stamps[partition] = stamp
            elif magic == b"TNR1" and stamps.get(partition) == stamp and next_numbers[partition] == number:
                next_numbers[partition] += 1
            else:
                self.voids += 1
        for partition, known in enumerate(self.decisions):
            assert next_numbers[partition] == len(known), (
                f"partition {partition}: {next_numbers[partition]} valid records, {len(known)} decisions")
