"""The command line: what it prints, and the codes it ends with."""

import json
import os
import subprocess
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import TENURE, command, environment

REFUSED = command("r1", "AddMember", actor="user:bob", user="dan", role="ADMIN")


class Apply(ServerTest):
    def write(self, *lines):
        path = os.path.join(self.root, "commands.ndjson")
        with open(path, "w") as file:
            for line in lines:
                file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
        return path

    def test_a_file_is_decided_and_summed_up(self):
        code, out, err = self.tenure("apply", self.write(*FOUND_ACME, REFUSED), "--data",
                                     self.data)
        self.assertEqual((code, err), (0, ""))
        rows = dict(line.rsplit(None, 1) for line in out.splitlines()[:-1])
        self.assertEqual(rows, {"accepted": "5", "rejected role_not_assignable": "1"})
        self.assertIn("a second", out.splitlines()[-1])

    def test_with_json_it_prints_each_decision_in_order(self):
        code, out, err = self.tenure("apply", self.write(*FOUND_ACME, REFUSED), "--json", "--data",
                                     self.data)
        self.assertEqual(code, 0)
        decisions = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([each["command_id"] for each in decisions],
                         ["c1", "c2", "c3", "c4", "c5", "r1"])
        self.assertIn("accepted", err)

    def test_lines_that_are_no_commands_are_named_and_counted(self):
        code, out, err = self.tenure(
            "apply", self.write(FOUND_ACME[0], "nonsense", "", {"id": "x"}, FOUND_ACME[1]),
            "--data", self.data)
        self.assertEqual(code, 1)
        self.assertIn("line 2: malformed", err)
        self.assertIn("line 4: malformed", err)
        self.assertIn("not a command                           2", out)
        self.assertIn("accepted                                2", out)

    def test_a_second_run_changes_nothing(self):
        path = self.write(*FOUND_ACME, REFUSED)
        first = self.tenure("apply", path, "--json", "--data", self.data)[1]
        again = self.tenure("apply", path, "--json", "--data", self.data)[1]
        self.assertEqual(first, again)
        dumped = self.tenure("log", "dump", "--json", "--data", self.data)[1]
        self.assertEqual(dumped, first)

    def test_batches_fit_segments_that_are_smaller_than_a_batch_may_be(self):
        many = [command(f"m{i}", "AddMember", user=f"user-{i}", role="EVALUATOR")
                for i in range(5000)]
        code, out, err = self.tenure("apply", self.write(FOUND_ACME[0], *many), "--segment-bytes",
                                     "65536", "--data", self.data)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("accepted                             5001", out)
        self.assertGreater(len(os.listdir(os.path.join(self.data, "log"))), 10)

    def test_what_was_applied_is_there_when_a_server_starts(self):
        self.tenure("apply", self.write(*FOUND_ACME), "--data", self.data)
        server = self.start()
        self.assertEqual(server.get("/v1/orgs/acme").json["version"], 5)

    def test_commands_may_come_from_stdin(self):
        lines = "".join(json.dumps(each) + "\n" for each in FOUND_ACME)
        code, out, _ = self.tenure("apply", "-", "--data", self.data, input=lines)
        self.assertEqual(code, 0)
        self.assertIn("accepted", out)

    def test_a_missing_file_ends_with_3(self):
        code, _, err = self.tenure("apply", "no-such-file", "--data", self.data)
        self.assertEqual(code, 3)
        self.assertEqual(err, "tenure: cannot read no-such-file\n")

    def test_a_directory_in_use_names_the_daemon(self):
        server = self.start()
        for arguments in (("apply", self.write(*FOUND_ACME), "--data", self.data),
                          ("projections", "status", "--data", self.data),
                          ("projections", "rebuild", "--data", self.data),
                          ("projections", "verify", "--data", self.data)):
            code, out, err = self.tenure(*arguments)
            self.assertEqual((code, out), (3, ""), arguments)
            self.assertIn(str(server.process.pid), err)
            self.assertIn(server.url, err)
            self.assertEqual(err.count("\n"), 1, err)


