"""`tenure serve --log kafka` from outside: processes that share a log, roles, tokens that hold in every process."""

import json
import pathlib
import subprocess
import time
import unittest

from event_stream import EventStream
from java_client import java
from kafka_case import KafkaLogTest
from kafka_log import PARTITIONS
from tenure import TENURE, command, new_id, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORGANIZATIONS = [f"org-{i}" for i in range(12)]  # enough for every partition to have one


def add(org):
    return command(new_id(), "AddMember", "user:olga", org, user="bob", role="USER")


def create(org):
    return command(new_id(), "CreateOrganization", "user:olga", org, name="Acme", rulebook="anaphora")


class ServeTest(KafkaLogTest):
    def test_a_missing_topic_ends_the_start_with_its_name(self):
        java("DeleteTopic", self.log.brokers, self.log.topic("quarantine"))
        done = subprocess.run([TENURE, "serve", "--data", f"{self.root}/{new_id()}", "--port", "0", *self.log.serve],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(self.log.topic("quarantine"), done.stderr.splitlines()[-1])

    def test_a_token_of_one_process_holds_in_another(self):
        engine, reads = self.start("--roles", "engine"), self.start("--roles", "reads")
        self.owns(engine, PARTITIONS)
        partitions = set()
        for org in ORGANIZATIONS:
            token = self.accepted(reads, create(org)).position
            partitions.add(token.split(":")[0])
            answer = reads.get(f"/v1/orgs/{org}?at_least={token}")
            self.assertEqual((answer.status, answer.json["version"]), (200, 1))
            question = {"org": org, "user": "olga", "action": "member.add"}
            answer = reads.post(f"/v1/check?at_least={token}", [question, question])
            self.assertEqual([each["allowed"] for each in answer.json], [True, True])
            self.assertEqual(answer.position, token)
        self.assertEqual(len(partitions), PARTITIONS, "an organization in every partition")
        mine = reads.get("/v1/users/olga/organizations").json["organizations"]
        self.assertEqual(len(mine), len(ORGANIZATIONS), "merged over the partitions")
        self.assertEqual(engine.get(f"/v1/orgs/{ORGANIZATIONS[0]}").status, 503)
        self.assertTrue(all(p["role"] == "follower" for p in reads.partitions()))

    def test_a_stream_of_decisions_goes_on_at_another_process(self):
        engine, reads = self.start(), self.start("--roles", "reads")
        self.owns(engine, PARTITIONS)
        org = ORGANIZATIONS[0]
        first = self.accepted(engine, create(org)).json
        partition = first["position"].split(":")[0]
        with EventStream(engine, f"/v1/decisions?from={partition}:0") as stream:
            _, data = next(iter(stream))
            self.assertEqual(json.loads(data), first)
        with EventStream(reads, "/v1/decisions", stream.last_id or first["position"]) as stream:
            for _ in range(3):
                made = self.accepted(engine, command(new_id(), "RenameOrganization", "user:olga", org, name=new_id())).json
                _, data = next(iter(stream))
                self.assertEqual(json.loads(data), made)

    def test_partitions_are_shared_and_pass_to_who_is_left(self):
        first = self.start()
        self.owns(first, PARTITIONS)
        second = self.start()
        self.owns(second, PARTITIONS // 2)
        sent = {org: create(org) for org in ORGANIZATIONS}
        before = {org: self.accepted(first, sent[org]).json for org in ORGANIZATIONS}
        self.assertEqual(first.stop(), 0)
        began = time.monotonic()
        self.owns(second, PARTITIONS)
        print(f"taken over {time.monotonic() - began:.2f} s after a clean stop")
        for org in ORGANIZATIONS:
            self.assertEqual(self.accepted(second, sent[org]).json, before[org], "a retry")
            self.accepted(second, add(org))
        owners = {p["owner"] for p in second.partitions()}
        self.assertEqual(len(owners), 1)

    def test_a_process_that_sells_by_another_catalog_is_noticed_by_the_others(self):
        catalog = json.loads((ROOT / "engine/rulebooks/catalog.json").read_text())
        next(each for each in catalog["plans"] if each["name"] == "basic")["price_minor"] = 1
        path = f"{self.root}/{new_id()}.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(catalog, file)

        def another(server):
            return "\ntenure_another_build_owns 1\n" in server.get("/metrics").text

        first = self.start()
        self.owns(first, PARTITIONS)
        self.assertFalse(another(first))
        other = self.start("--catalog", path)
        self.owns(other, PARTITIONS // 2)
        for server in (first, other):
            wait_until(lambda server=server: another(server), f"{server.name} notices")
            self.assertTrue(any("event=another_build_owns state=began" in line for line in server.log))
        self.assertEqual(len({p["build"] for p in first.partitions()}), 2)
        self.assertEqual(other.stop(), 0)
        self.owns(first, PARTITIONS)
        wait_until(lambda: not another(first), "it is over")
        reader = self.start("--roles", "reads", "--catalog", path)
        wait_until(lambda: another(reader), "a process that owns nothing notices")
        self.assertEqual(reader.stop(), 0)
        reader.start()
        wait_until(lambda: another(reader), "and after a restart, though nobody claims anything")

    def test_a_restarted_process_goes_on_from_what_it_has(self):
        process = self.start()
        self.owns(process, PARTITIONS)
        sent = [create(org) for org in ORGANIZATIONS]
        answers = process.request("POST", "/v1/commands", "\n".join(map(json.dumps, sent)),
                                  {"Content-Type": "application/x-ndjson"}).lines
        self.assertEqual([a["outcome"] for a in answers], ["accepted"] * len(sent))
        self.assertEqual(process.kill(), -9)
        again = process.start()
        for one, answer in zip(sent, answers):
            self.assertEqual(self.accepted(again, one).json, answer)
        self.assertEqual(sum(p["decisions"] for p in again.partitions()), len(sent))

    def test_personal_text_is_read_by_every_process_and_by_nobody_from_the_topics(self):
        engine, reads = self.start("--roles", "engine"), self.start("--roles", "reads")
        self.owns(engine, PARTITIONS)
        sent = create("acme") | {"reason": "because of Bob Ross"}
        member = command(new_id(), "AddMember", "user:olga", "acme", user="bob", role="USER", name="Bob Ross",
                         email="bob@example.org")
        first = self.accepted(reads, sent)
        self.assertEqual(first.json["reason"], "because of Bob Ross")
        token = self.accepted(engine, member).position
        self.assertEqual(engine.kill(), -9)
        heir = self.start()  # which has nothing of its own
        self.owns(heir, PARTITIONS)
        self.assertEqual(self.accepted(heir, sent).json, first.json, "a retry, sealed by another process")
        for process in (reads, heir):
            listed = process.get(f"/v1/orgs/acme/history?at_least={token}").json["decisions"]
            self.assertEqual(listed[0], first.json)
            self.assertEqual(listed[1]["events"][0]["event"]["email"], "bob@example.org")
        for topic in ("commands", "log", "results"):
            raw = self.log.consume(topic)
            self.assertIn(b"acme", raw)
            for text in (b"Bob Ross", b"bob@example"):
                self.assertNotIn(text, raw, topic)

    def test_what_services_may_do_counts_in_every_process(self):
        engine, reads = self.start("--roles", "engine"), self.start("--roles", "reads")
        self.owns(engine, PARTITIONS)
        for org in ORGANIZATIONS:
            self.accepted(engine, create(org))

        def manage(kind, **fields):
            return self.accepted(reads, command(new_id(), kind, "service:admin", "_tenure", **fields)).json

        secret = manage("CreateApiKey", key="k1", service="namer")["secret"]

        def rename(process, org):
            sent = command(new_id(), "RenameOrganization", "service:namer", org, name=new_id())
            return process.post("/v1/commands", sent, {"Authorization": f"Bearer {secret}"})

        for org in ORGANIZATIONS:  # from the answer on, in the process that gave it
            self.assertEqual(rename(reads, org).json["code"], "not_a_member")
        manage("GrantServiceActions", service="namer", actions=["organization.rename"])
        for org in ORGANIZATIONS:
            self.assertEqual(rename(reads, org).status, 200)
        wait_until(lambda: rename(engine, ORGANIZATIONS[0]).status == 200, "the other process knows the key")
        self.assertEqual(engine.kill(), -9)
        engine.start()
        self.owns(engine, PARTITIONS)
        self.assertEqual(rename(engine, ORGANIZATIONS[0]).status, 200, "after a start, from what it has")
        manage("RevokeApiKey", key="k1")
        self.assertEqual(rename(reads, ORGANIZATIONS[0]).status, 401)
        wait_until(lambda: rename(engine, ORGANIZATIONS[0]).status == 401, "the other process refuses the key")
        for topic in ("commands", "log", "results"):
            self.assertNotIn(secret.split("_")[2].encode(), self.log.consume(topic), topic)

    def tool(self, *arguments):
        done = subprocess.run([TENURE, *arguments], capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def over_kafka(self, process=None):
        return [*self.log.serve, *(["--data", str(process.data)] if process else [])]

    def test_tools_read_the_log_and_a_directory_of_it(self):
        process = self.start()
        self.owns(process, PARTITIONS)
        sent = [create(org) for org in ORGANIZATIONS]
        positions = [self.accepted(process, one).position for one in sent]
        # While it runs.
        for arguments in (("dump",), ("tail", "-n", "1000"), ("tail", "-n", "1000000")):
            code, out, _ = self.tool("log", *arguments, "--json", *self.over_kafka())
            decisions = [json.loads(line) for line in out.splitlines()]
            self.assertEqual((code, sorted(d["position"] for d in decisions)), (0, sorted(positions)))
            self.assertEqual({d["command_id"] for d in decisions}, {one["id"] for one in sent})
        code, out, _ = self.tool("log", "tail", "-n", "1", "--json", *self.over_kafka())
        self.assertEqual((code, len(out.splitlines())), (0, PARTITIONS))
        code, out, _ = self.tool("doctor", "--deep", *self.over_kafka(process))
        self.assertEqual(code, 0, out)
        self.assertIn(f"{len(sent)} decisions", out)
        code, _, error = self.tool("projections", "verify", *self.over_kafka(process))
        self.assertEqual((code, error.count("\n")), (3, 1))
        self.assertIn(str(process.process.pid), error)
        # When it has ended, and others went on without it.
        self.assertEqual(process.stop(), 0)
        other = self.start()
        self.owns(other, PARTITIONS)
        more = [add(org) for org in ORGANIZATIONS]
        for one in more:
            self.accepted(other, one)
        count = len(sent) + len(more)
        code, out, error = self.tool("projections", "verify", "--json", *self.over_kafka(process))
        self.assertEqual(code, 0, out + error)
        verified = json.loads(out)
        self.assertEqual((verified["applied"], verified["difference"]), (count, None))
        code, out, _ = self.tool("projections", "rebuild", "--json", *self.over_kafka(process))
        self.assertEqual((code, json.loads(out)), (0, {"rebuilt": count}))
        code, out, _ = self.tool("projections", "status", "--json", *self.over_kafka(process))
        self.assertEqual((code, json.loads(out)), (0, {"applied": count, "behind": 0, "void_records": 0}))
        code, out, _ = self.tool("doctor", "--deep", *self.over_kafka(process))
        self.assertEqual(code, 0, out)
        self.assertIn("the rows equal a rebuild", out)
        self.assertIn(f"{count} decisions", out)
        code, _, error = self.tool("doctor", "--data", str(process.data))
        self.assertEqual(code, 3)
        self.assertIn("--log kafka", error)

    def test_brokers_elsewhere_are_not_spoken_to_in_clear(self):
        done = subprocess.run([TENURE, "serve", "--log", "kafka", "--brokers", "kafka.example:9092", "--data", f"{self.root}/none"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--allow-plaintext", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
