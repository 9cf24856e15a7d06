"""Commands from clients that are not ours, and their results: kcat and the Java client, as they come."""

import json
import unittest

from java_client import java
from kafka_case import KafkaTest
from kafka_log import KafkaLog, brokers, crc32_partition_of, partition_of
from tenure import command, new_id

ORGS = [f"org-{n}" for n in range(24)]


def message(org, kind, id=None, **fields):
    """-> its key and its value"""
    return org, json.dumps(command(id or new_id(), kind, org=org, **fields))


def found(org, **more):
    return message(org, "CreateOrganization", name="Acme", rulebook="space", **more)


class InteropTest(KafkaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.log = KafkaLog(brokers()).make_topics()
        cls.server = cls.serve(cls.log)

    def send(self, *commands, more=()):
        """By kcat -> the results, in the order in which they came."""
        reply_to = f"kcat-{new_id()[:8]}"
        self.log.publish(commands, "-H", f"reply-to={reply_to}", *more)
        return self.log.results(reply_to, len(commands))

    def forwarded(self, prefix):
        return [each for each in self.log.messages("commands")
                if each["key"].startswith(prefix) and "tenure-hops" in each["headers"]]

    def test_kcat_s_own_partitioner_misses_and_every_command_is_decided_where_it_belongs(self):
        orgs = [f"crc-{org}" for org in ORGS]
        missed = {org for org in orgs if crc32_partition_of(org) != partition_of(org)}
        self.assertGreater(len(missed), 6)
        results = self.send(*map(found, orgs))
        self.assertEqual({each["headers"]["tenure-answer"] for each in results}, {"decided"})
        decisions = [json.loads(each["payload"]) for each in results]
        self.assertEqual({d["org"]: d["outcome"] for d in decisions}, dict.fromkeys(orgs, "accepted"))
        for decision, result in zip(decisions, results):
            self.assertEqual(int(decision["position"].partition(":")[0]), partition_of(decision["org"]))
            self.assertEqual(result["key"], decision["command_id"])
            self.assertEqual(result["headers"]["tenure-position"], decision["position"])
            self.assertEqual(result["headers"]["content-type"], "application/json")
        forwarded = self.forwarded("crc-")
        self.assertEqual({each["key"]: each["partition"] for each in forwarded},
                         {org: partition_of(org) for org in missed})
        self.assertEqual(len(forwarded), len(missed))

    def test_the_partitioner_that_we_recommend_misses_never(self):
        orgs = [f"murmur-{org}" for org in ORGS]
        results = self.send(*map(found, orgs), more=["-X", "partitioner=murmur2_random"])
        self.assertEqual(len(results), len(orgs))
        self.assertEqual(self.forwarded("murmur-"), [])

    def test_a_retry_is_a_duplicate_with_the_same_decision(self):
        sent = found("again")
        (first,) = self.send(sent)
        (second,) = self.send(sent)
        answers = [each["headers"]["tenure-answer"] for each in (first, second)]
        self.assertEqual(answers, ["decided", "duplicate"])
        self.assertEqual(first["payload"], second["payload"])
        self.assertEqual(first["headers"]["tenure-position"], second["headers"]["tenure-position"])

    def test_an_id_used_for_something_else_is_told_so(self):
        id = new_id()
        self.send(found("twice", id=id))
        (other,) = self.send(message("twice", "CreateSpace", id=id, space="web", name="Web"))
        self.assertEqual(other["headers"]["tenure-answer"], "idempotency_mismatch", other)
        self.assertEqual(json.loads(other["payload"])["code"], "idempotency_mismatch")

    def test_a_rejection_is_a_decision_too(self):
        self.send(found("strict"))
        sent = message("strict", "CreateSpace", actor="user:eve", space="web", name="Web")
        (result,) = self.send(sent)
        self.assertEqual(result["headers"]["tenure-answer"], "decided")
        decision = json.loads(result["payload"])
        self.assertEqual((decision["outcome"], decision["code"]), ("rejected", "not_a_member"))
        id = json.loads(sent[1])["id"]
        self.assertEqual(self.server.get(f"/v1/orgs/strict/commands/{id}").json["position"],
                         decision["position"])

    def test_garbage_is_decided_as_malformed_and_kept_in_the_quarantine(self):
        wrong = ["nonsense", '{"id": 1', '{"org":"acme","command_type":"Dance","command":{}}', "{}"]
        results = self.send(*[("garbage", each) for each in wrong])
        for each in results:
            self.assertEqual(each["headers"]["tenure-answer"], "decided")
            decision = json.loads(each["payload"])
            self.assertEqual((decision["status"], decision["code"], decision["outcome"]), (400, "malformed", "rejected"))
            number = decision["position"].partition(":")
            self.assertEqual(int(number[0]), partition_of(decision["org"]), "where its organization's history is")
            listed = self.server.get(f"/v1/decisions?from={decision['position']}&at_least={decision['position']}&limit=1").lines
            self.assertEqual(listed[0]["command_id"], decision["command_id"])
        kept = [each for each in self.log.messages("quarantine") if each["key"] == "garbage"]
        self.assertEqual(sorted(each["payload"] for each in kept), sorted(wrong))
        for each in kept:
            self.assertIn("reply-to", each["headers"])
            self.assertTrue(each["headers"]["tenure-error"].startswith("malformed: "))
            topic, partition, offset = each["headers"]["tenure-origin"].rsplit("-", 2)
            self.assertEqual((topic, int(partition)), (self.log.topic("commands"), crc32_partition_of("garbage")))

    def test_a_command_without_reply_to_is_decided_and_answers_nobody(self):
        sent = found("quiet")
        before = len(self.log.messages("results"))
        self.log.publish([sent])
        self.send(found("quiet", id=json.loads(sent[1])["id"]))
        self.assertEqual(len(self.log.messages("results")), before + 1)

    def test_the_java_client_and_its_partitioner(self):
        orgs = [f"java-{org}" for org in ORGS]
        retried = found("java-again")
        commands = [*map(found, orgs), retried, retried, ("java-wrong", "nonsense"),
                    message("java-org-0", "CreateSpace", actor="user:eve", space="web", name="Web")]
        lines = "".join(f"{org}\t{value}\n" for org, value in commands)
        out = java("SendCommands", self.log.brokers, self.log.prefix, "java", input=lines.encode())
        results = [line.split("\t", 2) for line in out.splitlines()]
        self.assertEqual(len(results), len(commands))
        answers = {}
        for _, answer, value in results:
            answers.setdefault(answer, []).append(json.loads(value))
        self.assertEqual({answer: len(each) for answer, each in answers.items()},
                         {"decided": len(orgs) + 3, "duplicate": 1})
        outcomes = [each["outcome"] for each in answers["decided"]]
        self.assertEqual(sorted(outcomes), ["accepted"] * (len(orgs) + 1) + ["rejected"] * 2)
        self.assertIn(answers["duplicate"][0], answers["decided"])
        for each in answers["decided"]:
            self.assertEqual(int(each["position"].partition(":")[0]), partition_of(each["org"]))
        self.assertEqual(self.forwarded("java-"), [])


if __name__ == "__main__":
    unittest.main()
