"""Signed heads over Kafka: published by the writer, agreeing with the topic and with the mirror, and with what another process signs."""

import json
import pathlib
import shutil
import subprocess
import unittest

from kafka_case import KafkaTest
from kafka_log import PARTITIONS, KafkaLog, brokers
from tenure import KEY, TENURE, command, environment, new_id, wait_until

ORGANIZATIONS = [f"org-{i}" for i in range(12)]  # enough for every partition to have one


class NotaryTest(KafkaTest):
    def setUp(self):
        self.log = KafkaLog(brokers()).make_topics()
        self.keys = pathlib.Path(self.root) / f"{new_id()}.keys"

    def tenure(self, *arguments, server=None, code=0):
        more = {"TENURE_SERVER": server.url, "TENURE_ADMIN_KEY": KEY} if server else {}
        done = subprocess.run([TENURE, *arguments], capture_output=True, text=True, env=environment(**more), timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def verify(self, *where, code=0):
        told = json.loads(self.tenure("audit", "verify", "--json", "--key", str(self.keys), *where, code=code))
        return {each["partition"]: each for each in told["partitions"]}

    def test_heads_are_published_and_the_log_agrees_with_them(self):
        first = self.serve(self.log, "--notary-seconds", "1")
        wait_until(lambda: all(p["role"] == "writer" for p in first.partitions()), "it owns all")
        for org in ORGANIZATIONS:
            sent = command(new_id(), "CreateOrganization", "user:olga", org, name="Acme", rulebook="anaphora") | {"reason": f"new: {org}"}
            wait_until(lambda sent=sent: first.post("/v1/commands", sent).status == 200, "a decision")
        decided = {p["partition"]: p["decisions"] for p in first.partitions()}
        self.assertEqual(sum(decided.values()), len(ORGANIZATIONS))

        def signed(server):
            return {each["partition"]: each.get("size", 0) for each in server.read("/v1/checkpoints").json["checkpoints"]}
        wait_until(lambda: signed(first) == decided, lambda: f"{signed(first)}, not {decided}")
        second = self.serve(self.log, "--notary-seconds", "1", "--roles", "reads")  # a witness, with a key of its own
        wait_until(lambda: signed(second) == decided, lambda: f"{signed(second)}, not {decided}")
        roots = [{each["partition"]: each["root"] for each in server.read("/v1/checkpoints").json["checkpoints"]}
                 for server in (first, second)]
        self.assertEqual(roots[0], roots[1])

        self.keys.write_text(self.tenure("audit", "key", server=first))
        self.assertEqual(first.stop(), 0)  # what was signed is published by then
        topics = ("--log", "kafka", *self.log.flags)
        told = self.verify(*topics)
        self.assertEqual({id: each["signed"] for id, each in told.items()}, decided)
        self.assertTrue(all(each["met"] > 0 for id, each in told.items() if decided[id]))
        mirror = self.verify("--data", str(first.data))
        self.assertEqual({id: each["root"] for id, each in mirror.items()}, {id: each["root"] for id, each in told.items()})
        self.assertEqual(len(told), PARTITIONS)
        self.evidence(first)

        shutil.move(first.data / "mirror" / "1", first.data / "mirror-1")
        told = subprocess.run([TENURE, "audit", "verify", "--data", str(first.data)], capture_output=True, text=True, env=environment())
        self.assertEqual(told.returncode, 3, told.stdout)
        self.assertIn(f"though the log has {PARTITIONS} partitions", told.stderr)

        # Somebody else's heads in the topic: refused by the key. What is no head counts for nothing.
        self.keys.write_text(self.tenure("audit", "key", server=second))
        other = self.verify(*topics, code=1)
        self.assertIn("not signed by a key that you trust", other[0]["findings"][0])
        self.log.put("checkpoints", 0, b"nonsense")
        self.tenure("audit", "verify", *topics, code=2)  # whose key?

    def evidence(self, server):
        """Of a process's mirror: with the reasons only if it is told where their keys are."""
        for name, where, reason in (("sealed", (), None), ("open", ("--log", "kafka", *self.log.flags), f"new: {ORGANIZATIONS[3]}")):
            bundle = pathlib.Path(self.root) / f"{new_id()}-{name}"
            self.tenure("audit", "export", "--data", str(server.data), *where, "--org", ORGANIZATIONS[3], "--out", str(bundle))
            self.assertIn(f"1 decisions of {ORGANIZATIONS[3]} hold", self.tenure("audit", "verify-bundle", str(bundle), "--key", str(self.keys)))
            [decision] = [json.loads(line) for line in (bundle / "decisions.ndjson").read_text().splitlines()]
            self.assertEqual(decision.get("reason"), reason)
            unreadable = json.loads((bundle / "manifest.json").read_text())["missing"]["unreadable_reasons"]
            self.assertEqual(unreadable, [] if reason else [decision["position"]])


if __name__ == "__main__":
    unittest.main()
