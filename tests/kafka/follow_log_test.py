"""The published example of a consumer, java/FollowLog.java, beside the engine: both read the same history."""

import json
import time
import unittest

from java_client import follow
from kafka_case import KafkaTest, decisions_over_http
from kafka_log import PARTITIONS, KafkaLog, brokers, partition_of, record
from tenure import command, new_id, wait_until


def found(org):
    return command(new_id(), "CreateOrganization", org=org, name="Acme", rulebook="space")


def owners(server):
    return {each["owner"] for each in server.partitions()}


def caught_up(server):
    """All that the log holds is in its read models."""
    return all(each["decisions"] == each["applied"] and each["waiting"] == 0
               for each in server.partitions())


def still(server):
    """Nothing new was decided for a while."""
    before = server.partitions()
    time.sleep(3)
    return server.partitions() == before


class FollowLogTest(KafkaTest):
    def setUp(self):
        self.log = KafkaLog(brokers()).make_topics()

    def test_it_reads_what_the_engine_serves(self):
        server = self.serve(self.log)
        server.submit(*[found(f"org-{n}") for n in range(40)],
                      *[command(new_id(), "CreateSpace", org=f"org-{n}", actor=actor, space="web",
                                name="Web") for n in range(40) for actor in ("user:alice", "user:eve")])
        wait_until(lambda: caught_up(server), "the read models")
        partitions = self.assert_follows(self.log, server)
        self.assertEqual(sum(each["decisions"] for each in partitions.values()), 120)
        self.assertEqual([each["void"] for each in partitions.values()], [0] * PARTITIONS)

    def begin(self):
        """-> an engine that decided something on every partition."""
        server = self.serve(self.log)
        answers = server.submit(*[found(f"org-{n}") for n in range(20)])
        self.assertEqual({each["outcome"] for each in answers}, {"accepted"}, answers)
        self.assertEqual({partition_of(f"org-{n}") for n in range(20)}, set(range(PARTITIONS)))
        return server

    def insist(self, server, commands):
        """Submits with the same ids while an answer is "unknown", as it asks for; all are accepted."""
        def answered():
            answers = server.submit(*commands)
            return "unavailable" not in {each["outcome"] for each in answers} and answers
        answers = wait_until(answered, "all are answered")
        self.assertEqual({each["outcome"] for each in answers}, {"accepted"}, answers)
        return answers

    def test_a_foreign_record_is_void_for_both(self):
        server = self.begin()
        for value in (b"a note from somebody else", b"x"):
            self.log.put("log", 0, value)
        self.insist(server, [found(f"more-{n}") for n in range(20)])
        wait_until(lambda: caught_up(server), "the read models")
        partitions = self.assert_follows(self.log, server)
        self.assertGreaterEqual(partitions[0]["void"], 2)

    def test_a_decision_that_came_too_late_is_void_for_both(self):
        """A zombie's: of a claim before the last one, with the number that comes next."""
        server = self.begin()
        decisions, _ = follow(self.log)
        number = sum(position.startswith("0:") for position in decisions)
        self.log.put("log", 0, record(decisions["0:0"], stamp=0, number=number))
        org = next(f"more-{n}" for n in range(20) if partition_of(f"more-{n}") == 0)
        wanted = found(org)
        (answer,) = self.insist(server, [wanted])
        self.assertEqual(answer["command_id"], wanted["id"])
        wait_until(lambda: caught_up(server), "the read models")
        self.assertEqual(server.get(f"/v1/orgs/{org}/commands/{wanted['id']}").json["org"], org)
        partitions = self.assert_follows(self.log, server)
        self.assertGreaterEqual(partitions[0]["void"], 1)

    def test_a_takeover_leaves_one_history(self):
        """Killed while it decides and forwards, and before the group's first offsets are committed."""
        first = self.serve(self.log)
        second = self.serve(self.log)
        wait_until(lambda: all(owners(second)) and len(owners(second)) == 2, "both own partitions, and nobody else any")
        commands = [found(f"org-{n}") for n in range(3000)]
        values = [(each["org"], json.dumps(each)) for each in commands]
        self.log.publish(values[:2000])
        wait_until(lambda: all(each["decisions"] > 0 for each in second.partitions()), "both have decided")
        first.kill()
        self.log.publish(values[2000:])
        wait_until(lambda: len(owners(second)) == 1, "the survivor owns all")
        wait_until(lambda: caught_up(second) and still(second), "it is done")
        partitions = self.assert_follows(self.log, second)
        self.assertGreater(sum(each["claims"] for each in partitions.values()), PARTITIONS)
        decided = [each["command_id"] for each in decisions_over_http(second)]
        self.assertEqual(len(decided), len(set(decided)), "commands decided twice")
        self.assertEqual(len(decided), len(commands), "commands that nobody decided")


if __name__ == "__main__":
    unittest.main()
