"""TLS, passwords and rights, against a broker that asks for them; and the refusal to do without."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from acls import ROLES, rights
from cluster import Cluster, Security
from java_client import follow, java
from kafka_case import KafkaTest
from kafka_log import KafkaLog
from tenure import KEY, TENURE, command, environment, new_id, run, wait_until

PASSWORD = "correct-horse"


def found(org):
    return command(new_id(), "CreateOrganization", org=org, name="Acme", rulebook="space")


def ask(*arguments):
    """-> exit code, stderr. Several may run at a time."""
    return subprocess.Popen([TENURE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment(TENURE_ADMIN_KEY=KEY))


def end_of(process, timeout=60):
    try:
        _, error = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, error


class PlaintextTest(unittest.TestCase):
    """Needs no broker."""

    def both(self, *arguments):
        for asked in (["kafka", "topics"], ["serve", "--log", "kafka", "--data", "/nonexistent/none", "--port", "0"]):
            yield " ".join(asked), *end_of(ask(*asked, *arguments))

    def assert_refused(self, *arguments):
        for asked, code, error in self.both(*arguments):
            with self.subTest(asked, arguments=arguments):
                self.assertRegex(error, r"\Atenure: the brokers \S+ are on other machines: encrypt by [^\n]+\n\Z")
                self.assertIn("--allow-plaintext", error)
                self.assertEqual(code, 2)

    def test_brokers_on_other_machines_are_not_spoken_to_in_clear(self):
        self.assert_refused("--brokers", "kafka.example:9092")
        self.assert_refused("--brokers", "127.0.0.1:9092,kafka.example:9092")
        self.assert_refused("--brokers", "PLAINTEXT://kafka.example:9092")
        self.assert_refused("--brokers", "kafka.example:9092", "--property", "security.protocol=SASL_PLAINTEXT")

    def test_a_name_that_only_looks_like_loopback_is_another_machine(self):
        self.assert_refused("--brokers", "127.kafka.example:9092")

    def test_the_last_word_on_encryption_counts_as_it_does_for_the_client(self):
        self.assert_refused("--brokers", "kafka.example:9092", "--property", "security.protocol=ssl",
                            "--property", "security.protocol=plaintext")

    def test_a_property_without_a_value_is_named(self):
        for asked, code, error in self.both("--property", "sasl.password"):
            with self.subTest(asked):
                self.assertEqual(error, "tenure: --property takes name=value, not sasl.password\n")
                self.assertEqual(code, 2)


class PropertiesFileTest(unittest.TestCase):
    """Needs no broker."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tenure-properties-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "client.properties"

    def error_of(self, text, mode=0o600, brokers="127.0.0.1:1", more=()):
        self.path.write_text(text)
        self.path.chmod(mode)
        code, error = end_of(ask("kafka", "topics", "--brokers", brokers, "--properties", str(self.path), *more))
        self.assertNotIn(PASSWORD, error)
        return code, error

    def test_a_line_that_is_no_property_is_named_and_not_shown(self):
        for line in (PASSWORD, f"={PASSWORD}", f"  = {PASSWORD}"):
            with self.subTest(line):
                self.assertEqual(self.error_of(f"# ours\n\nsasl.username = me\n{line}\n"),
                                 (2, f"tenure: {self.path} line 4 is neither name=value nor a # comment\n"))

    def test_a_file_that_others_may_read_is_refused(self):
        for mode in (0o644, 0o604):
            code, error = self.error_of(f"sasl.password={PASSWORD}\n", mode)
            self.assertEqual(code, 2)
            self.assertRegex(error, r"\Atenure: [^\n]+ may be read by every user of this machine: chmod o= [^\n]+\n\Z")
        code, error = self.error_of("client.id = me\n", 0o640)
        self.assertIn("no answer from the Kafka brokers", error, "its group may")

    def test_a_missing_file_is_named(self):
        code, error = end_of(ask("kafka", "topics", "--properties", str(self.path)))
        self.assertEqual((code, error), (2, f"tenure: there is no file {self.path}\n"))

    def test_its_properties_reach_the_client_and_the_command_line_has_the_last_word(self):
        code, error = self.error_of("sasl.fruit=apple")
        self.assertEqual(code, 3)
        self.assertIn("sasl.fruit", error)
        self.assertIn("on other machines", self.error_of("", brokers="kafka.example:9092")[1])
        code, error = self.error_of(" security.protocol = ssl \r\n", brokers="kafka.invalid:9092")
        self.assertIn("no answer from the Kafka brokers", error, "encrypted")
        code, error = self.error_of("security.protocol=ssl", brokers="kafka.example:9092",
                                    more=["--property", "security.protocol=plaintext"])
        self.assertIn("on other machines", error)

    def test_brokers_are_named_in_one_place(self):
        code, error = self.error_of("bootstrap.servers=127.0.0.1:1")
        self.assertEqual((code, error), (2, "tenure: the property bootstrap.servers is given by --brokers\n"))


