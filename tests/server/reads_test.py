"""Reads over HTTP and by the command line: people's names, a user's own lists and their past, explanations, exports."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import TENURE, command, environment

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def named(id, kind, actor="user:alice", org="acme", reason=None, **fields):
    return command(id, kind, actor, org, **fields) | ({"reason": reason} if reason else {})


class People(ServerTest):
    def test_names_and_emails_stand_with_members_for_who_may_see_them(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("n1", "AddMember", user="dan", role="ADMIN", name="Dan Brown",
                                           email="dan@example.org"),
                      command("n2", "UpdateMember", user="eve", email="eve@example.org"))
        people = {each["user"]: each for each in server.get("/v1/orgs/acme/members?as=user:eve").json["members"]}
        self.assertEqual((people["dan"]["name"], people["dan"]["email"]), ("Dan Brown", "dan@example.org"))
        self.assertEqual((people["eve"].get("name"), people["eve"]["email"]), (None, "eve@example.org"))
        self.assertNotIn("name", people["bob"])
        self.assertEqual(server.get("/v1/orgs/acme/members/dan").json["name"], "Dan Brown")
        self.assertEqual(server.get("/v1/orgs/acme/members/dan?as_of=6").json["name"], "Dan Brown")
        self.assertNotIn("email", server.get("/v1/orgs/acme/members/eve?as_of=6").json)
        self.assertNotIn("Dan Brown", server.get("/v1/orgs/acme/members?as=user:mallory").text)
        server.submit(command("n3", "SuspendMember", user="dan"), command("n4", "ChangeRole", user="dan", role="MANAGER"))
        self.assertEqual(server.get("/v1/orgs/acme/members/dan").json["name"], "Dan Brown")

    def test_what_no_key_opens_any_more_is_left_out(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("n1", "AddMember", user="dan", role="ADMIN", name="Dan Brown"))
        server.stop()
        shutil.rmtree(os.path.join(self.data, "keys"))
        server = self.start("--accept-lost-keys")
        dan = server.read("/v1/orgs/acme/members/dan").json
        self.assertEqual((dan["role"], "name" in dan), ("ADMIN", False))

    def test_who_came_by_an_invitation_has_its_email(self):
        server = self.start()
        server.submit(command("c1", "CreateOrganization", name="Acme", rulebook="upcloud"),
                      command("i1", "InviteMember", invitation="i", user="gus", role="MEMBER", email="gus@example.org"))
        invited = server.get("/v1/orgs/acme/invitations").json["invitations"][0]
        self.assertEqual((invited["email"], invited["status"]), ("gus@example.org", "pending"))
        own = server.get("/v1/users/gus/invitations?as=user:gus").json["invitations"][0]
        self.assertEqual((own["org"], own["email"]), ("acme", "gus@example.org"))
        server.submit(command("a1", "AcceptInvitation", "user:gus", invitation="i"))
        self.assertEqual(server.get("/v1/orgs/acme/members/gus").json["email"], "gus@example.org")
        self.assertEqual(server.get("/v1/users/gus/invitations").json, {"invitations": [], "next": None})


class OwnLists(ServerTest):
    def test_the_past_of_a_users_lists_is_that_of_all_their_organizations(self):
        server = self.start()
        server.submit(command("c1", "CreateOrganization", name="Acme", rulebook="upcloud"),
                      command("s1", "CreateSpace", space="web", name="Web"),
                      command("i1", "InviteMember", invitation="i", user="gus", role="ADMIN"))
        between = server.submit(command("c2", "CreateOrganization", "user:gus", "other", name="Other", rulebook="space"),
                                command("s2", "CreateSpace", "user:gus", "other", space="own", name="Own"))[-1]["time"]
        server.submit(command("a1", "AcceptInvitation", "user:gus", invitation="i"))
        joined = server.submit(command("s3", "RenameSpace", space="web", name="Web 2"))[-1]["time"]
        server.submit(command("r1", "RemoveMember", user="gus"))

        def lists(as_of):
            when = f"?as_of={as_of}" if as_of else ""
            return ([each["org"] for each in server.get(f"/v1/users/gus/organizations{when}").json["organizations"]],
                    [(each["org"], each["space"], each["name"])
                     for each in server.get(f"/v1/users/gus/spaces{when}").json["spaces"]],
                    [each["invitation"] for each in server.get(f"/v1/users/gus/invitations{when}").json["invitations"]])

        self.assertEqual(lists(""), (["other"], [("other", "own", "Own")], []))
        self.assertEqual(lists(between), (["other"], [("other", "own", "Own")], ["i"]))
        self.assertEqual(lists(joined), (["acme", "other"], [("acme", "web", "Web 2"), ("other", "own", "Own")], []))
        self.assertEqual(lists("2001-01-01T00:00:00Z"), ([], [], []))
        own = server.get(f"/v1/users/gus/organizations?as=user:gus&as_of={joined}").json["organizations"]
        self.assertEqual([each["org"] for each in own], ["other"], "the past of what is theirs no more is not")

    def test_a_version_is_one_organizations_own(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for name in ("spaces", "organizations", "invitations"):
            answer = self.assert_problem(server.get(f"/v1/users/bob/{name}?as_of=2"), 400, "malformed")
            self.assertIn("must be a time", answer["detail"])

    def test_many_organizations_of_the_past_come_in_pages_of_their_own(self):
        server = self.start()
        last = server.submit(*(command(f"c{i}", "CreateOrganization", org=f"org-{i:02}", name="Org", rulebook="space")
                               for i in range(40)))[-1]["time"]
        for name in ("organizations", "spaces"):
            seen, cursor, pages = [], "", 0
            while cursor is not None:
                page = server.get(f"/v1/users/alice/{name}?as_of={last}{cursor}").json
                seen += [each["org"] for each in page[name]]
                cursor, pages = page["next"] and f"&cursor={page['next']}", pages + 1
            self.assertEqual((seen, pages), ([f"org-{i:02}" for i in range(40)] if name == "organizations" else [], 3))


class History(ServerTest):
    def test_of_an_entity_by_who_may_audit(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("x1", "ChangeRole", user="bob", role="ADMIN"),
                      command("c6", "CreateOrganization", "user:bob", "lab", name="Lab", rulebook="anaphora"),
                      command("c7", "AddMember", "user:bob", "lab", user="eve", role="USER"))
        of_bob = server.get("/v1/orgs/acme/history?entity=user:bob&as=user:eve").json["decisions"]
        self.assertEqual([each["command_id"] for each in of_bob], ["c2", "x1"], "not what he did elsewhere")
        first = server.get("/v1/orgs/acme/history?entity=user:bob&as=user:eve&limit=1").json
        rest = server.get(f"/v1/orgs/acme/history?entity=user:bob&as=user:eve&cursor={first['next']}").json
        self.assertEqual(first["decisions"] + rest["decisions"], of_bob)
        for viewer in ("eve", "mallory"):
            self.assert_problem(server.get(f"/v1/orgs/lab/history?entity=user:eve&as=user:{viewer}"), 404, "not_found")


class Isolation(ServerTest):
    def test_an_outsider_reads_back_their_refusals_alike_wherever_they_knocked(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        said = []
        for org in ("acme", "nowhere"):
            made = server.post("/v1/commands", command("k", "AddMember", "user:mallory", org, user="dan", role="ADMIN")).json
            for path in (f"/v1/orgs/{org}/commands/k?as=user:mallory",
                         f"/v1/decisions/{made['position']}/explain?as=user:mallory"):
                text = server.get(path).text
                for own in (made["position"], made["time"], org):
                    text = text.replace(own, "X")
                said.append(text)
        self.assertEqual(said[:2], said[2:])

    def test_the_past_of_what_one_does_not_see_is_not_found_either(self):
        server = self.start()
        server.submit(*FOUND_ACME)

        def without(text, org):
            return text.replace(org, "X")

        for moment in ("1", "99", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"):
            for path in ("", "/members", "/spaces/web", "/plans", "/explain?user=mallory&action=member.add"):
                paths = [f"/v1/orgs/{org}{path}{'&' if '?' in path else '?'}as=user:mallory&as_of={moment}"
                         for org in ("acme", "nowhere")]
                there, nowhere = (server.get(each) for each in paths)
                self.assertEqual((there.status, without(there.text, "acme")),
                                 (nowhere.status, without(nowhere.text, "nowhere")), paths)


    def test_a_workspace_is_for_its_people(self):
        """Its invitations, who is in it, what may be given there; and no list says by its `next` that there is more than one sees."""
        server = self.start()
        invite = lambda id, user, **to: command(f"i-{id}", "InviteMember", "user:ada", invitation=id, user=user, **to)
        accept = lambda id, user: command(f"a-{id}", "AcceptInvitation", f"user:{user}", invitation=id)
        decided = server.submit(
            command("c1", "CreateOrganization", "user:ada", name="Acme", rulebook="upcloud"),
            *[command(f"s-{space}", "CreateSpace", "user:ada", space=space, name=space) for space in "vwz"],
            invite("mia", "mia", role="MEMBER"), accept("mia", "mia"), invite("wim", "wim", role="MEMBER"), accept("wim", "wim"),
            invite("w", "wim", space="w", space_roles=["ADMIN"]), accept("w", "wim"),
            *[invite(f"to-{space}", "gus", space=space, space_roles=["VIEWER"]) for space in "vwz"], invite("org", "eve", role="MEMBER"))
        self.assertEqual({each["outcome"] for each in decided}, {"accepted"})
        read = lambda path, user, more="": server.read(f"/v1/orgs/acme/{path}?as=user:{user}{more}").json
        for user, wanted in (("ada", ["mia", "org", "to-v", "to-w", "to-z", "w", "wim"]), ("wim", ["mia", "org", "to-w", "w", "wim"]),
                             ("mia", ["mia", "org", "wim"])):
            whole = read("invitations", user)
            self.assertEqual([each["invitation"] for each in whole["invitations"]], wanted, user)
            self.assertEqual(read("invitations", user, f"&limit={len(wanted)}")["next"], None, user)
            self.assertEqual(read("invitations", user, f"&limit={len(wanted) - 1}")["next"], wanted[-2], user)
        self.assertEqual((read("spaces", "wim", "&limit=1")["next"], read("spaces", "mia", "&limit=1")["spaces"]), (None, []))
        self.assertEqual(read("spaces", "ada", "&limit=1")["next"], "v")
        for user, wanted in (("ada", ["w"]), ("wim", ["w"]), ("mia", [])):
            self.assertEqual([each["space"] for each in read("members/wim", user)["spaces"]], wanted, user)
        self.assertEqual(read("spaces/w/members", "wim", "&limit=1")["next"], "ada")
        self.assertEqual(read("spaces/w/members", "wim", "&limit=2")["next"], None, "mia has no access there")
        roles = lambda who, space, status=200: server.get(f"/v1/orgs/acme/assignable-roles?actor={who}&space={space}&as=user:{who}")
        self.assertEqual(roles("wim", "w").json, {"roles": ["ADMIN", "EDITOR", "VIEWER"]})
        self.assertEqual((roles("wim", "v").status, roles("mia", "w").status), (404, 404))
        self.assertEqual(server.get("/v1/orgs/acme/assignable-roles?actor=wim&space=w&target=mia").status, 400)


class Explanations(ServerTest):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.server.submit(
            named("c1", "CreateOrganization", org="lab", name="Lab", rulebook="anaphora"),
            named("c2", "AddMember", org="lab", user="bob", role="USER", reason="new hire"),
            named("c3", "CreateGroup", org="lab", group="ops", name="Ops"),
            named("c4", "CreateSpace", org="lab", space="web", name="Web"),
            named("c5", "AddToGroup", org="lab", group="ops", user="bob"),
            named("c6", "GrantAccess", org="lab", space="web", subject="group:ops", roles=["ReadWrite"]))
        self.refused = self.server.post("/v1/commands", named(
            "r1", "CreateSpace", "user:bob", "lab", space="mine", name="Mine", reason="a place of my own")).json["position"]

    def prose(self, *arguments, code=0):
        ended, out, err = self.tenure("explain", *arguments, server=self.server)
        self.assertEqual((ended, err), (code, ""))
        return re.sub(r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME", out)

    def test_why_somebody_may(self):
        self.assertEqual(self.prose("check", "lab", "user:bob", "resource.create:job", "--space", "web"), """\
