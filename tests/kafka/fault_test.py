#!/usr/bin/env python3
"""The engine over a real Kafka while processes and brokers die, sleep and come and go (TRUST 9, 10, 11, 13, 14, 15, 17).

    fault_test.py KIND [--rounds N] [--seed S] [--logs L]

KIND: kill (kill -9 of engines under load), zombie (SIGSTOP past the session, then SIGCONT), broker (kill -9 and start of the
only broker), leaders (three brokers, one at a time), churn (engines join and leave),
storm (they do while others do; a round is a rebalance), same (one command a thousand times at once),
poison (commands that are none). A round is one such fault. After the faults of a turn the load pauses, and every command that was
sent has exactly one decision, every answer is that decision, versions have no gap, and all processes' read models agree; at the
end they equal those of a process that began with nothing, and the records of the topic are counted by the reader's rule.

A member that is gone is missed by the group after its session, 10 s: engines of several logs are killed meanwhile, so that
rounds cost less. The seed says what is sent and who is hit; when the processes get to run it cannot say.
"""

import argparse
import asyncio
import json
import math
import random
import re
import resource
import signal
import statistics
import struct
import tempfile
import threading
import time

from cluster import Cluster
from fleet import Fleet
from kafka_log import PARTITIONS
from tenure import KEY, command, wait_until

# A killed broker is taken back only once its session has passed, which is 9 s otherwise. Not shorter: with 500 ms one that waited for
# a processor was fenced, and while all partitions got a leader again its heartbeats waited, so that it was fenced again, without end.
QUICK = "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=400\n"
SAME = 1000
GROUP_KEY = 2  # the version of a key in __consumer_offsets that is a group's


def spread(values):
    if not values:
        return "none"
    return f"min {min(values):.2f} / median {statistics.median(values):.2f} / max {max(values):.2f} s ({len(values)})"


def report(kind, rounds, fleets, began, seed):
    sent = sum(len(fleet.load.sent) for fleet in fleets)
    retries = sum(fleet.load.retries for fleet in fleets)
    print(f"{kind}: {rounds} rounds in {time.monotonic() - began:.0f} s, seed {seed}, {len(fleets)} logs")
    print(f"  {sent} commands, each decided once; {retries} retries")
    print(f"  claims {sum(fleet.claims for fleet in fleets)}, void records {sum(fleet.voids for fleet in fleets)}")
    print(f"  from the fault to a partition's first answer: {spread([t for fleet in fleets for t in fleet.takeovers])}")
    ends = [said for fleet in fleets for said in fleet.own_ends]
    print(f"  processes that ended by themselves: {len(ends)}" + (f", the first:\n{ends[0]}" if ends else ""), flush=True)


def finish(fleet, also=()):
    fleet.load.end()
    fleet.load.fail_if_failed()
    fleet.check(also)
    fleet.check_rebuild()
    for engine in fleet.engines:
        if engine.serves():
            engine.stop()


def all_write(fleet):
    """Each process owns something, so that whoever is hit is missed."""
    def so():
        fleet.tend()
        return set(fleet.owners().values()) == set(fleet.engines) and len(fleet.owners()) == PARTITIONS
    wait_until(so, lambda: f"every process of {fleet.log.prefix} owns a partition\n{fleet.stand()}", 90)


def victims_of(fleet):
    """One process or two, after a moment of load, and the partitions that go with them."""
    hit = fleet.rng.sample(fleet.engines, fleet.rng.choice([1, 2]))
    time.sleep(fleet.rng.uniform(0.05, 0.4))
    return hit, [partition for engine in hit for partition in engine.writes()]


def kill_turn(fleet):
    hit, lost = victims_of(fleet)
    at = time.monotonic()
    for engine in hit:
        engine.kill()
    at_once = fleet.rng.random() < 0.5
    for engine in hit if at_once else ():
        engine.start()
    fleet.wait_answers(lost, at)
    for engine in () if at_once else hit:
        engine.start()
    return len(hit)


