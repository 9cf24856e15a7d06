"""`tenure serve --log kafka` from outside: processes that share a log, roles, tokens that hold in every process."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
import server  # noqa: E402  the client of all tests from outside

with open(os.environ["TENURE_KAFKA_STATE"]) as state:
    BROKERS = json.load(state)["bootstrap"]
PARTITIONS = 4
ORGANIZATIONS = [f"org-{i}" for i in range(12)]  # enough for every partition to have one


def command(org, kind, actor="user:olga", **fields):
    return {"id": str(uuid.uuid4()), "org": org, "actor": actor, "command_type": kind,
            "command": fields}


def create(org):
    return command(org, "CreateOrganization", name="Acme", rulebook="anaphora")


class ServeTest(unittest.TestCase):
    def setUp(self):
        self.prefix = f"s{uuid.uuid4().hex[:8]}"
        self.log = ["--brokers", BROKERS, "--prefix", self.prefix, "--partitions", str(PARTITIONS)]
        subprocess.run([server.TENURE, "kafka", "topics", "--create", "--replication", "1", *self.log],
                       check=True, capture_output=True, timeout=120)
        self.data = tempfile.TemporaryDirectory(prefix="tenure-serve-")
        self.addCleanup(self.data.cleanup)

    def start(self, *arguments):
        started = server.Server(f"{self.data.name}/{uuid.uuid4()}", "--log", "kafka", *self.log,
                                *arguments)
        self.addCleanup(lambda: started.process.poll() is None and started.stop())
        return started

    def status(self, process):
        return process.get("/v1/status").json["partitions"]

    def until(self, holds, seconds=60):
        """Looks until it holds; the time limit is there to end a test that hangs."""
        end = time.monotonic() + seconds
        while not (found := holds()):
            self.assertLess(time.monotonic(), end, "it never came")
            time.sleep(0.05)
        return found

    def owns(self, process, partitions):
        return lambda: sum(p["role"] == "writer" for p in self.status(process)) == partitions

    def accepted(self, process, sent):
        answer = self.until(lambda: (a := process.post("/v1/commands", sent)).status != 503 and a)
        self.assertEqual(answer.json.get("outcome"), "accepted", answer.text)
        return answer

    def test_a_token_of_one_process_holds_in_another(self):
        engine, reads = self.start("--roles", "engine"), self.start("--roles", "reads")
        self.until(self.owns(engine, PARTITIONS))
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
        self.assertTrue(all(p["role"] == "follower" for p in self.status(reads)))

    def test_partitions_are_shared_and_pass_to_who_is_left(self):
        first = self.start()
        self.until(self.owns(first, PARTITIONS))
        second = self.start()
        self.until(self.owns(second, PARTITIONS // 2))
        sent = {org: create(org) for org in ORGANIZATIONS}
        before = {org: self.accepted(first, sent[org]).json for org in ORGANIZATIONS}
        self.assertEqual(first.stop(), 0)
        began = time.monotonic()
        self.until(self.owns(second, PARTITIONS))
        print(f"taken over {time.monotonic() - began:.2f} s after a clean stop")
        for org in ORGANIZATIONS:
            self.assertEqual(self.accepted(second, sent[org]).json, before[org], "a retry")
            self.accepted(second, command(org, "AddMember", user="bob", role="USER"))
        owners = {p["owner"] for p in self.status(second)}
        self.assertEqual(len(owners), 1)

    def test_a_restarted_process_goes_on_from_what_it_has(self):
        process = self.start()
        self.until(self.owns(process, PARTITIONS))
        sent = [create(org) for org in ORGANIZATIONS]
        answers = process.request("POST", "/v1/commands", "\n".join(map(json.dumps, sent)),
                                  {"Content-Type": "application/x-ndjson"}).lines
        self.assertEqual([a["outcome"] for a in answers], ["accepted"] * len(sent))
        self.assertEqual(process.kill(), -9)
        again = self.start()
        for one, answer in zip(sent, answers):
            self.assertEqual(self.accepted(again, one).json, answer)
        self.assertEqual(sum(p["decisions"] for p in self.status(again)), len(sent))

    def test_personal_text_is_refused_before_it_is_sent(self):
        process = self.start()
        answer = process.post("/v1/commands", create("acme") | {"reason": "because of Bob"})
        self.assertEqual((answer.status, answer.json["code"]), (400, "malformed"))
        self.assertIn("Kafka", answer.json["detail"])

    def test_brokers_elsewhere_are_not_spoken_to_in_clear(self):
        done = subprocess.run([server.TENURE, "serve", "--log", "kafka", "--brokers",
                               "kafka.example:9092", "--data", f"{self.data.name}/none"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--allow-plaintext", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
