"""`tenure kafka topics`: makes the topics of a log, and names each difference of existing ones."""

import subprocess
import unittest
import uuid

from kafka_log import brokers
from tenure import TENURE

TOPICS = ["commands", "log", "results", "quarantine", "keys", "events", "checkpoints"]


def topics(*arguments, at=None):
    done = subprocess.run([TENURE, "kafka", "topics", "--brokers", at or brokers(), *arguments],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.splitlines(), done.stderr


class TopicsTest(unittest.TestCase):
    def setUp(self):
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.small = ["--prefix", self.prefix, "--partitions", "2", "--replication", "1"]

    def names(self, verdict):
        return [f"{verdict}  {self.prefix}.{topic}" for topic in TOPICS]

    def test_what_is_missing_is_named_and_nothing_is_made_unasked(self):
        for _ in range(2):
            code, lines, _ = topics(*self.small)
            self.assertEqual(code, 1)
            self.assertEqual(lines, [f"{line}: missing; create it with --create"
                                     for line in self.names("BAD")])

    def test_created_topics_are_as_they_must_be(self):
        code, lines, _ = topics("--create", *self.small)
        self.assertEqual(code, 0, lines)
        self.assertEqual([line.split(":")[0] for line in lines], self.names("new"))
        code, lines, _ = topics("--create", *self.small)
        self.assertEqual((code, lines), (0, self.names("ok ")))

    def test_each_difference_is_named(self):
        topics("--create", *self.small)
        code, lines, _ = topics("--prefix", self.prefix, "--partitions", "3", "--replication", "2")
        self.assertEqual(code, 1)
        log = f"BAD  {self.prefix}.log: "
        self.assertIn(f"{log}the number of partitions is 2, must be 3", lines)
        self.assertIn(f"{log}replication is 1, must be 2", lines)

    def test_more_replicas_than_brokers_are_refused_with_the_reason(self):
        code, _, error = topics("--create", "--prefix", self.prefix, "--replication", "3")
        self.assertEqual(code, 3)
        self.assertIn(f"cannot create topic {self.prefix}.commands", error)
        self.assertIn("replication factor", error.lower())

    def test_a_wrong_address_is_named(self):
        code, _, error = topics(at="127.0.0.1:1")
        self.assertEqual(code, 3)
        self.assertIn("no answer from the Kafka brokers 127.0.0.1:1", error)
        self.assertIn("Connection refused", error)

    def test_a_property_that_does_not_exist_is_named(self):
        code, _, error = topics("--property", "sasl.fruit=apple")
        self.assertEqual(code, 3)
        self.assertIn("sasl.fruit", error)


if __name__ == "__main__":
    unittest.main()
