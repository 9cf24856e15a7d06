"""Engine processes over one log in Kafka, the load on them, and what must hold.

`Fleet.check` compares what was sent and answered with the decisions of the log, with every process's read models, and with those of
a process that began with nothing.
"""

import collections
import http.client
import itertools
import pathlib
import random
import shutil
import struct

from kafka_log import PARTITIONS, KafkaLog
from load import Load, decision_of
from tenure import Server, wait_until


class Engine(Server):
    """A process of a fleet."""

    def stop(self):
        code = super().stop()
        assert code == 0, f"{self.name} ended with {code} after SIGTERM\n{self.tail()}"

    def ended_by_itself(self):
        """Its code and last words, if it did; then it can be started again."""
        if self.process is None or self.process.poll() is None:
            return None
        return self.gone(), self.tail()

    def stand(self):
        """For a failure: what it owns and follows, and its last words."""
        if self.frozen or not self.serves():
            return f"{self.name}: {'frozen' if self.frozen else 'not ready'}\n{self.tail()}"
        try:
            status = self.get("/v1/status").text
        except (OSError, http.client.HTTPException) as error:
            status = f"does not answer: {error!r}"
        return f"{self.name}: {status}\n{self.tail()}"

    def writes(self):
        return [each["partition"] for each in self.partitions() if each["role"] == "writer"]


class Fleet:
    """One log with its processes and clients. As a context: all is ended behind it."""

    def __init__(self, cluster, directory, prefix, seed, engines=3, replication=1, **load):
        self.brokers = cluster.brokers
        self.log = KafkaLog(cluster.bootstrap, prefix=prefix).make_topics(replication)
        self.directory = pathlib.Path(directory) / prefix
        self.directory.mkdir()
        self.rng = random.Random(f"{seed}/{prefix}")
        self.engines = [self.engine(f"e{n}") for n in range(engines)]
        self.load = Load(prefix, f"{seed}/{prefix}", self.engines, **load)
        self.decisions = [[] for _ in range(PARTITIONS)]  # as read from the log
        self.by_id = {}
        self.own_ends = []  # of processes that ended by themselves
        self.takeovers = []

    def engine(self, name, *arguments):
        return Engine(self.directory / name, *self.log.serve, *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.load.end()
        for engine in self.engines:
            engine.end_if_it_runs()

    def start(self):
        for engine in self.engines:
            engine.begin()
        for engine in self.engines:
            engine.wait_ready()
        wait_until(lambda: len(self.owners()) == PARTITIONS, "every partition has an owner")
        self.load.start()

    def owners(self):
        return {partition: engine for engine in self.engines if engine.serves() and not engine.frozen
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
            took = wait_until(answered, lambda: f"partition {partition} of {self.log.prefix} answers again\n{self.stand()}", seconds)
            if count:
                self.takeovers.append(took)

    def stand(self):
        """For a failure: where all who run are, and the brokers' last words."""
        return "\n".join([engine.stand() for engine in self.engines if engine.runs()] +
                         [f"broker {number}:\n{broker.tail()}" for number, broker in enumerate(self.brokers, 1)])

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
                self.by_id[identity] = decision_of(decision)
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
            page = engine.read(f"/v1/decisions?from={partition}:{number + len(found)}&limit=5000{at_least}").lines
            if not page:
                return found
            found += page

    def models(self, engine):
        """Everything that a process says of every organization, once it has applied all decisions."""
        said = {}
        for partition, known in enumerate(self.decisions):
            for org in sorted({decision["org"] for decision in known if decision["version"] > 0}):
                for path in ("", "/members?limit=5000&", "/spaces?limit=5000&"):
                    path = path or "?"
                    url = f"/v1/orgs/{org}{path}at_least={partition}:{len(known) - 1}"
                    said[org + path] = engine.read(url).text
        return said

    def compare_models(self, engines):
        first = self.models(engines[0])
        for other in engines[1:]:
            for what, said in self.models(other).items():
                assert said == first[what], f"{what}: {engines[0].name} says\n{first[what]}\n{other.name} says\n{said}"
        return first

    def check_rebuild(self):
        """A process that begins with nothing, reads only, and reads the whole log: it agrees in all."""
        with self.engine("fresh", "--roles", "reads") as fresh:
            for partition, known in enumerate(self.decisions):
                assert self.read(fresh, partition, 0) == known, f"partition {partition} reads otherwise from zero"
            self.compare_models([fresh] + [engine for engine in self.engines if engine.serves()])
            fresh.stop()
        shutil.rmtree(fresh.data)
        self.check_raw()

    def check_raw(self):
        """The reader's rule, applied here to the records of the topic: the same count of decisions. Counts claims and voids."""
        raw = self.log.consume("log", "-f", "%p %o %S\n%s")
        at, stamps, next_numbers, self.claims, self.voids = 0, {}, collections.Counter(), 0, 0
        while at < len(raw):
            end = raw.index(b"\n", at)
            partition, offset, size = map(int, raw[at:end].split())
            magic, _, kind, _, stamp, number = struct.unpack_from("<4sBBHQQ", raw, end + 1)
            at = end + 1 + size
            if magic == b"TNR1" and kind == 2:
                self.claims += 1
                stamps[partition] = offset + 1  # a zombie's record may have landed before it since it was written
            elif magic == b"TNR1" and stamps.get(partition) == stamp and next_numbers[partition] == number:
                next_numbers[partition] += 1
            else:
                self.voids += 1
        for partition, known in enumerate(self.decisions):
            assert next_numbers[partition] == len(known), (
                f"partition {partition}: {next_numbers[partition]} valid records, {len(known)} decisions")