class Migration(ServerTest):
    """From a test space to production, as tools/server/README.md shows it."""

    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.server.submit(
            command("c1", "CreateOrganization", name="Acme", rulebook="flotiq"),
            command("c2", "CreateSpace", space="test", name="Test"),
            command("c3", "CreateSpace", space="production", name="Production"),
            command("c4", "CreateResource", space="test", type="content_type", resource="post", name="Post"),
            command("c5", "CreateResource", space="test", type="media", resource="logo"),
            command("c6", "CreateResource", space="test", type="content_object", resource="hello",
                    name="Hello", links=["post", "logo"], digest="sha256:1"))

    def export(self, space, *arguments):
        code, out, err = self.tenure("get", "export", "acme", space, "--json", *arguments, server=self.server)
        self.assertEqual((code, err), (0, ""))
        return [json.loads(line) for line in out.splitlines() if line]

    def migrate(self, id, resources):
        line = json.dumps(command(id, "ImportSpace", space="production", resources=resources))
        code, out, err = self.tenure("submit", "--file", "-", "--json", server=self.server, input=line)
        return json.loads(out)

    def test_the_second_time_only_what_changed_is_updated(self):
        exported = self.export("test")
        self.assertEqual(exported, [
            {"type": "content_object", "resource": "hello", "name": "Hello", "links": ["post", "logo"],
             "digest": "sha256:1"},
            {"type": "media", "resource": "logo", "links": []},
            {"type": "content_type", "resource": "post", "name": "Post", "links": []}])
        self.assertEqual([each["event_type"] for each in self.migrate("m1", exported)["events"]],
                         ["ResourceCreated"] * 3)
        self.assertEqual(self.export("production"), exported)
        self.assertEqual(self.migrate("m2", exported)["rejection"]["code"], "nothing_to_do")
        self.server.submit(command("c7", "UpdateResource", space="test", type="content_object",
                                   resource="hello", name="Hello all", links=["post", "logo"], digest="sha256:2"))
        events = self.migrate("m3", self.export("test"))["events"]
        self.assertEqual([(each["event_type"], each["event"]["resource"]) for each in events],
                         [("ResourceUpdated", "hello")])
        self.assertEqual(self.export("production"), self.export("test"))

    def test_what_is_gone_is_linked_to_no_longer(self):
        self.server.submit(command("c7", "DeleteResource", space="test", resource="logo"))
        exported = self.export("test")
        self.assertEqual([(each["resource"], each["links"]) for each in exported],
                         [("hello", ["post"]), ("post", [])])
        self.assertEqual(self.migrate("m1", exported)["outcome"], "accepted")

    def test_pages_say_where_the_next_begins(self):
        first = self.server.read("/v1/orgs/acme/spaces/test/export?limit=2")
        self.assertEqual(first.headers["Content-Type"], "application/x-ndjson")
        self.assertEqual(first.headers["Tenure-Next"], "logo")
        last = self.server.read("/v1/orgs/acme/spaces/test/export?limit=2&cursor=logo")
        self.assertIsNone(last.headers["Tenure-Next"])
        self.assertEqual([json.loads(line)["resource"] for line in (first.text + last.text).splitlines()],
                         ["hello", "logo", "post"])


