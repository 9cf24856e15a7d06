"""The topics of one log at some Kafka, and a client of them that is not ours: kcat."""

import json
import os
import struct
import tempfile
import zlib

from tenure import TENURE, new_id, run, run_bytes, wait_until

PARTITIONS = 4


def brokers():
    """Where the broker is that ctest starts for all tests."""
    with open(os.environ["TENURE_KAFKA_STATE"]) as state:
        return json.load(state)["bootstrap"]


def partition_of(key, partitions=PARTITIONS):
    """As the Java client puts a key, and so do we (engine/base/murmur2.h); librdkafka's own default is CRC32."""
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


def crc32_partition_of(key, partitions=PARTITIONS):
    return zlib.crc32(key.encode()) % partitions


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


class KafkaLog:
    """Topics of a prefix of their own, at some brokers, and how they are reached."""

    def __init__(self, at, properties=(), prefix=None):
        self.brokers, self.prefix = at, prefix or f"t{new_id()[:8]}"
        self.properties = list(properties)  # name=value of the client

    @property
    def flags(self):
        reach = ["--brokers", self.brokers, "--prefix", self.prefix, "--partitions", str(PARTITIONS)]
        return reach + [part for each in self.properties for part in ("--property", each)]

    @property
    def serve(self):
        """What makes a `tenure serve` one over this log."""
        return ["--log", "kafka", *self.flags]

    def topic(self, name):
        return f"{self.prefix}.{name}"

    def make_topics(self, replication=1):
        run(TENURE, "kafka", "topics", "--create", "--replication", str(replication), *self.flags)
        return self

    def kcat(self, *arguments, input=None):
        settings = [part for each in self.properties for part in ("-X", each)]
        return run_bytes("kcat", "-b", self.brokers, *settings, *arguments, input=input)

    def publish(self, commands, *more):
        """(org, value) each, with kcat's own partitioner unless told otherwise."""
        lines = "".join(f"{org}\t{value}\n" for org, value in commands)
        self.kcat("-P", "-t", self.topic("commands"), "-K", "\t", *more, input=lines.encode())

    def put(self, topic, partition, value, *more):
        """A message of anybody's, as it is."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(value)
            file.flush()
            self.kcat("-P", "-t", self.topic(topic), "-p", str(partition), *more, file.name)

    def consume(self, topic, *how):
        """All there is now, in the form that `how` asks of kcat."""
        return self.kcat("-C", "-q", "-e", "-o", "beginning", "-t", self.topic(topic), *how)

    def messages(self, topic):
        """All there is now; headers as a dictionary."""
        found = [json.loads(line) for line in self.consume(topic, "-J").decode(errors="replace").split("\n") if line]
        for each in found:
            names = each.get("headers", [])
            each["headers"] = dict(zip(names[::2], names[1::2]))
        return found

    def results(self, reply_to, count):
        def arrived():
            found = [each for each in self.messages("results") if each["headers"]["reply-to"] == reply_to]
            return len(found) >= count and found
        return wait_until(arrived, f"{count} results for {reply_to}", 30)
