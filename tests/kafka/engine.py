"""Engines over the broker of the fixture, and the clients that are not ours: kcat and the Java client."""

import base64
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time
import unittest
import uuid
import zlib

from cluster import JARS, fetch
from server import TENURE, Server

PARTITIONS = 4
JAVA = pathlib.Path(__file__).resolve().parent / "java"


def brokers():
    with open(os.environ["TENURE_KAFKA_STATE"]) as state:
        return json.load(state)["bootstrap"]


def new_id():
    return str(uuid.uuid4())


def murmur2(key):
    """As the Java client hashes keys; librdkafka's own default is CRC32."""
    data, word, mask = key.encode(), 0x5bd1e995, 0xffffffff
    h = 0x9747b28c ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * word & mask
        k = (k ^ k >> 24) * word & mask
        h = h * word & mask ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * word & mask
    h = (h ^ h >> 13) * word & mask
    return h ^ h >> 15


def home(org):
    return (murmur2(org) & 0x7fffffff) % PARTITIONS


def crc32_home(org):
    return zlib.crc32(org.encode()) % PARTITIONS


def run(*command, input=None, timeout=90):
    """kcat prints what is not text as it is, too."""
    return run_bytes(*command, input=input, timeout=timeout).decode(errors="replace")


def run_bytes(*command, input=None, timeout=90):
    done = subprocess.run(command, input=input, capture_output=True, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def java(program, *arguments, input=None):
    fetch()
    return run("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
               "-cp", f"{JARS}/*", str(JAVA / f"{program}.java"), *arguments, input=input)


def until(what, condition, seconds=30):
    """What `condition` gives once it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return found


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def record(payload, stamp, number, acked=0, source=0, tag=0):
    """A decision as engine/log/record.h writes it down."""
    def prefix(crc):
        return struct.pack("<4sBBHQQQQIIQ8x", b"TNR1", 1, 1, 1, stamp, number, acked, source, len(payload), crc, tag)
    return prefix(crc32c(prefix(0) + payload)) + payload


class Log:
    """Topics of a prefix of their own, at some brokers, and how they are reached."""

    def __init__(self, at, properties=()):
        self.brokers, self.prefix = at, f"i{new_id()[:8]}"
        self.properties = list(properties)  # name=value of the client

    @property
    def flags(self):
        reach = ["--brokers", self.brokers, "--prefix", self.prefix, "--partitions", str(PARTITIONS)]
        return reach + [part for each in self.properties for part in ("--property", each)]

    def topic(self, name):
        return f"{self.prefix}.{name}"

    def make_topics(self):
        run(TENURE, "kafka", "topics", "--create", "--replication", "1", *self.flags)
        return self

    def serve(self, data, *more):
        return Server(data, "--log", "kafka", *self.flags, *more)

    def kcat(self, *arguments, input=None):
        settings = [part for each in self.properties for part in ("-X", each)]
        return run("kcat", "-b", self.brokers, *settings, *arguments, input=input)

    def publish(self, commands, *more):
        """(org, value) each, with kcat's own partitioner unless told otherwise."""
        lines = "".join(f"{org}\t{value}\n" for org, value in commands)
        self.kcat("-P", "-t", self.topic("commands"), "-K", "\t", *more, input=lines.encode())

    def messages(self, topic):
        """All there is now; headers as a dictionary."""
        out = self.kcat("-C", "-J", "-t", self.topic(topic), "-o", "beginning", "-e")
        found = [json.loads(line) for line in out.split("\n") if line]
        for each in found:
            names = each.get("headers", [])
            each["headers"] = dict(zip(names[::2], names[1::2]))
        return found

    def put(self, partition, value):
        """A record of anybody's into the log, as it is."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(value)
            file.flush()
            self.kcat("-P", "-t", self.topic("log"), "-p", str(partition), file.name)

    def records(self, partition):
        """The log's, as they are, those of anybody else too."""
        mark = b"\n--end of record--\n"
        out = run_bytes("kcat", "-b", self.brokers, "-C", "-t", self.topic("log"), "-p", str(partition),
                        "-o", "beginning", "-e", "-D", mark.decode())
        return out.split(mark)[:-1]

    def results(self, reply_to, count):
        def arrived():
            found = [each for each in self.messages("results") if each["headers"]["reply-to"] == reply_to]
            return len(found) >= count and found
        return until(f"{count} results for {reply_to}", arrived)

    def follow(self, *more):
        """FollowLog.java -> {position: payload}, and {partition: {"decisions", "claims", "void"}}."""
        decisions, partitions = {}, {}
        for line in java("FollowLog", self.brokers, self.topic("log"), *more).splitlines():
            first, *rest = line.split()
            if ":" in first:
                payload = base64.b64decode(rest[1])
                assert len(payload) == int(rest[0]) and first not in decisions, line
                decisions[first] = payload
            else:
                partitions[int(first)] = dict(zip(rest[::2], map(int, rest[1::2])))
        return decisions, partitions


def decisions_over_http(server):
    """Every decision, all partitions, page after page."""
    found = []
    for partition in range(PARTITIONS):
        number = 0
        while page := server.get(f"/v1/decisions?from={partition}:{number}&limit=500").lines:
            page = [each for each in page if each["position"].startswith(f"{partition}:")]
            if not page:
                break
            found += page
            number = int(page[-1]["position"].partition(":")[2]) + 1
    return found


class EngineTest(unittest.TestCase):
    """A directory that goes with the test class, and engines that end with it."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="tenure-interop-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = directory.name

    @classmethod
    def serve(cls, log, *more):
        server = log.serve(os.path.join(cls.root, new_id()), *more)
        cls.addClassCleanup(lambda: server.process.poll() is None and server.kill())
        return server

    def assert_follows(self, log, server):
        """A plain consumer reads what the engine serves: numbers, commands, order. -> its summary."""
        served = decisions_over_http(server)
        decisions, partitions = log.follow()
        self.assertEqual(set(decisions), {each["position"] for each in served})
        for each in served:
            payload = decisions[each["position"]]
            self.assertEqual(payload[4:8], b"TNRD")
            self.assertIn(each["command_id"].encode(), payload)
            self.assertIn(each["org"].encode(), payload)
        counted = [sum(p.startswith(f"{at}:") for p in decisions) for at in range(PARTITIONS)]
        self.assertEqual([partitions[at]["decisions"] for at in range(PARTITIONS)], counted)
        return partitions
