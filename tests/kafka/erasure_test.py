"""EraseSubject over Kafka: who answers it, who destroys, and what the others read."""

import http.client
import unittest

from kafka_case import KafkaLogTest
from kafka_log import PARTITIONS, partition_of
from tenure import command, new_id, wait_until

NAME, NEEDLE = "Zebulon Quixwater", b"uixwater"
ORGANIZATIONS = ["acme", next(name for name in map("org-{}".format, range(99)) if partition_of(name) != partition_of("acme"))]


def create(org):
    return command(new_id(), "CreateOrganization", org=org, name="Acme", rulebook="space")


def add(org, name=NAME):
    return command(new_id(), "AddMember", org=org, user="bob", role="ADMIN", name=name)


def erase(org="acme"):
    return command(new_id(), "EraseSubject", "service:admin", org, user="bob")


class ErasureTest(KafkaLogTest):
    def shown(self, process, position=None):
        """What it says of the person in all organizations."""
        more = f"&at_least={position}" if position else ""
        return b"".join(process.read(f"/v1/orgs/{org}/{what}?limit=5000{more}").body for org in ORGANIZATIONS for what in ("members", "history"))

    def populate(self, process):
        for org in ORGANIZATIONS:
            self.accepted(process, create(org))
            self.accepted(process, add(org))

    def test_it_is_done_in_every_process_and_whoever_comes_back_has_a_name_again(self):
        one, other = self.start(), self.start()
        self.owns(one, PARTITIONS // 2)
        self.owns(other, PARTITIONS // 2)
        reads = self.start("--roles", "reads")
        self.populate(reads)
        for process in (one, other, reads):
            self.assertIn(NEEDLE, self.shown(process))
        for each in range(10):
            # At once after another process gave the person a name in an organization of another partition.
            org, answers = ORGANIZATIONS[each % 2], (reads, one)[each % 2]
            self.accepted(answers, erase(org))
            self.assertNotIn(NEEDLE, self.shown(answers), "from its answer on, where it was given")
            for process in (one, other, reads):
                wait_until(lambda: NEEDLE not in self.shown(process), "the other processes have read it")
            self.accepted(other, add(org))
        for org in ORGANIZATIONS:
            self.accepted(one, erase(org))
        self.accepted(other, add("acme", "Bob Again"))
        # A process that begins with nothing, takes all over, and reads the whole log.
        for process in (one, other):
            self.assertEqual(process.kill(), -9)
        heir = self.start()
        self.owns(heir)
        last = self.accepted(heir, command(new_id(), "RenameOrganization", org="acme", name="Acme again")).position
        for process in (heir, reads):
            said = self.shown(process)
            self.assertNotIn(NEEDLE, said)
            wait_until(lambda: b"Bob Again" in process.read(f"/v1/orgs/acme/members?at_least={last}").body, "it has the new name")
        for topic in ("commands", "log", "results", "keys"):
            self.assertNotIn(NEEDLE, self.log.consume(topic), topic)

    def test_killed_before_the_key_goes_the_next_owner_destroys_it(self):
        for point in ("erasure.before_key", "erasure.after_key"):
            with self.subTest(point):
                self.setUp()
                dying = self.start()
                self.owns(dying)
                self.populate(dying)
                dying.stop()
                dying.fail_point = f"{point}:1"
                dying.start()
                self.owns(dying)
                reads = self.start("--roles", "reads")
                sent = erase()
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    dying.post("/v1/commands", sent)
                self.assertNotEqual(dying.gone(), 0)
                wait_until(lambda: sent["id"].encode() in reads.read("/v1/orgs/acme/history").body, "it was durable")
                self.assertEqual(NEEDLE in self.shown(reads), point == "erasure.before_key")
                heir = self.start()
                self.owns(heir)
                for process in (heir, reads):
                    wait_until(lambda: NEEDLE not in self.shown(process), "the next owner destroyed it, unasked")
                self.accepted(heir, sent)
                for process in (heir, reads):
                    self.assertEqual(process.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