class Client(ServerTest):
    def test_submit_sends_one_command_from_its_arguments(self):
        server = self.start()
        code, out, _ = self.tenure("submit", "CreateOrganization", "name=Acme", "rulebook=space",
                                   "--org", "acme", "--actor", "user:alice", "--json",
                                   server=server)
        self.assertEqual((code, json.loads(out)["outcome"]), (0, "accepted"))
        code, out, _ = self.tenure("submit", "RemoveMember", "user=alice", "--org", "acme",
                                   "--actor", "user:alice", "--json", server=server)
        self.assertEqual((code, json.loads(out)["code"]), (1, "last_owner"))
        code, out, _ = self.tenure("submit", "CreateSpace", "space=s", "name=S", "--org", "acme",
                                   "--actor", "user:alice", "--expected-version", "1", "--id",
                                   "mine", server=server)
        self.assertEqual(code, 0)
        self.assertIn("mine", out)
        code, out, _ = self.tenure(
            "submit", "RecordUsage", "space=s",
            'entries:=[{"source":"gw","id":"1","meter":"api_requests","quantity":7}]', "--org",
            "acme", "--json", server=server)
        self.assertEqual((code, json.loads(out)["outcome"]), (0, "accepted"))

    def test_submit_sends_a_file_and_counts(self):
        server = self.start()
        lines = "".join(json.dumps(each) + "\n" for each in FOUND_ACME + [REFUSED])
        code, out, _ = self.tenure("submit", "--file", "-", server=server, input=lines)
        self.assertEqual(code, 1)
        self.assertEqual(out, "accepted  5\nrole_not_assignable  1\n")
        code, out, _ = self.tenure("submit", "--file", "-", "--json", server=server, input=lines)
        self.assertEqual([json.loads(line)["position"] for line in out.splitlines()],
                         [f"0:{i}" for i in range(6)])

    def test_get_prints_tables_for_people_and_json_for_machines(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        code, out, _ = self.tenure("get", "members", "acme", server=server)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"user +role +since +status\nalice +OWNER ")
        code, out, _ = self.tenure("get", "members", "acme", "--json", "--limit", "1",
                                   server=server)
        self.assertEqual((code, len(json.loads(out)["members"])), (0, 1))
        code, out, _ = self.tenure("get", "assignable-roles", "acme", "--actor", "bob", "--target",
                                   "eve", "--json", server=server)
        self.assertEqual(json.loads(out)["roles"], ["MANAGER", "EVALUATOR"])
        code, out, _ = self.tenure("get", "/v1/orgs/acme/spaces/web", "--json", server=server)
        self.assertEqual(json.loads(out)["space"], "web")
        code, out, _ = self.tenure("get", "members", "acme", "--as-of", "1", "--json",
                                   server=server)
        self.assertEqual(len(json.loads(out)["members"]), 1)

    def test_what_is_not_there_ends_with_1_and_nonsense_with_2(self):
        server = self.start()
        code, out, err = self.tenure("get", "org", "nowhere", server=server)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("404", err)
        for arguments in (("get", "coffee", "acme"), ("get", "members"), ("get", "org", "a", "b"),
                          ("submit",), ("submit", "AddMember", "user", "--org", "acme"),
                          ("frobnicate",), (), ("serve", "--port", "many"), ("log",)):
            code, out, err = self.tenure(*arguments, server=server)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertTrue(err)

    def test_check_ends_with_0_or_1(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        yes = self.tenure("check", "acme", "user:bob", "member.add", server=server)
        no = self.tenure("check", "acme", "eve", "member.add", server=server)
        read = self.tenure("check", "acme", "eve", "resource.read:service", "--space", "web",
                           "--json", server=server)
        self.assertEqual([yes[0], no[0], read[0]], [0, 1, 0])
        self.assertIn("MANAGER", yes[1])
        self.assertTrue(json.loads(read[1])["allowed"])

    def test_history_tells_who_did_what(self):
        server = self.start()
        server.submit(*FOUND_ACME, REFUSED)
        code, out, _ = self.tenure("history", "acme", server=server)
        self.assertEqual(code, 0)
        self.assertEqual([line.split()[3:] for line in out.splitlines()][-2:],
                         [["CreateResource", "accepted"], ["AddMember", "role_not_assignable"]])
        code, out, _ = self.tenure("history", "acme", "--entity", "user:bob", "--json",
                                   server=server)
        self.assertEqual([each["command_id"] for each in json.loads(out)["decisions"]],
                         ["c2", "r1"])

    def test_check_and_history_wait_for_the_position_they_are_given(self):
        server = self.start()
        last = server.submit(*FOUND_ACME)[-1]["position"]
        for arguments in (("check", "acme", "bob", "member.add"), ("history", "acme")):
            code, out, err = self.tenure(*arguments, "--at-least", last, server=server)
            self.assertEqual((code, err), (0, ""))
            code, out, err = self.tenure(*arguments, "--at-least", "here", server=server)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("at_least", err)

    def test_nobody_there_ends_with_3(self):
        for arguments in (("get", "org", "acme"), ("history", "acme"),
                          ("check", "acme", "bob", "member.add"),
                          ("submit", "RemoveMember", "user=x", "--org", "acme")):
            code, out, err = self.tenure(*arguments, "--server", "http://127.0.0.1:1")
            self.assertEqual((code, out), (3, ""))
            self.assertIn("http://127.0.0.1:1", err)
            self.assertEqual(err.count("\n"), 1)

    def test_a_wrong_key_is_said(self):
        server = self.start()
        lines = json.dumps(FOUND_ACME[0]) + "\n"
        for arguments in (("get", "org", "acme"), ("history", "acme"),
                          ("check", "acme", "bob", "member.add"), ("submit", "--file", "-"),
                          ("submit", "RemoveMember", "user=x", "--org", "acme")):
            code, _, err = self.tenure(*arguments, "--key", "wrong", server=server, input=lines)
            self.assertEqual(code, 1, arguments)
            self.assertIn("401", err)
            self.assertEqual(err.count("\n"), 1)


GOOD_RULEBOOK = """{
  "name": "plain", "version": 1,
  "owner_role": "BOSS",
  "joins": ["direct"],
  "default_plan": "free",
  "resource_types": [{"name": "doc"}],
  "organization_roles": [
    {
      "name": "BOSS",
      "actions": ["organization.view", "organization.transfer", "member.add"],
      "assigns": ["BOSS", "USER"],
      "acts_on": ["BOSS", "USER"]
    },
    {"name": "USER", "actions": ["organization.view"]}
  ]
}
"""


class Rulebook(ServerTest):
    def write(self, *changes):
        """A file of the good rulebook with each (text, instead) changed."""
        text = GOOD_RULEBOOK
        for what, instead in changes:
            self.assertIn(what, text)
            text = text.replace(what, instead, 1)
        with open(os.path.join(self.root, "mine.json"), "w") as file:
            file.write(text)
        return "mine.json"

    def check(self, *changes):
        return self.tenure("rulebook", "check", self.write(*changes))

    def test_what_makes_sense_is_said_to(self):
        self.assertEqual(self.check(), (0, "mine.json: plain@1 makes sense\n", ""))
        code, out, _ = self.tenure("rulebook", "check", self.write(), "--json")
        self.assertEqual((code, json.loads(out)), (0, {"sound": True, "problems": []}))

    def test_all_nonsense_is_told_with_its_line(self):
        changes = (('"version": 1', '"version": 0'), ('"free"', '"gratis"'),
                   ('"member.add"', '"member.fly"'), ('"USER"]\n    },', '"KING"]\n    },'),
                   ('["organization.view"]', '["payment.confirm"]'))
        code, out, err = self.check(*changes)
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(
            [line.rsplit(": ", 1)[0] for line in out.splitlines()],
            ["mine.json:2: version", "mine.json:5: default_plan",
             "mine.json:10: organization_roles[0].actions[2]",
             "mine.json:12: organization_roles[0].acts_on[1]",
             "mine.json:14: organization_roles[1].actions[0]"])
        code, out, _ = self.tenure("rulebook", "check", self.write(*changes), "--json")
        found = json.loads(out)
        self.assertEqual((code, found["sound"]), (1, False))
        self.assertEqual([each["line"] for each in found["problems"]], [2, 5, 10, 12, 14])
        self.assertEqual(found["problems"][0],
                         {"line": 2, "path": "version", "problem": "must be at least 1"})

    def test_what_is_missing_is_told_with_the_line_of_what_lacks_it(self):
        for change, line, says in (
                (('"version": 1,', ''), 1, "version: must be at least 1"),
                (('"default_plan": "free",', ''), 1, 'missing field "default_plan"'),
                (('"actions": ["organization.view"]', '"assigns": []'), 14,
                 'missing field "actions"')):
            code, out, _ = self.check(change)
            self.assertEqual(code, 1)
            self.assertTrue(out.startswith(f"mine.json:{line}: "), out)
            self.assertIn(says, out)
            self.assertEqual(out.count("\n"), 1)

    def test_what_is_no_rulebook_is_told_with_its_line(self):
        for change, line, says in (
                (('"owner_role"', '"owner_rule"'), 3, 'unknown field "owner_rule"'),
                (('"version": 1', '"version": "1"'), 2, "must be a whole number"),
                (('["direct"]', '"direct"'), 4, "must be an array"),
                (('["direct"]', '["directly"]'), 4, "use one of: direct, invitation"),
                (('"acts_on": ["BOSS", "USER"]', '"acts_on": ["BOSS", 7]'), 12, "a string"),
                (('"joins": ["direct"],', '"joins": ["direct"], "joins": ["direct"],'), 4,
                 "stands twice"),
                (('"resource_types": [', '"resource_types": [{"name": "a", "colour": "red"}, '), 6,
                 'unknown field "colour"'),
                (('"free",', '"free"'), 6, "not valid JSON"),
                (('"free"', '"free'), 5, "not valid JSON"),
                (('"version": 1', '"version": 01'), 2, "a number is malformed"),
                (('"free"', "1" * 30), 5, "larger than 64 bits"),
                (('"free"', '"\\ud800"'), 5, "not valid JSON"),
                (('"acts_on": ["BOSS", "USER"]', '"acts_on": ["BOSS", "USER",]'), 12,
                 "not valid JSON"),
                (('"doc"', "[" * 20 + "]" * 20), 6, "nested deeper")):
            code, out, err = self.check(change)
            self.assertEqual((code, err), (1, ""), change)
            self.assertTrue(out.startswith(f"mine.json:{line}: "), (change, out))
            self.assertIn(says, out)

    def test_what_cannot_be_read_ends_with_3(self):
        for name in ("nowhere.json", "."):
            for action in ("check", "show"):
                code, out, err = self.tenure("rulebook", action, name)
                self.assertEqual((code, out), (3, ""))
                self.assertRegex(err, r"^tenure: cannot read [^\n]+\n$")
        self.assertIn("anaphora@1, flotiq@1, space@1, upcloud@1", err)
        self.assertEqual(self.tenure("rulebook")[0], 2)
        self.assertEqual(self.tenure("rulebook", "check")[0], 2)

    def test_a_rulebook_is_shown_as_tables_that_fit(self):
        for name in ("anaphora", "flotiq@1", "space", "upcloud", self.write()):
            code, out, err = self.tenure("rulebook", "show", name)
            self.assertEqual((code, err), (0, ""))
            self.assertLessEqual(max(map(len, out.splitlines())), 100)
        code, out, _ = self.tenure("rulebook", "show", "space")
        rows = {line[:24].strip(): line[24:].split() for line in out.splitlines()}
        self.assertEqual(rows["ORGANIZATION ROLES"], ["OWNER", "ADMIN", "MANAGER", "EVALUATOR"])
        self.assertEqual(rows["member.remove"], ["yes", "-", "-", "-"])
        self.assertEqual(rows["resource service"], ["rcud", "rcud", "rcu-", "r---"])
        self.assertEqual(rows["assigns ADMIN"], ["yes", "yes", "-", "-"])
        self.assertEqual(rows["acts on OWNER"], ["yes", "-", "-", "-"])
        self.assertNotIn("access.manage", out)
        code, out, _ = self.tenure("rulebook", "show", "anaphora")
        self.assertRegex(out, r"\njob +with new ids +delivery_interface\n")
        self.assertRegex(out, r"\nin every space +Admin +-\n")

    def test_more_roles_than_fit_make_several_tables(self):
        roles = "".join(f'{{"name": "ROLE_NUMBER_{i}", "actions": ["member.view"]}}, '
                        for i in range(20))
        code, out, _ = self.tenure("rulebook", "show", self.write(('{"name": "USER"', roles +
                                                                   '{"name": "USER"')))
        self.assertEqual(code, 0)
        self.assertLessEqual(max(map(len, out.splitlines())), 100)
        heads = [line.split()[2:] for line in out.splitlines()
                 if line.startswith("ORGANIZATION ROLES")]
        self.assertGreater(len(heads), 1)
        self.assertEqual(sum(heads, []),
                         ["BOSS"] + [f"ROLE_NUMBER_{i}" for i in range(20)] + ["USER"])

    def test_nonsense_is_not_shown(self):
        code, out, err = self.tenure("rulebook", "show", self.write(('"version": 1',
                                                                     '"version": 0')))
        self.assertEqual((code, out), (1, ""))
        self.assertIn("tenure rulebook check mine.json", err)

    def test_shown_for_machines_it_is_its_json(self):
        code, out, _ = self.tenure("rulebook", "show", "upcloud", "--json")
        self.assertEqual((code, json.loads(out)["joins"]), (0, ["invitation"]))


class Output(ServerTest):
    def test_output_that_cannot_be_written_is_no_success(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.submit(REFUSED)  # a reader without a lock shows what another batch lies behind
        path = os.path.join(self.root, "commands.ndjson")
        with open(path, "w") as file:
            file.write(json.dumps(command("late", "AddMember", user="zed", role="MANAGER")) + "\n")
        online = [("log", "dump"), ("log", "dump", "--json"), ("log", "tail"), ("log", "tail", "-f"),
                  ("get", "members", "acme"), ("get", "members", "acme", "--json"),
                  ("history", "acme"), ("check", "acme", "bob", "member.add"),
                  ("submit", "--file", path, "--json"), ("doctor",), ("version",), ("--help",),
                  ("rulebook", "show", "space")]
        offline = [("doctor", "--deep"), ("apply", path, "--json"), ("projections", "status"),
                   ("projections", "verify")]
        more = {"TENURE_SERVER": server.url, "TENURE_ADMIN_KEY": server.key,
                "TENURE_DATA": self.data}
        for arguments in online + [None] + offline:
            if arguments is None:
                server.stop()
                continue
            with self.subTest(arguments), open("/dev/full", "w") as full:
                done = subprocess.run([TENURE, *arguments], stdout=full, stderr=subprocess.PIPE,
                                      text=True, env=environment(**more), timeout=300)
                self.assertEqual(done.returncode, 3)
                self.assertIn("cannot write all of the output", done.stderr)
        code, out, _ = self.tenure("log", "dump", "--json", "--data", self.data)
        self.assertEqual((code, len(out.splitlines())), (0, 7))

    def test_a_closed_stdout_is_not_the_log(self):
        path = os.path.join(self.root, "commands.ndjson")
        with open(path, "w") as file:
            file.writelines(json.dumps(each) + "\n" for each in FOUND_ACME)
        done = subprocess.run(["sh", "-c", '"$0" apply "$1" --json --data "$2" >&-', TENURE, path,
                               self.data], capture_output=True, env=environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        code, out, _ = self.tenure("doctor", "--deep", "--data", self.data)
        self.assertEqual(code, 0, out)

    def test_input_that_cannot_be_read_is_no_success(self):
        server = self.start()
        for arguments in (("apply", self.root, "--data", os.path.join(self.root, "other")),
                          ("submit", "--file", self.root)):
            code, out, err = self.tenure(*arguments, server=server)
            self.assertEqual((code, out), (3, ""))
            self.assertEqual(err, f"tenure: cannot read {self.root}: it is a directory\n")
        for arguments in (("apply", "-", "--data", os.path.join(self.root, "third")),
                          ("submit", "--file", "-")):
            directory = os.open(self.root, os.O_RDONLY)
            self.addCleanup(os.close, directory)
            done = subprocess.run([TENURE, *arguments], stdin=directory, capture_output=True,
                                  text=True, env=environment(TENURE_SERVER=server.url,
                                                             TENURE_ADMIN_KEY=server.key))
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("cannot read stdin", done.stderr)

    def test_usage_errors_are_one_line_that_names_the_word(self):
        for arguments, word in ((("bogus",), "bogus"), (("log", "bogus"), "bogus"),
                                (("get",), "what"), (("serve", "--nonsense"), "--nonsense"),
                                (("log", "tail", "-n", "-1"), "-1"),
                                (("bench", "embedded", "--commands", "0"), "--commands"),
                                (("bench", "embedded", "--commands", "-5"), "--commands"), ((), "")):
            code, out, err = self.tenure(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertRegex(err, r"^tenure: [^\n]+\n$")
            self.assertIn(word, err)


class Offline(ServerTest):
    def fill(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME, REFUSED)
        server.stop()
        return decisions

    def test_log_dump_and_tail_read_while_the_daemon_writes(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME, REFUSED)
        server.submit(command("last", "AddMember", user="zed", role="EVALUATOR"))
        code, out, _ = self.tenure("log", "dump", "--json", "--data", self.data)
        self.assertEqual(code, 0)
        dumped = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(dumped[:6], decisions)
        server.stop()
        code, out, _ = self.tenure("log", "tail", "-n", "2", "--data", self.data)
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["0:5", "0:6"])
        code, out, err = self.tenure("log", "tail", "-n", "0", "--data", self.data)
        self.assertEqual((code, out, err), (0, "", ""))
        code, out, _ = self.tenure("log", "dump", "--data", self.data)
        self.assertEqual(out.splitlines()[5].split()[2:],
                         ["acme@5", "user:bob", "AddMember", "role_not_assignable"])

    def test_projections_are_equal_to_a_rebuild(self):
        self.fill()
        code, out, _ = self.tenure("projections", "status", "--json", "--data", self.data)
        self.assertEqual((code, json.loads(out)), (0, {"applied": 6, "behind": 0,
                                                       "void_records": 0}))
        verified = self.tenure("projections", "verify", "--json", "--data", self.data)
        self.assertEqual(verified[0], 0)
        self.assertIsNone(json.loads(verified[1])["difference"])
        code, out, _ = self.tenure("projections", "rebuild", "--data", self.data)
        self.assertEqual((code, out), (0, "rebuilt from 6 decisions\n"))
        self.assertEqual(self.tenure("projections", "verify", "--json", "--data", self.data),
                         verified)

    def test_doctor_finds_a_sound_directory_sound(self):
        self.fill()
        for arguments in ((), ("--deep",)):
            code, out, _ = self.tenure("doctor", "--data", self.data, *arguments)
            self.assertEqual(code, 0, out)
            self.assertNotIn("BAD", out)
        self.assertIn("6 decisions, 1 claims, 0 void", out)
        self.assertIn("applied 6, behind 0", out)
        code, out, _ = self.tenure("doctor", "--data", self.data, "--json")
        report = json.loads(out)
        self.assertEqual((code, report["sound"]), (0, True))
        self.assertIn({"what": "lock", "ok": True, "detail": "no process has the directory open"},
                      report["findings"])

    def test_doctor_finds_missing_and_damaged_keys(self):
        server = self.start(key=None)
        while not any("admin key" in line for line in list(server.log)):
            pass
        server.key = next(line for line in server.log if "admin key" in line).split()[-1]
        server.submit(*FOUND_ACME, command("p", "AddMember", user="dan", role="ADMIN", name="Dan"))
        code, out, _ = self.tenure("doctor", "--data", self.data)
        self.assertEqual(code, 0, out)
        self.assertRegex(out, r"ok +keys +of 1 ")
        server.stop()
        people = os.path.join(self.data, "keys", "people")
        stored = os.path.join(self.data, "admin_key.sha256")
        for path, damage, finding in (
                (stored, b"not a hash", r"BAD +admin key .*admin_key.sha256"),
                (people, None, r"BAD +keys .*missing"),
                (people, b"TNRKEYS1 and nonsense" + bytes(200_000), r"BAD +keys .*damaged"),
                (people, b"nothing like it", r"BAD +keys .*not a key file")):
            with open(path, "rb") as file:
                sound = file.read()
            os.remove(path)
            if damage is not None:
                with open(path, "wb") as file:
                    file.write(damage)
            for more in ((), ("--json",)):
                code, out, _ = self.tenure("doctor", "--data", self.data, *more)
                self.assertEqual(code, 1, out)
                if more:
                    self.assertFalse(json.loads(out)["sound"])
                else:
                    self.assertRegex(out, finding)
            with open(path, "wb") as file:
                file.write(sound)
        self.assertEqual(self.tenure("doctor", "--data", self.data)[0], 0)

    def test_doctor_examines_a_directory_in_use_without_a_lock(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        code, out, _ = self.tenure("doctor", "--data", self.data)
        self.assertEqual(code, 0, out)
        self.assertIn(str(server.process.pid), out)

    def test_doctor_names_a_damaged_log(self):
        self.fill()
        log = os.path.join(self.data, "log")
        for name in os.listdir(log):
            path = os.path.join(log, name)
            with open(path, "r+b") as file:
                at = file.read().find(b"user:alice")
                if at >= 0:
                    file.seek(at)
                    file.write(b"user:mafia")
                    damaged = name
        code, out, _ = self.tenure("doctor", "--data", self.data)
        self.assertEqual(code, 1)
        self.assertRegex(out, rf"BAD +log .*{damaged}")

    def test_what_is_no_data_directory_ends_with_3(self):
        for arguments in (("log", "dump"), ("projections", "status"), ("doctor",)):
            code, _, err = self.tenure(*arguments, "--data", os.path.join(self.root, "nowhere"))
            self.assertEqual(code, 3)
            self.assertEqual(err.count("\n"), 1)
            code, _, err = self.tenure(*arguments, "--data", self.root)
            self.assertEqual(code, 3)

    def test_version_says_which(self):
        code, out, _ = self.tenure("version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^tenure \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