class SecurityTest(KafkaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        users = dict.fromkeys([*ROLES, "stranger"], PASSWORD)
        cls.cluster = Cluster.start(security=Security(users, acls=True))
        cls.addClassCleanup(cls.cluster.stop)
        cls.authority = str(cls.cluster.authority / "ca.pem")
        cls.inside = KafkaLog(cls.cluster.bootstrap)  # in clear: the administrator
        granted = "".join(f"{role} {resource} {name} {pattern} {operation}\n" for role in ROLES
                          for resource, name, pattern, operations in rights(role, cls.inside.prefix)
                          for operation in operations)
        java("Permit", cls.cluster.bootstrap, input=granted.encode())
        cls.log_of("admin").make_topics()
        cls.wrong_password = cls.ask_both(cls.log_of("engine", password="wrong"))
        cls.no_trust = cls.ask_both(cls.log_of("engine", trust=False))
        cls.engine = cls.serve(cls.log_of("engine"))

    @classmethod
    def log_of(cls, user, mechanism="PLAIN", password=PASSWORD, trust=True):
        return KafkaLog(cls.cluster.secure_bootstrap, [
            "security.protocol=SASL_SSL", f"sasl.mechanism={mechanism}", f"sasl.username={user}",
            f"sasl.password={password}", *([f"ssl.ca.location={cls.authority}"] if trust else [])],
            prefix=cls.inside.prefix)

    def java_settings(self, user):
        path = pathlib.Path(self.root) / f"{user}.properties"
        path.write_text(f"""\
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
  username="{user}" password="{PASSWORD}";
ssl.truststore.type=PEM
ssl.truststore.location={self.authority}
""")
        return str(path)

    @classmethod
    def ask_both(cls, log):
        """`kafka topics` and `serve`, which take 10 s to give up: begun early, looked at later."""
        data = os.path.join(cls.root, new_id())
        asked = [ask("kafka", "topics", "--replication", "1", *log.flags),
                 ask("serve", "--log", "kafka", "--data", data, "--port", "0", *log.flags)]
        for process in asked:
            cls.addClassCleanup(lambda process=process: process.poll() is None and process.kill())
        return asked

    def assert_refused(self, asked, why):
        for process in asked:
            code, error = end_of(process)
            self.assertEqual(code, 3, error)
            self.assertRegex(error, r"\Atenure: [^\n]+\n\Z")
            self.assertIn(why, error)
            self.assertNotIn(PASSWORD, error)

    def test_the_engine_serves_with_its_rights_alone(self):
        answers = self.engine.submit(*[found(f"org-{n}") | {"reason": "to begin"} for n in range(12)])
        self.assertEqual({each["outcome"] for each in answers}, {"accepted"}, answers)
        self.assertEqual(self.engine.get("/v1/orgs/org-1").json["status"], "active")

    def test_settings_from_a_file(self):
        log = self.log_of("admin")
        path = pathlib.Path(self.root) / "admin.properties"
        path.touch(0o600)
        path.write_text("# of the administrator\n" + "\n".join(log.properties) + "\n")
        log.properties = []
        code, error = end_of(ask("kafka", "topics", "--replication", "1", *log.flags, "--properties", str(path)))
        self.assertEqual((code, error), (0, ""))

    def test_a_publisher_by_kcat_and_a_wrong_command(self):
        publisher = self.log_of("publisher")
        sent = found("published")
        publisher.publish([("published", json.dumps(sent)), ("published", "nonsense")], "-H", "reply-to=kcat")
        outcomes = {json.loads(each["payload"])["outcome"] for each in publisher.results("kcat", 2)}
        self.assertEqual(outcomes, {"accepted", "rejected"})
        self.assertEqual(len(self.inside.messages("quarantine")), 1)

    def test_a_publisher_by_the_java_client_and_scram(self):
        sent = found("scram")
        out = java("SendCommands", self.cluster.secure_bootstrap, self.inside.prefix, "java",
                   self.java_settings("publisher"), input=f"scram\t{json.dumps(sent)}\n".encode())
        self.assertEqual(out.split("\t")[:2], [sent["id"], "decided"])

    def test_a_consumer_follows_the_log(self):
        self.engine.submit(found("followed"))
        decisions, _ = follow(self.log_of("consumer"), self.java_settings("consumer"))
        self.assertTrue(any(b"followed" in payload for payload in decisions.values()))

    def test_a_process_that_only_reads_hands_commands_on(self):
        reads = self.serve(self.log_of("reads"), "--roles", "reads")
        (answer,) = reads.submit(found("handed-on") | {"actor": "user:new-here", "reason": "to begin"})
        self.assertEqual((answer["outcome"], answer["reason"]), ("accepted", "to begin"), answer)
        wait_until(lambda: reads.get("/v1/orgs/handed-on").status == 200, "it reads")

    def test_nobody_may_do_what_is_another_role_s(self):
        def assert_denied(user, topic, *how, input=None):
            with self.subTest(user, topic=topic), self.assertRaisesRegex(AssertionError, "uthorization failed"):
                self.log_of(user).kcat("-t", self.inside.topic(topic), *how, input=input)

        for user, topic in (("publisher", "log"), ("publisher", "results"), ("consumer", "log"),
                            ("consumer", "commands"), ("reads", "log"), ("engine", "events"),
                            ("admin", "commands")):
            assert_denied(user, topic, "-P", "-X", "message.timeout.ms=5000", input=b"x")
        for user, topic in (("publisher", "log"), ("publisher", "keys"), ("consumer", "quarantine"), ("consumer", "keys"),
                            ("stranger", "results")):
            assert_denied(user, topic, "-C", "-e")

    def test_a_wrong_password_is_named(self):
        self.assert_refused(self.wrong_password, "Authentication failed")

    def test_an_authority_that_is_not_trusted_is_named(self):
        self.assert_refused(self.no_trust, "certificate verify failed")

    def test_who_has_no_rights_is_told_so(self):
        data = os.path.join(self.root, new_id())
        flags = self.log_of("stranger").flags
        code, error = end_of(ask("serve", "--log", "kafka", "--data", data, "--port", "0", *flags))
        self.assertEqual(code, 3, error)
        self.assertRegex(error, r"\Atenure: [^\n]*authorization failed[^\n]*\n\Z")

    def test_scram_of_our_own_client(self):
        """librdkafka before 2.6.1 doubles the nonce, which Kafka 4 refuses (its pull request 4895)."""
        version = tuple(map(int, re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", run("kcat", "-V")).groups()))
        log = self.log_of("engine", mechanism="SCRAM-SHA-256")
        if version < (2, 6, 1):
            return self.assert_refused(self.ask_both(log), "SCRAM-SHA-256")
        server = self.serve(log)
        (answer,) = server.submit(found("by-scram"))
        self.assertEqual(answer["outcome"], "accepted", answer)


if __name__ == "__main__":
    unittest.main()
