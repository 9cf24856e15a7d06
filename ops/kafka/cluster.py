#!/usr/bin/env python3
"""A real Apache Kafka for tests: one broker, or a KRaft cluster of several, on free loopback ports.

    cluster.py fetch                                   the broker's jars, from Maven Central
    cluster.py start --state FILE [--brokers 3]        prints the bootstrap address once it is ready
    cluster.py stop  --state FILE                      ends what that start began, deletes its data
    cluster.py run   [--brokers 3] COMMAND...          start, COMMAND with TENURE_KAFKA set, stop

FILE says, as JSON, where the brokers are. Only processes that were started here are ever ended, by
their id. Tests that stop, kill and restart brokers use class Cluster. Needs Java 17, and Maven once.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
JARS = HERE.parent.parent / "build" / "kafka" / "jars"
STARTED = "Kafka Server started"
START_SECONDS = 90
STOP_SECONDS = 30

SETTINGS = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
message.max.bytes=10485760
replica.fetch.max.bytes=10485760
log.cleaner.dedupe.buffer.size=8388608
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replication}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr=1
"""


class BrokerError(Exception):
    """Says in one line what is wrong and what to do."""


def fetch():
    """Copies the jars unless they are there, of this very pom."""
    pom = HERE / "pom.xml"
    stamp = JARS / "pom.sha256"
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(JARS, ignore_errors=True)
    subprocess.run(["mvn", "--quiet", "--batch-mode", "--file", str(pom), "dependency:copy-dependencies",
                    "-DincludeScope=runtime", f"-DoutputDirectory={JARS}"], check=True)
    stamp.write_text(wanted)


def java(main, *arguments, flags):
    if not (JARS / "pom.sha256").exists():
        raise BrokerError(f"no broker in {JARS}: run ops/kafka/cluster.py fetch")
    return ["java", "-XX:+UseSerialGC", *flags,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            "-cp", f"{JARS}/*", main, *arguments]


def free_ports(count):
    """Held together while they are chosen, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def begun(pid):
    """When a process began, to tell it from a later one with the same id; nothing if it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


class Broker:
    """One node. `pid` and `since` name its process while it runs."""

    def __init__(self, directory, port, heap, pid=None, since=None):
        self.directory = pathlib.Path(directory)
        self.port, self.heap, self.pid, self.since = port, heap, pid, since
        self.process = None  # if this program started it

    @property
    def log(self):
        return self.directory / "broker.log"

    @property
    def settings(self):
        return self.directory / "server.properties"

    def format(self, cluster_id):
        return subprocess.Popen(
            java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}",  # may begin with a dash
                 "--config", str(self.settings), flags=["-Xmx64m", "-XX:TieredStopAtLevel=1"]),
            stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"))

    def start(self):
        """Begins, also again with the data it has; wait_ready() tells when it serves."""
        self.skip = self.log.stat().st_size
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                java("kafka.Kafka", str(self.settings), flags=[f"-Xmx{self.heap}"]), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.pid, self.since = process.pid, begun(process.pid)
        self.process = process

    def runs(self):
        return self.pid is not None and begun(self.pid) == self.since

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            said = self.log.read_bytes()[self.skip:].decode(errors="replace")
            if STARTED in said:
                return
            if not self.runs() or time.monotonic() > deadline:
                last = "\n".join(said.splitlines()[-15:])
                raise BrokerError(f"the broker in {self.directory} did not start:\n{last}")
            time.sleep(0.05)

    def send(self, number):
        if self.runs():
            os.kill(self.pid, number)

    def end(self, number=signal.SIGTERM):
        """Ends it and waits; SIGKILL if it takes too long."""
        self.send(signal.SIGCONT)
        self.send(number)
        deadline = time.monotonic() + STOP_SECONDS
        while self.runs():
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
                deadline += STOP_SECONDS
            if self.process:
                self.process.poll()
            time.sleep(0.02)
        self.pid = None


class Cluster:
    """Brokers that share one temporary directory. As a context: ended and deleted behind it."""

    def __init__(self, directory, brokers):
        self.directory, self.brokers = directory, brokers

    @classmethod
    def start(cls, count=1, heap="512m", more=""):
        """`more`: settings of the brokers beside those above, as lines."""
        directory = tempfile.mkdtemp(prefix="tenure-kafka-")
        ports = free_ports(2 * count)
        voters = ",".join(f"{n + 1}@127.0.0.1:{ports[count + n]}" for n in range(count))
        cluster = cls(directory, [])
        try:
            for n in range(count):
                broker = Broker(os.path.join(directory, str(n + 1)), ports[n], heap)
                broker.directory.mkdir()
                broker.settings.write_text(SETTINGS.format(
                    node=n + 1, voters=voters, port=ports[n], controller_port=ports[count + n],
                    data=broker.directory / "data", replication=min(3, count)) + more)
                cluster.brokers.append(broker)
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            for broker, tool in [(b, b.format(cluster_id)) for b in cluster.brokers]:
                if tool.wait() != 0:
                    raise BrokerError(f"cannot format:\n{broker.log.read_text()}")
            for broker in cluster.brokers:
                broker.start()
            for broker in cluster.brokers:
                broker.wait_ready()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def stop(self):
        for broker in self.brokers:
            broker.send(signal.SIGKILL)
        for broker in self.brokers:
            broker.end(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def save(self, path):
        brokers = [{"directory": str(b.directory), "port": b.port, "heap": b.heap, "pid": b.pid,
                    "since": b.since} for b in self.brokers]
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        pathlib.Path(path).write_text(json.dumps(
            {"bootstrap": self.bootstrap, "directory": self.directory, "brokers": brokers}, indent=1))

    @classmethod
    def load(cls, path):
        saved = json.loads(pathlib.Path(path).read_text())
        return cls(saved["directory"], [Broker(**each) for each in saved["brokers"]])


def stop_saved(path):
    if os.path.exists(path):
        Cluster.load(path).stop()
        os.remove(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch")
    for name in ("start", "stop", "run"):
        each = commands.add_parser(name)
        if name != "run":
            each.add_argument("--state", required=True, metavar="FILE")
        if name != "stop":
            each.add_argument("--brokers", type=int, default=1)
            each.add_argument("--heap", default="512m", help="of each broker")
        if name == "run":
            each.add_argument("run", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    try:
        if options.command == "fetch":
            fetch()
        elif options.command == "stop":
            stop_saved(options.state)
        elif options.command == "start":
            stop_saved(options.state)  # what a run that was cut short left
            cluster = Cluster.start(options.brokers, options.heap)
            cluster.save(options.state)
            print(cluster.bootstrap)
        else:
            with Cluster.start(options.brokers, options.heap) as cluster:
                environment = os.environ | {"TENURE_KAFKA": cluster.bootstrap}
                return subprocess.run(options.run, env=environment).returncode
    except (BrokerError, subprocess.CalledProcessError, OSError) as error:
        print(f"cluster.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