def zombie_turn(fleet):
    hit, lost = victims_of(fleet)
    at = time.monotonic()
    for engine in hit:
        engine.freeze()
    fleet.wait_answers(lost, at)  # others own them: the session has passed
    at = time.monotonic()
    for engine in hit:
        engine.thaw()
    fleet.wait_answers(range(PARTITIONS), at, count=False)
    return len(hit)


def hit_processes(kind, turn, options):
    """Logs side by side on one broker, each with processes of its own."""
    began = time.monotonic()
    each = -(-options.rounds // options.logs)
    failures, done = [], []

    def play(fleet):
        try:
            rounds = 0
            while rounds < each and not failures:
                all_write(fleet)
                rounds += turn(fleet)
                with fleet.load.quiet(fleet.tend):
                    fleet.check()
            done.append(rounds)
            finish(fleet)
        except BaseException as error:  # noqa: B902, raised again below
            failures.append(error)

    with tempfile.TemporaryDirectory() as directory, Cluster.start() as cluster:
        fleets = [Fleet(cluster, directory, f"f{number}", options.seed, pace=0.03) for number in range(options.logs)]
        try:
            threads = []
            for fleet in fleets:
                fleet.start()
                threads.append(threading.Thread(target=play, args=(fleet,)))
                threads[-1].start()
            for thread in threads:
                thread.join()
        finally:
            for fleet in fleets:
                fleet.__exit__()
        if failures:
            raise failures[0]
        report(kind, sum(done), fleets, began, options.seed)


def kill(options):
    hit_processes("kill -9 of an engine", kill_turn, options)


def zombie(options):
    hit_processes("SIGSTOP past the session, SIGCONT", zombie_turn, options)


def broker(options):
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, Cluster.start(more=QUICK) as cluster, Fleet(cluster, directory, "f", options.seed) as fleet:
        fleet.start()
        (only,), down = cluster.brokers, []
        for number in range(options.rounds):
            time.sleep(fleet.rng.uniform(0.2, 0.8))
            at = time.monotonic()
            fleet.load.up_since = math.inf
            only.end(signal.SIGKILL)
            only.start()
            only.wait_ready()
            fleet.load.up_since = time.monotonic()
            down.append(fleet.load.up_since - at)
            fleet.wait_answers(range(PARTITIONS), at)
            with fleet.load.quiet(fleet.tend):
                fleet.check()
                if number % 10 == 9:
                    fleet.check_rebuild()
        finish(fleet)
        report("kill -9 of the only broker", options.rounds, [fleet], began, options.seed)
        print(f"  the broker was gone: {spread(down)}")


def leaders_of(fleet, topic):
    told = json.loads(fleet.log.kcat("-L", "-J", "-t", topic))["topics"][0]["partitions"]
    return [each["leader"] for each in told], all(len(each["isrs"]) == 3 for each in told)


def leaders(options):
    began, moves = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as directory, Cluster.start(3, jvm="-XX:+UseSerialGC -Xmx384m", more=QUICK) as cluster, \
            Fleet(cluster, directory, "f", options.seed, replication=3, pace=0.04) as fleet:
        fleet.start()
        topics = ["f.log", "f.commands", "f.results", "__consumer_offsets"]
        for _ in range(options.rounds):
            time.sleep(fleet.rng.uniform(0.3, 1))
            before, _ = leaders_of(fleet, "f.log")
            # The one that leads most: something moves each time.
            node = max(set(before), key=before.count)
            hit = cluster.brokers[node - 1]
            at = time.monotonic()
            hit.end(fleet.rng.choice([signal.SIGKILL, signal.SIGTERM]))
            fleet.wait_answers(range(PARTITIONS), at)
            after, _ = leaders_of(fleet, "f.log")
            moves += sum(old != new for old, new in zip(before, after))
            hit.start()
            hit.wait_ready()
            wait_until(lambda: all(leaders_of(fleet, topic)[1] for topic in topics), "all replicas are in sync again", 90)
            with fleet.load.quiet(fleet.tend):
                fleet.check()
        finish(fleet)
        report(f"a broker of three ended and started ({moves} leaders of the log moved)", options.rounds, [fleet], began,
               options.seed)


def join_or_leave(engines, rng, least=1):
    """One process more or less, at least so many stay. How long a leaving one took."""
    serving = [engine for engine in engines if engine.serves()]
    absent = [engine for engine in engines if not engine.serves()]
    if not absent or (len(serving) > least and rng.random() < 0.5):
        at = time.monotonic()
        rng.choice(serving).stop()
        return [time.monotonic() - at]
    rng.choice(absent).start()
    return []


def settled(fleet):
    """Each process that is there owns a part, and all parts are owned."""
    fleet.tend()
    fleet.load.fail_if_failed()
    owners = fleet.owners()
    return len(owners) == PARTITIONS and set(owners.values()) == {engine for engine in fleet.engines if engine.serves()}


def churn(options):
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, Cluster.start() as cluster, \
            Fleet(cluster, directory, "f", options.seed, engines=4) as fleet:
        fleet.start()
        first, stops, settling = time.monotonic(), [], []
        for _ in range(options.rounds):
            stops += join_or_leave(fleet.engines, fleet.rng)
            at = time.monotonic()
            wait_until(lambda: settled(fleet), lambda: f"the group has settled\n{fleet.stand()}")
            settling.append(time.monotonic() - at)
        took, answered = time.monotonic() - first, len(fleet.load.answers)
        finish_after(fleet)
        report(f"joins and leaves, each once the last one is done: {took:.0f} s, {answered} commands answered meanwhile",
               options.rounds, [fleet], began, options.seed)
        print(f"  until all partitions are owned by those who are there: {spread(settling)}")
        print(f"  to drain and end after SIGTERM: {spread(stops)}")


def finish_after(fleet):
    fleet.wait_answers(range(PARTITIONS), time.monotonic())
    with fleet.load.quiet(fleet.tend):
        fleet.check()
    finish(fleet)


def generation(fleet):
    """How often the only group has rebalanced, as its coordinator keeps it: GroupMetadataValue in __consumer_offsets."""
    raw = fleet.log.kcat("-C", "-q", "-e", "-o", "beginning", "-t", "__consumer_offsets", "-f", "%K %S\n%k%s")
    at, last = 0, 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        key_size, size = (max(0, int(part)) for part in raw[at:end].split())
        key, value = raw[end + 1:end + 1 + key_size], raw[end + 1 + key_size:end + 1 + key_size + size]
        at = end + 1 + key_size + size
        if value and struct.unpack_from(">h", key) == (GROUP_KEY,):
            version, type_size = struct.unpack_from(">hh", value)
            assert version <= 3, f"a group's record of version {version} is written in another way"
            last = max(last, *struct.unpack_from(">i", value, 4 + type_size))
    return last


def storm(options):
    """Several at a time, without waiting for each other, until the group has rebalanced so often."""
    began, stops, failures, over = time.monotonic(), [], [], threading.Event()

    def play(number, engines):
        rng = random.Random(f"{options.seed}/{number}")
        try:
            while not over.is_set():
                stops.append(join_or_leave(engines, rng, least=0))
                time.sleep(rng.uniform(0, 0.4))
        except BaseException as error:  # noqa: B902, raised again below
            failures.append(error)

    with tempfile.TemporaryDirectory() as directory, Cluster.start() as cluster, \
            Fleet(cluster, directory, "f", options.seed, engines=5) as fleet:
        fleet.start()
        first, before, rebalances = time.monotonic(), generation(fleet), 0
        pairs = [fleet.engines[1:3], fleet.engines[3:5]]  # the first stays
        players = [threading.Thread(target=play, args=each) for each in enumerate(pairs)]
        for player in players:
            player.start()
        try:
            while rebalances < options.rounds and not failures:
                fleet.load.fail_if_failed()
                time.sleep(1)
                rebalances = generation(fleet) - before
            took, answered = time.monotonic() - first, len(fleet.load.answers)
        finally:
            over.set()
            for player in players:
                player.join()
        if failures:
            raise failures[0]
        finish_after(fleet)
        report(f"{rebalances} rebalances in {took:.0f} s by {len(stops)} joins and leaves, {answered} commands answered meanwhile",
               options.rounds, [fleet], began, options.seed)
        print(f"  to drain and end after SIGTERM: {spread([took for each in stops for took in each])}")


async def post_once(port, body):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: "
                     f"application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    return int(head.split()[1]), "Idempotent-Replayed" in head, text


async def post_all(ports, body, count):
    return await asyncio.wait_for(asyncio.gather(*(post_once(ports[n % len(ports)], body) for n in range(count))), 120)


def same(options):
    began, results = time.monotonic(), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory() as directory, Cluster.start() as cluster, Fleet(cluster, directory, "f", options.seed) as fleet:
        fleet.start()
        for turn in range(options.rounds):
            identity = f"same-{turn}"
            body = json.dumps(command(identity, "CreateOrganization", org=identity, name="Company", rulebook="space"))
            fleet.load.sent[identity] = body
            for when in ("at once", "after a restart"):
                ports = [engine.port for engine in fleet.engines]
                answers, retries = [], 0
                while len(answers) < SAME:
                    got = asyncio.run(post_all(ports, body, SAME - len(answers)))
                    answers += [(replayed, text) for status, replayed, text in got if status == 200]
                    assert all(status in (200, 503) for status, _, _ in got), {g for g in got if g[0] not in (200, 503)}
                    retries += SAME - len(answers)
                    assert retries < 20 * SAME, "it is never answered"
                texts = {text for _, text in answers}
                assert len(texts) == 1, f"{len(texts)} answers: {sorted(texts)[:2]}"
                decided = sum(not replayed for replayed, _ in answers)
                assert decided <= (when == "at once"), f"{decided} of the answers say that they decided it, {when}"
                fleet.load.answers.setdefault(identity, json.loads(texts.pop()))
                results.append(f"{when}: {SAME} answers, {decided} of them the first, {retries} retries")
                if when == "at once":
                    for engine in fleet.engines:
                        engine.kill() if fleet.rng.random() < 0.5 else engine.stop()
                    for engine in fleet.engines:
                        engine.begin()
                    for engine in fleet.engines:
                        engine.wait_ready()
            with fleet.load.quiet(fleet.tend):
                fleet.check()
        finish(fleet)
        report("the same command a thousand times", options.rounds, [fleet], began, options.seed)
        print("\n".join(f"  {line}" for line in results))


def poisons(rng, org):
    """Commands that are none, as they may come from anywhere: what, key, value."""
    sound = command("x", "AddMember", org=org, user="u", role="ADMIN")
    yield "garbage", org, rng.randbytes(200)
    yield "nothing", org, b""
    yield "no JSON", org, b'{"id":"x","org":'
    yield "JSON of another kind", org, b'{"hello":[1,2,3]}'
    yield "an unknown command", org, json.dumps(sound | {"command_type": "MakeCoffee"}).encode()
    yield "an unknown field", org, json.dumps(sound | {"command": {"user": "u", "role": "ADMIN", "x": 1}}).encode()
    yield "a bad identifier", org, json.dumps(sound | {"org": "no/such id"}).encode()
    yield "a depth bomb", org, b'{"id":"x","command":' + b'[' * 100_000
    yield "a bad buffer", org, bytes([16, 0, 0, 0]) + b"TNRC" + rng.randbytes(400)
    yield "a cut buffer", org, bytes([16, 0, 0, 0]) + b"TNRC"
    yield "9 MB", org, b'{"id":"' + b"a" * 9_000_000 + b'"}'
    yield "9 MB of garbage", org, rng.randbytes(9_000_000)


def poison(options):
    began, sent, refused = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as directory, Cluster.start() as cluster, Fleet(cluster, directory, "f", options.seed) as fleet:
        fleet.start()
        own = {client.partition: client.orgs[0] for client in fleet.load.clients}
        decided = set()
        for _ in range(options.rounds):
            for partition, org in own.items():
                for what, key, value in poisons(fleet.rng, org):
                    at = time.monotonic()
                    if value:
                        fleet.log.put("commands", partition, value, "-k", key, "-X", "message.max.bytes=10000000")
                    else:
                        fleet.log.kcat("-P", "-t", "f.commands", "-p", str(partition), "-K", "|", "-Z", input=f"{key}|\n".encode())
                    sent += 1
                    if fleet.rng.random() < 0.1:  # what it had not settled comes again, to another
                        killed = fleet.rng.choice(fleet.engines)
                        killed.kill()
                        killed.start()
                    fleet.wait_answers([partition], at)
            engine = fleet.rng.choice(fleet.engines)
            for body in (b"garbage", b'{"id":', b'[' * 100_000, b'{"id":"x","org":"y"}', b"a" * (17 << 20)):
                answer = engine.post("/v1/commands", body)
                assert 400 <= answer.status < 500 and answer.json["detail"], f"{body[:20]}: {answer.status} {answer.text}"
                refused += 1
            with fleet.load.quiet(fleet.tend):
                decided = wait_until(lambda: len(found := malformed(fleet)) >= sent and found, f"{sent} are decided as malformed")
                fleet.check(also=decided)
                check_history(fleet, own, decided)
        assert len(decided) == sent, f"{sent} were sent, {len(decided)} decided as malformed"
        kept = wait_until(lambda: len(found := quarantined(fleet)) >= sent and found, f"{sent} are in the quarantine", 30)
        assert {f"kafka-{place}" for place in kept} == decided, "other messages are in the quarantine than were decided as malformed"
        reasons = fleet.log.consume("quarantine", "-f", "%h\n").decode()
        for line in reasons.splitlines():
            assert re.search(r"tenure-error=[^,]", line), f"in the quarantine without a reason: {line}"
        finish(fleet, also=decided)
        report(f"poison: {sent} into the topic, {len(decided)} decided as malformed, {refused} over HTTP refused", options.rounds, [fleet],
               began, options.seed)


def malformed(fleet):
    """The ids of all that is decided so; read_on sees to it that none is there twice."""
    fleet.read_on()
    return {identity for identity, decision in fleet.by_id.items() if decision.get("rejection", {}).get("code") == "malformed"}


def check_history(fleet, own, decided):
    """What was sent in the name of an organization stands in its history."""
    engine = fleet.rng.choice([engine for engine in fleet.engines if engine.serves()])
    for partition, org in own.items():
        wanted = {identity for identity in decided if fleet.by_id[identity]["org"] == org}
        path = f"/v1/orgs/{org}/history?limit=5000&at_least={partition}:{len(fleet.decisions[partition]) - 1}"
        listed = {each["command_id"] for each in engine.read(path).json["decisions"]}
        assert wanted and wanted <= listed, f"not in the history of {org}: {sorted(wanted - listed)[:5]}"


def quarantined(fleet):
    """Where the messages came from that are in the quarantine: `partition-offset`."""
    headers = fleet.log.consume("quarantine", "-f", "%h\n").decode()
    return set(re.findall(r"tenure-origin=f\.commands-(\d+-\d+)", headers))


KINDS = {"kill": (kill, 30), "zombie": (zombie, 30), "broker": (broker, 30), "leaders": (leaders, 6), "churn": (churn, 50), "storm": (storm, 50),
         "same": (same, 2), "poison": (poison, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--logs", type=int, default=4, help="side by side, for kill and zombie")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    run, rounds = KINDS[options.kind]
    options.rounds = options.rounds or rounds
    print(f"fault_test.py {options.kind} --rounds {options.rounds} --logs {options.logs} --seed {options.seed}", flush=True)
    run(options)


if __name__ == "__main__":
    main()
