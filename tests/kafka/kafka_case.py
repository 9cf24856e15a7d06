"""What tests of engines over Kafka share that ask one process at a time."""

import os
import tempfile
import unittest

from java_client import follow
from kafka_log import PARTITIONS, KafkaLog, brokers
from tenure import Server, new_id, wait_until


def decisions_over_http(server):
    """Every decision, all partitions, page after page."""
    found = []
    for partition in range(PARTITIONS):
        number = 0
        while page := server.read(f"/v1/decisions?from={partition}:{number}&limit=500").lines:
            page = [each for each in page if each["position"].startswith(f"{partition}:")]
            if not page:
                break
            found += page
            number = int(page[-1]["position"].partition(":")[2]) + 1
    return found


class KafkaTest(unittest.TestCase):
    """A directory that goes with the test class, and engines that end with it."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="tenure-kafka-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = directory.name

    @classmethod
    def serve(cls, log, *more):
        server = Server(os.path.join(cls.root, new_id()), *log.serve, *more).start()
        cls.addClassCleanup(server.end_if_it_runs)
        return server

    def assert_follows(self, log, server):
        """A plain consumer reads what the engine serves: numbers, commands, order. -> its summary."""
        served = decisions_over_http(server)
        decisions, partitions = follow(log)
        self.assertEqual(set(decisions), {each["position"] for each in served})
        for each in served:
            payload = decisions[each["position"]]
            self.assertEqual(payload[4:8], b"TNRD")
            self.assertIn(each["command_id"].encode(), payload)
            self.assertIn(each["org"].encode(), payload)
        counted = [sum(p.startswith(f"{at}:") for p in decisions) for at in range(PARTITIONS)]
        self.assertEqual([partitions[at]["decisions"] for at in range(PARTITIONS)], counted)
        return partitions


class KafkaLogTest(KafkaTest):
    """Each test has a log of its own, and may start engines over it."""

    def setUp(self):
        self.log = KafkaLog(brokers()).make_topics()

    def start(self, *arguments):
        started = self.serve(self.log, *arguments)
        self.addCleanup(started.end_if_it_runs)
        return started

    def owns(self, process, partitions=PARTITIONS):
        wait_until(lambda: sum(p["role"] == "writer" for p in process.partitions()) == partitions,
                   f"it owns {partitions} partitions")

    def accepted(self, process, sent):
        answer = wait_until(lambda: (a := process.post("/v1/commands", sent)).status != 503 and a, "an answer")
        self.assertEqual(answer.json.get("outcome"), "accepted", answer.text)
        return answer
