"""`tenure relay`: the events of a log as CloudEvents, each once whatever is killed, read by clients that are not ours."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from java_client import java
from kafka_case import KafkaTest
from kafka_log import PARTITIONS, KafkaLog, brokers, partition_of
from tenure import TENURE, Server, command, environment, new_id, run, wait_until

HERE = pathlib.Path(__file__).resolve().parent
KILLS = int(os.environ.get("TENURE_RELAY_KILLS", "5"))
SEED = int(os.environ.get("TENURE_SEED", "1"))


def found(org):
    return command(new_id(), "CreateOrganization", org=org, name=f"The {org}", rulebook="space")


def events_of(decisions):
    """(id, org, type, data) of each event, in the order of the log."""
    return [(f"{each['position']}/{index}", each["org"], event["event_type"], event["event"])
            for each in decisions if each["outcome"] == "accepted" for index, event in enumerate(each["events"])]


def key_of(identity):
    number, index = identity.split(":")[1].split("/")
    return int(number), int(index)


class RelayTest(KafkaTest):
    def setUp(self):
        self.log = KafkaLog(brokers()).make_topics()

    def embedded(self):
        data = os.path.join(self.root, new_id())
        server = Server(data).start()
        self.addCleanup(shutil.rmtree, data, True)
        self.addCleanup(server.end_if_it_runs)
        return server

    def arguments(self, source):
        """`source`: a server with its log in files; None: the log is in Kafka."""
        where = ["--data", str(source.data), *self.log.flags] if source else self.log.serve
        return [TENURE, "relay", *where]

    def relay(self, source, *more):
        """To where the log ends now -> how many were published."""
        return json.loads(run(*self.arguments(source), "--once", "--json", *more))["published"]

    def messages(self):
        return self.log.messages("events")

    def assert_complete(self, decisions, messages, partitions=PARTITIONS):
        """Nothing is missing, nothing out of order for an organization, nothing twice."""
        wanted = events_of(decisions)
        got = {}
        for each in messages:
            event = json.loads(each["payload"])
            self.assertNotIn(event["id"], got)
            got[event["id"]] = event
            self.assertEqual((each["key"], each["partition"]), (event["partitionkey"], partition_of(each["key"], partitions)))
        self.assertEqual(got.keys(), {identity for identity, *_ in wanted})
        for identity, org, kind, _ in wanted:
            self.assertEqual((got[identity]["partitionkey"], got[identity]["type"]), (org, f"tenure.{kind}"))
        by_org = {}
        for each in messages:
            by_org.setdefault(each["key"], []).append(key_of(json.loads(each["payload"])["id"]))
        for org, keys in by_org.items():
            self.assertEqual(keys, sorted(keys), org)
        return got

    def test_every_event_is_a_cloud_event_of_its_schema_without_sealed_text(self):
        server = self.embedded()
        decisions = server.submit(
            found("acme"), found("beta"),
            command(new_id(), "AddMember", user="dan", role="ADMIN", name="Dan Brown", email="dan@example.org") | {"reason": "bookkeeper"},
            command(new_id(), "AddMember", user="dan", role="ADMIN"),
            command(new_id(), "CreateSpace", space="web", name="Web"),
            command(new_id(), "CreateResource", space="web", type="service", resource="api", name="API"))
        self.assertEqual([each["outcome"] for each in decisions].count("rejected"), 1)
        self.assertEqual(self.relay(server), len(events_of(decisions)))
        self.assertEqual(self.relay(server), 0, "all of it is there")
        messages = self.messages()
        got = self.assert_complete(decisions, messages)
        schemas = {each["title"]: each for each in map(json.loads, run(TENURE, "schema", "json").splitlines())}
        ids = {event["source"].split("/")[0] for event in got.values()}
        self.assertEqual(len(ids), 1)
        for identity, org, kind, data in events_of(decisions):
            event = got[identity]
            decision = next(each for each in decisions if each["position"] == identity.split("/")[0])
            self.assertEqual(event["data"], {name: value for name, value in data.items() if name not in ("name", "email")}
                             if kind == "MemberAdded" else data)
            self.assertEqual((event["specversion"], event["time"], event["actor"], event["orgversion"], event["commandid"],
                              event["datacontenttype"]),
                             ("1.0", decision["time"], decision["actor"], str(decision["version"]), decision["command_id"],
                              "application/json"))
            self.assertEqual(event["subject"], f"{org}/{data['space']}" if "space" in data else org)
            self.assertEqual(event["dataschema"], schemas[kind]["$id"])
            self.assertLessEqual(event["data"].keys(), schemas[kind]["properties"].keys())
        raw = self.log.consume("events")
        for sealed in (b"Dan Brown", b"dan@example.org", b"bookkeeper"):
            self.assertNotIn(sealed, raw)
        self.assertEqual({each["headers"]["content-type"] for each in messages}, {"application/cloudevents+json; charset=UTF-8"})
        self.read_by_others(got)

    def read_by_others(self, got):
        """The Java client; the library of CloudEvents for Python, where ops/venv made a place for it."""
        lines = java("FollowEvents", self.log.brokers, self.log.topic("events")).splitlines()
        self.assertEqual({json.loads(line.split("\t", 1)[1])["id"]: line.split("\t", 1)[0] for line in lines},
                         {identity: event["partitionkey"] for identity, event in got.items()})
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            file.write(run(TENURE, "schema", "json"))
            file.flush()
            said = run(f"{os.environ['TENURE_VENV']}/bin/python", str(HERE / "read_cloud_events.py"), file.name,
                       input="".join(json.dumps(each) + "\n" for each in self.messages()).encode())
        self.assertEqual(sorted(said.splitlines()),
                         sorted(f"{event['id']} {event['type']} {event['subject']}" for event in got.values()))

    def test_a_log_over_kafka_is_relayed_and_gone_on_with(self):
        server = self.serve(self.log)
        decisions = server.submit(*[found(f"org-{n}") for n in range(20)])
        self.assertEqual({each["outcome"] for each in decisions}, {"accepted"})
        self.assertEqual(self.relay(None), 40)
        decisions += server.submit(*[command(new_id(), "CreateSpace", org=f"org-{n}", space="web", name="Web") for n in range(20)])
        self.assertEqual(self.relay(None), 20)
        got = self.assert_complete(decisions, self.messages())
        self.assert_exported(server, got)

    def assert_exported(self, server, got):
        """An export from the directory of a process that stopped has the same events."""
        server.stop()
        out = os.path.join(self.root, new_id())
        said = json.loads(run(TENURE, "export", "--data", str(server.data), *self.log.serve, "--out", out, "--json"))
        self.assertEqual(said["events"], len(got))
        rows = [json.loads(line) for file in pathlib.Path(out, "events").rglob("*.ndjson") for line in file.read_text().splitlines()]
        self.assertEqual({f"{row['log_partition']}:{row['number']}/{row['event_index']}": (row["org"], row["event"]) for row in rows},
                         {identity: (event["partitionkey"], event["data"]) for identity, event in got.items()})

    def test_a_relay_that_is_killed_again_and_again_publishes_each_event_once(self):
        server = self.embedded()
        orgs = [f"org-{n}" for n in range(50)]
        server.submit(*[found(org) for org in orgs])
        rng, stopping = random.Random(SEED), threading.Event()

        def load():
            count = 0
            while not stopping.is_set():
                server.submit(*[command(new_id(), "RenameOrganization", org=rng.choice(orgs), name=f"n{count}-{i}")
                                for i in range(100)])
                count += 1
                time.sleep(0.1)

        writer = threading.Thread(target=load)
        writer.start()
        seen = []
        try:
            for _ in range(KILLS):
                before = self.ends()
                relay = subprocess.Popen(self.arguments(server), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                         env=environment())
                wait_until(lambda: relay.poll() is not None or self.ends() > before, "it publishes")
                time.sleep(rng.uniform(0, 0.2))
                self.assertIsNone(relay.poll(), relay.stderr.read() if relay.poll() is not None else "")
                relay.kill()
                relay.wait()
                relay.stderr.close()
                seen.append(self.ends())
        finally:
            stopping.set()
            writer.join()
        self.relay(server)
        decisions, at = [], "0:0"
        while page := server.read(f"/v1/decisions?from={at}&limit=5000"):
            if page.headers["Tenure-Next"] == at:
                break
            decisions, at = decisions + page.lines, page.headers["Tenure-Next"]
        self.assert_complete(decisions, self.messages())
        print(f"{KILLS} kills, {len(events_of(decisions))} events, none repeated; the topic grew at {len(set(seen))} of them")

    def test_it_follows_until_it_is_stopped_and_says_how_far_it_is(self):
        server, metrics = self.embedded(), os.path.join(self.root, new_id())
        server.submit(found("acme"))
        relay = subprocess.Popen([*self.arguments(server), "--json", "--metrics", metrics], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=environment())
        self.addCleanup(relay.kill)
        wait_until(lambda: self.ends() == 2, "what was there")
        for n in range(3):
            server.submit(command(new_id(), "RenameOrganization", name=f"n{n}"))
            wait_until(lambda: self.ends() == 3 + n, "the last decision too, though no other follows")
        wait_until(lambda: "tenure_relay_events_total 5\n" in pathlib.Path(metrics).read_text(), "the metrics")
        self.assertIn('tenure_relay_behind_records{partition="0"} 0\n', pathlib.Path(metrics).read_text())
        relay.terminate()
        out, _ = relay.communicate(timeout=60)
        self.assertEqual((relay.returncode, json.loads(out)), (0, {"published": 5}))

    def test_the_mark_goes_along_however_slowly_events_come(self):
        server = self.embedded()
        server.submit(found("acme"))
        relay = subprocess.Popen(self.arguments(server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        self.addCleanup(relay.wait)
        self.addCleanup(relay.kill)
        wait_until(lambda: self.ends() == 2, "what was there")
        for n in range(12):
            server.submit(*[command(new_id(), "RenameOrganization", name=f"n{n}-{i}") for i in range(50)])
            wait_until(lambda: self.ends() == 52 + 50 * n, "each batch before the next")
        newest = max(self.messages(), key=lambda each: key_of(json.loads(each["payload"])["id"]))
        offset = int(newest["headers"]["tenure-mark"].split(" ")[1].split(":")[0])
        self.assertGreater(offset, 601 - 2 * 256, "behind the mark is not the whole log")

    def ends(self):
        """Messages of the topic."""
        said = self.log.kcat("-Q", *[part for n in range(PARTITIONS) for part in ("-t", f"{self.log.topic('events')}:{n}:-1")]).decode()
        return sum(int(each) for each in re.findall(r"offset (\d+)", said))

    def test_a_topic_of_something_else_is_left_alone(self):
        first, second = self.embedded(), self.embedded()
        for server in (first, second):
            server.submit(found("acme"))
        self.relay(first)
        self.assertIn("this log is", self.refused(second))
        self.log.put("events", 0, b"hello")
        self.assertIn("no event of a relay", self.refused(first))
        self.log.prefix = "nothing"
        self.assertIn("topic nothing.events", self.refused(first))

    def refused(self, server):
        done = subprocess.run([*self.arguments(server), "--once"], capture_output=True, text=True, timeout=120, env=environment())
        self.assertEqual(done.returncode, 3)
        return [line for line in done.stderr.splitlines() if line.startswith("tenure: ")][0]


if __name__ == "__main__":
    unittest.main(verbosity=2)
