#!/usr/bin/env python3
"""Tenure over Kafka beside Kafka Streams, on one broker in one run: throughput, ratios, latency at half load.

    kafka.py fetch                    the libraries of the peer, from Maven Central, once
    kafka.py run [--commands N]       a broker, `tenure bench kafka`, the peer under the same load, one table

Needs what ops/kafka/cluster.py needs, and flatc. Fails if the two did not decide the same.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEER = ROOT / "tests" / "bench" / "peers" / "kafka-streams"
BUILD = ROOT / "build" / "kafka-streams"
sys.path.insert(0, str(ROOT / "ops" / "kafka"))

from cluster import STEADY, BrokerError, Cluster  # noqa: E402

PEER_PREFIX = "tenure-peer"
PEER_FLAGS = ["-Xms2g", "-Xmx2g", "-XX:+UseParallelGC"]
BENCH_SECONDS = 600
PREFIX = 64  # of a record, before the decision


def unchanged(stamp, files):
    """Whether the stamp was made of these very files; else (None, what it has to say)."""
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()
    return stamp.exists() and stamp.read_text() == digest, digest


def fetch():
    """Copies the libraries unless they are there, of this very pom."""
    done, digest = unchanged(BUILD / "pom.sha256", [PEER / "pom.xml"])
    if done:
        return
    shutil.rmtree(BUILD, ignore_errors=True)
    subprocess.run(["mvn", "--quiet", "--batch-mode", "--file", str(PEER / "pom.xml"), "dependency:copy-dependencies",
                    "-DincludeScope=runtime", f"-DoutputDirectory={BUILD / 'jars'}"], check=True)
    (BUILD / "pom.sha256").write_text(digest)


def compile_peer():
    schemas = sorted((ROOT / "schemas").glob("*.fbs"))
    sources = sorted(PEER.rglob("*.java"))
    done, digest = unchanged(BUILD / "sources.sha256", schemas + sources)
    if done:
        return
    for name in ("generated", "classes"):
        shutil.rmtree(BUILD / name, ignore_errors=True)
    subprocess.run(["flatc", "--java", "-o", str(BUILD / "generated"), *map(str, schemas)], check=True)
    generated = sorted((BUILD / "generated").rglob("*.java"))
    subprocess.run(["javac", "-nowarn", "-d", str(BUILD / "classes"), "-cp", f"{BUILD}/jars/*",
                    *map(str, generated + sources)], check=True)
    (BUILD / "sources.sha256").write_text(digest)


def bench(options, name, *more):
    """-> the rows of one `tenure bench NAME`."""
    command = [options.tenure, "bench", name, "--json", "--brokers", options.brokers,
               "--commands", str(options.commands), "--organizations", str(options.organizations),
               "--partitions", str(options.partitions), "--data", str(options.directory / name), *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=BENCH_SECONDS)
    if done.returncode != 0:
        raise BrokerError(f"tenure bench {name} ended with {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def peer(options):
    """The Kafka Streams application, while it is under load."""
    log = options.directory / "peer.log"
    settings = [part for each in options.peer_set for part in ("--set", each)]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            ["java", *PEER_FLAGS, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
             f"{BUILD}/classes:{BUILD}/jars/*", "tenure.peer.KafkaStreamsPeer", "--brokers", options.brokers,
             "--prefix", PEER_PREFIX, "--state", str(options.directory / "peer-state"), *settings],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield
    except BaseException:
        print("\n".join(log.read_text(errors="replace").splitlines()[-30:]), file=sys.stderr)
        raise
    finally:
        process.kill()
        process.wait()


def table(rows):
    streams = rows["kafka/peer"]["per_s"]
    lines = [f"{'':18}{'decisions/s':>12}{'of producer':>12}{'of Streams':>12}"
             f"{'p50 ms':>9}{'p99 ms':>9}{'p99.9 ms':>9}{'at /s':>10}"]
    for name, row in rows.items():
        alone = f"{row['ratio']:.2f}" if row["probe"] else ""
        latencies = "".join(f"{row[each] / 1e3:9.1f}" for each in ("p50_us", "p99_us", "p999_us"))
        lines.append(f"{name:18}{row['per_s']:12.0f}{alone:>12}{row['per_s'] / streams:12.2f}"
                     f"{latencies}{row['latency_at_per_s']:10.0f}")
    engine = rows["kafka/engine"]
    lines.append(f"producer alone: {engine['probe_per_s']:.0f}/s, records of {engine['bytes_per_decision'] + PREFIX:.0f} bytes")
    return "\n".join(lines)


def check(rows, options):
    """The same commands had the same outcomes; a run that compares different jobs says nothing."""
    outcomes = {(row["decisions"], row["accepted"]) for row in rows.values()}
    if len(outcomes) != 1 or outcomes.pop()[0] != options.commands:
        raise BrokerError(f"not the same decisions: {rows}")


def run(options):
    fetch()
    compile_peer()
    for _ in range(options.rounds):  # the last one counts: a broker compiles while it runs for the first time
        rows = {row["bench"]: row for row in bench(options, "kafka")}
    with peer(options):
        rows |= {row["bench"]: row for row in bench(options, "kafka-peer", "--prefix", PEER_PREFIX)}
    print(table(rows))
    check(rows, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch")
    each = commands.add_parser("run")
    each.add_argument("--tenure", default=os.environ.get("TENURE_BINARY", str(ROOT / "build/release/tools/tenure/tenure")))
    each.add_argument("--state", metavar="FILE", help="of a broker that runs (cluster.py start); else one is started")
    each.add_argument("--commands", type=int, default=500_000)
    each.add_argument("--organizations", type=int, default=10_000)
    each.add_argument("--partitions", type=int, default=16)
    each.add_argument("--rounds", type=int, default=2, help="of ours, of which the last one is printed")
    each.add_argument("--peer-set", action="append", default=[], metavar="NAME=VALUE", help="a setting of Kafka Streams")
    options = parser.parse_args()
    try:
        if options.command == "fetch":
            fetch()
            return 0
        with contextlib.ExitStack() as stack:
            options.directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT / "build")))
            cluster = Cluster.load(options.state) if options.state else stack.enter_context(Cluster.start(jvm=STEADY))
            options.brokers = cluster.bootstrap
            run(options)
    except (BrokerError, subprocess.SubprocessError, OSError) as error:
        print(f"kafka.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
