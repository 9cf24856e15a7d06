#!/usr/bin/env python3
"""A real Apache Kafka for tests: one broker, or a KRaft cluster of several, on free loopback ports.

    cluster.py fetch                                   the broker's jars, from Maven Central
    cluster.py start --state FILE [--brokers 3]        prints the bootstrap address once it is ready
    cluster.py stop  --state FILE                      ends what that start began, deletes its data
    cluster.py run   [--brokers 3] COMMAND...          start, COMMAND with TENURE_KAFKA set, stop

With `--user NAME:PASSWORD` (repeated) the brokers listen for TLS with SASL (SCRAM-SHA-256, PLAIN) too, with
certificates of an authority made for the occasion; with `--acls` those users may do nothing until
they are permitted (StandardAuthorizer), and whoever comes in clear is the administrator.

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
listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={listeners}
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


SECURE_SETTINGS = """\
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
ssl.keystore.type=PEM
ssl.keystore.location={keys}
"""

ACL_SETTINGS = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
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


# Flags of a broker's JVM: one for tests, which starts quickly and stays small; and one whose young generation is so large that it is
# collected every ten seconds, for 15 to 60 ms, under 80,000 records a second. The first stops all threads for 50 to 400 ms at a time, what
# Kafka's own scripts have (1 GiB, G1 with a goal of 20 ms) twice a second for 11 to 210 ms.
SMALL = "-XX:+UseSerialGC -Xmx512m"
STEADY = "-server -Xms3g -Xmx3g -Xmn2g -XX:+UseParallelGC"


def java(main, *arguments, flags):
    if not (JARS / "pom.sha256").exists():
        raise BrokerError(f"no broker in {JARS}: run ops/kafka/cluster.py fetch")
    return ["java", *flags,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            # Whose session has timed out.
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller.ReplicationControlManager=info",
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller.BrokerHeartbeatManager=info",
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


def make_authority(directory):
    """ca.pem, who signs; broker.pem, key and certificate of a broker at 127.0.0.1."""
    directory.mkdir()

    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise BrokerError(f"openssl {arguments[0]}: {done.stderr.strip()}")

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=authority of a test", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*new, "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "broker.csr")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "broker.csr", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", "names", "-out", "broker.crt")
    both = (directory / "broker.key").read_text() + (directory / "broker.crt").read_text()
    (directory / "broker.pem").write_text(both)


class Security:
    """What a cluster with a SASL_SSL listener has beside its brokers: users {name: password}, an authority."""

    def __init__(self, users, acls=False):
        self.users, self.acls = users, acls

    def settings(self, authority):
        users = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        secure = SECURE_SETTINGS.format(keys=authority / "broker.pem", users=users)
        return secure + (ACL_SETTINGS if self.acls else "")

    def scram(self):
        """For the format, which makes the users."""
        return [part for name, password in self.users.items()
                for part in ("--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]")]


class Broker:
    """One node. `pid` and `since` name its process while it runs."""

    def __init__(self, directory, port, jvm, pid=None, since=None, secure_port=None):
        self.directory = pathlib.Path(directory)
        self.port, self.jvm, self.pid, self.since = port, jvm, pid, since
        self.secure_port = secure_port  # of the SASL_SSL listener, if there is one
        self.process = None  # if this program started it

    @property
    def log(self):
        return self.directory / "broker.log"

    @property
    def settings(self):
        return self.directory / "server.properties"

    @property
    def listeners(self):
        secure = f",SASL_SSL://127.0.0.1:{self.secure_port}" if self.secure_port else ""
        return f"PLAINTEXT://127.0.0.1:{self.port}{secure}"

    def format(self, cluster_id, scram=()):
        return subprocess.Popen(
            java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}",  # may begin with a dash
                 "--config", str(self.settings), *scram, flags=["-XX:+UseSerialGC", "-Xmx64m", "-XX:TieredStopAtLevel=1"]),
            stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"))

    def start(self):
        """Begins, also again with the data it has; wait_ready() tells when it serves."""
        self.skip = self.log.stat().st_size
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                java("kafka.Kafka", str(self.settings), flags=self.jvm.split()), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.pid, self.since = process.pid, begun(process.pid)
        self.process = process

    def said(self):
        """What it wrote since it was last started."""
        return self.log.read_bytes()[self.skip:].decode(errors="replace")

    def tail(self, lines=15):
        return "\n".join(self.said().splitlines()[-lines:])

    def runs(self):
        return self.pid is not None and begun(self.pid) == self.since

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            if STARTED in self.said():
                return
            if not self.runs() or time.monotonic() > deadline:
                raise BrokerError(f"the broker in {self.directory} did not start:\n{self.tail()}")
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
    def start(cls, count=1, jvm=SMALL, security=None, more=""):
        """`jvm`: flags of each broker's. `more`: settings of the brokers beside those above, as lines."""
        directory = tempfile.mkdtemp(prefix="tenure-kafka-")
        ports = free_ports(3 * count)
        voters = ",".join(f"{n + 1}@127.0.0.1:{ports[count + n]}" for n in range(count))
        cluster = cls(directory, [])
        try:
            if security:
                make_authority(cluster.authority)
            for n in range(count):
                broker = Broker(os.path.join(directory, str(n + 1)), ports[n], jvm,
                                secure_port=ports[2 * count + n] if security else None)
                broker.directory.mkdir()
                settings = SETTINGS.format(
                    node=n + 1, voters=voters, listeners=broker.listeners,
                    controller_port=ports[count + n], data=broker.directory / "data",
                    replication=min(3, count))
                secure = security.settings(cluster.authority) if security else ""
                broker.settings.write_text(settings + secure + more)
                cluster.brokers.append(broker)
            scram = security.scram() if security else ()
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            for broker, tool in [(b, b.format(cluster_id, scram)) for b in cluster.brokers]:
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

    @property
    def secure_bootstrap(self):
        return ",".join(f"127.0.0.1:{broker.secure_port}" for broker in self.brokers if broker.secure_port)

    @property
    def authority(self):
        return pathlib.Path(self.directory) / "authority"

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
        brokers = [{"directory": str(b.directory), "port": b.port, "jvm": b.jvm, "pid": b.pid,
                    "since": b.since, "secure_port": b.secure_port} for b in self.brokers]
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        pathlib.Path(path).write_text(json.dumps(
            {"bootstrap": self.bootstrap, "secure_bootstrap": self.secure_bootstrap,
             "authority": str(self.authority / "ca.pem"), "directory": self.directory, "brokers": brokers},
            indent=1))

    @classmethod
    def load(cls, path):
        saved = json.loads(pathlib.Path(path).read_text())
        return cls(saved["directory"], [Broker(**each) for each in saved["brokers"]])


def stop_saved(path):
    if os.path.exists(path):
        Cluster.load(path).stop()
        os.remove(path)


def security_of(options):
    if not options.user:
        return None
    return Security(dict(each.split(":", 1) for each in options.user), options.acls)


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
            each.add_argument("--jvm", default=SMALL, metavar="FLAGS", help="of each broker's")
            each.add_argument("--user", action="append", metavar="NAME:PASSWORD")
            each.add_argument("--acls", action="store_true")
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
            cluster = Cluster.start(options.brokers, options.jvm, security_of(options))
            cluster.save(options.state)
            print(cluster.bootstrap)
        else:
            with Cluster.start(options.brokers, options.jvm, security_of(options)) as cluster:
                environment = os.environ | {"TENURE_KAFKA": cluster.bootstrap}
                return subprocess.run(options.run, env=environment).returncode
    except (BrokerError, subprocess.CalledProcessError, OSError) as error:
        print(f"cluster.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