bob may resource.create:job in space web of lab (anaphora@1, version 6)
because
  anaphora@1 ReadWrite of group:ops has resource.create:job
    0:5  TIME  GrantAccess by user:alice
  member of group:ops
    0:4  TIME  AddToGroup by user:alice
  bob is a member as USER
    0:1  TIME  AddMember by user:alice: new hire
""")

    def test_why_somebody_may_not_and_what_would_allow_it(self):
        self.assertEqual(self.prose("check", "lab", "bob", "resource.delete", "--type", "ai_provider", "--space", "web"), """\
bob may not resource.delete:ai_provider in space web of lab (anaphora@1, version 6)
because
  anaphora@1 USER, ReadWrite of group:ops has no resource.delete:ai_provider
  ReadWrite of group:ops in web
    0:5  TIME  GrantAccess by user:alice
  member of group:ops
    0:4  TIME  AddToGroup by user:alice
  bob is a member as USER
    0:1  TIME  AddMember by user:alice: new hire
what would allow it
  ChangeRole bob to SYSTEM_ADMIN, by SYSTEM_ADMIN
  GrantAccess to bob: Admin in web, by SYSTEM_ADMIN
""")
        self.assertIn("is not an active member of lab",
                      self.prose("check", "lab", "bob", "space.view", "--space", "web", "--as-of", "1"))

    def test_a_decision_that_was_refused(self):
        self.assertEqual(self.prose("decision", self.refused), """\
0:6  CreateSpace by user:bob in lab, TIME, under anaphora@1
for the reason: a place of my own
refused: forbidden, space.create is needed; ask one of SYSTEM_ADMIN
it needed space.create
because
  anaphora@1 USER lacks space.create
  bob is a member as USER
    0:1  TIME  AddMember by user:alice: new hire
what would have allowed it
  ChangeRole bob to SYSTEM_ADMIN, by SYSTEM_ADMIN
  the same command by another, by SYSTEM_ADMIN
""")

    def test_a_decision_that_was_accepted(self):
        self.server.submit(named("x1", "RemoveFromGroup", org="lab", group="ops", user="bob"))
        self.assertEqual(self.prose("decision", "0:5"), """\
0:5  GrantAccess by user:alice in lab, TIME, under anaphora@1
accepted
it needed access.manage in space web
because
  anaphora@1 SYSTEM_ADMIN has access.manage
    0:0  TIME  CreateOrganization by user:alice
what changed
  AccessGranted space=web subject=group:ops roles=ReadWrite
""")

    def test_machines_get_json_and_strangers_nothing(self):
        told = json.loads(self.prose("check", "lab", "bob", "organization.view", "--json"))
        self.assertEqual((told["allowed"], told["because"][0]["position"], told["would_allow"]), (True, "0:1", []))
        self.assertEqual(json.loads(self.prose("decision", self.refused, "--json"))["decision"]["command_id"], "r1")
        for arguments in (("decision", "0:1", "--as", "user:bob"), ("decision", "0:99"),
                          ("check", "lab", "alice", "member.add", "--as", "user:bob")):
            code, out, err = self.tenure("explain", *arguments, server=self.server)
            self.assertEqual((code, out), (1, ""), arguments)
            self.assertIn("404", err)
        own = self.prose("decision", self.refused, "--as", "user:bob")
        self.assertIn("a place of my own", own)
        self.assertNotIn("new hire", own)

    def test_what_makes_no_sense_is_said(self):
        for path, why in (("/v1/orgs/lab/explain?user=bob", "action"), ("/v1/orgs/lab/explain?action=member.add", "user"),
                          ("/v1/decisions/here/explain", "position"), ("/v1/decisions/7:0/explain", "position")):
            self.assertIn(why, self.assert_problem(self.server.get(path), 400, "malformed")["detail"])
        self.assertEqual(self.tenure("explain")[0], 2)


class Export(ServerTest):
    def resources(self, first, count):
        return [{"type": "service", "resource": f"r-{i:05}", "name": "n" * 200, "links": []}
                for i in range(first, first + count)]

    def test_a_page_is_at_most_what_an_import_may_be(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("s2", "CreateSpace", space="copy", name="Copy"))
        for i in range(0, 6000, 1500):
            made = server.post("/v1/commands", command(f"m{i}", "ImportSpace", space="web", resources=self.resources(i, 1500)))
            self.assertEqual(made.status, 200, made.text[:200])
        exported, cursor, pages = [], "", 0
        while cursor is not None:
            page = server.get(f"/v1/orgs/acme/spaces/web/export?{cursor}")
            self.assertEqual(page.status, 200, page.text[:200])
            taken = server.post("/v1/commands", command(f"copy-{pages}", "ImportSpace", space="copy", resources=page.lines))
            self.assertEqual(taken.status, 200, taken.text[:200])
            exported += page.lines
            following = page.headers["Tenure-Next"]
            cursor, pages = following and f"cursor={following}", pages + 1
        self.assertGreater(pages, 1)
        self.assertEqual([each["resource"] for each in exported], ["api"] + [f"r-{i:05}" for i in range(6000)])
        self.assertEqual(server.get("/v1/orgs/acme/spaces/copy/export").text, server.get("/v1/orgs/acme/spaces/web/export").text)

    def test_an_export_of_the_past_is_what_was_there(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        then = server.get("/v1/orgs/acme/spaces/web/export").text
        server.submit(command("u1", "UpdateResource", space="web", type="service", resource="api", name="Other"),
                      command("u2", "CreateResource", space="web", type="other", resource="late"))
        self.assertEqual(server.get("/v1/orgs/acme/spaces/web/export?as_of=5").text, then)
        self.assertEqual(len(server.get("/v1/orgs/acme/spaces/web/export").lines), 2)

    def test_the_command_line_says_that_there_is_more(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("u2", "CreateResource", space="web", type="other", resource="more"))
        code, out, err = self.tenure("get", "export", "acme", "web", "--json", "--limit", "1", server=server)
        self.assertEqual((code, [json.loads(line)["resource"] for line in out.splitlines()]), (0, ["api"]))
        self.assertEqual(err, "more with --cursor api\n")
        code, out, err = self.tenure("get", "export", "acme", "web", "--json", "--cursor", "api", server=server)
        self.assertEqual((code, [json.loads(line)["resource"] for line in out.splitlines()], err), (0, ["more"], ""))

    def test_the_way_from_a_test_space_to_production_is_as_the_manual_shows_it(self):
        manual = (REPOSITORY / "tools/server/README.md").read_text()
        steps = re.search(r"## From a test space.*?```\n(.*?)```", manual, re.S)[1]
        server = self.start()
        server.submit(command("c1", "CreateOrganization", name="Acme", rulebook="flotiq"),
                      command("c2", "CreateSpace", space="test", name="Test"),
                      command("c3", "CreateSpace", space="production", name="Production"),
                      command("c4", "CreateResource", space="test", type="media", resource="logo", name="Logo"))
        path = f"{os.path.dirname(TENURE)}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-ec", steps], capture_output=True, text=True, cwd=self.root, env=environment(
            PATH=path, TENURE_SERVER=server.url, TENURE_ADMIN_KEY=server.key), timeout=300)
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", "accepted  1\n"))
        self.assertEqual([each["resource"] for each in server.get("/v1/orgs/acme/spaces/production/export").lines], ["logo"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
