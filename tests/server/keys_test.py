"""API keys of services: made once, shown once, and what each lets its service do and see."""

import datetime
import json
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import command, new_id, wait_until


def manage(kind, **fields):
    return {"id": new_id(), "org": "_tenure", "actor": "service:admin", "command_type": kind, "command": fields}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


class Keys(ServerTest):
    def serve(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        return server

    def make_key(self, server, key="k1", service="meter", **fields):
        answer = server.post("/v1/commands", manage("CreateApiKey", key=key, service=service, **fields))
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["secret"]

    def grant(self, server, *actions, service="meter", **place):
        answer = server.post("/v1/commands", manage("GrantServiceActions", service=service, actions=list(actions), **place))
        self.assertEqual(answer.status, 200, answer.text)

    def send(self, server, key, kind, actor=None, org="acme", **fields):
        sent = command(new_id(), kind, org=org, **fields)
        if actor is None:
            del sent["actor"]
        else:
            sent["actor"] = actor
        return server.post("/v1/commands", sent, bearer(key))

    def record(self, server, key, **more):
        return self.send(server, key, "RecordUsage", space="web",
                         entries=[{"source": "s", "id": new_id(), "meter": "api_requests", "quantity": 1}], **more)

    def test_the_secret_is_shown_once_and_a_retry_gives_the_decision_without_it(self):
        server = self.serve()
        create = manage("CreateApiKey", key="k1", service="meter")
        first, again = server.post("/v1/commands", create), server.post("/v1/commands", create)
        self.assertRegex(first.json["secret"], r"^tnr_k1_[0-9a-f]{64}$")
        self.assertNotIn("secret", again.json)
        self.assertEqual(again.json["position"], first.json["position"])
        self.assertEqual(server.get("/v1/services", **bearer(first.json["secret"])).status, 403)
        for path in ("/v1/decisions", "/v1/orgs/_tenure/history", f"/v1/orgs/_tenure/commands/{create['id']}"):
            answer = server.get(path)
            self.assertEqual(answer.status, 200, answer.text)
            self.assertNotIn("secret", answer.text)
            self.assertNotIn(first.json["secret"].split("_")[2], answer.text)
            self.assertNotIn("hash", answer.text)

    def test_the_command_line_shows_the_secret(self):
        server = self.serve()
        code, out, _ = self.tenure("submit", "CreateApiKey", "key=k1", "service=meter", "--org", "_tenure", server=server)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"tnr_k1_[0-9a-f]{64}")
        code, out, _ = self.tenure("submit", "CreateApiKey", "key=k2", "service=meter", "--org", "_tenure", "--json",
                                   server=server)
        self.assertRegex(out, r'"secret":"tnr_k2_[0-9a-f]{64}"')

    def test_each_key_of_a_batch_has_its_secret_beside_its_decision(self):
        server = self.serve()
        lines = server.submit(*(manage("CreateApiKey", key=f"k{i}", service="meter") for i in range(3)))
        self.assertEqual([line["secret"].split("_")[1] for line in lines], ["k0", "k1", "k2"])

    def test_a_key_lets_its_service_do_what_was_granted_and_no_more(self):
        server = self.serve()
        key = self.make_key(server)
        self.assert_problem(self.record(server, key), 404, "not_a_member")
        self.grant(server, "usage.record", org="acme")
        decision = self.record(server, key)
        self.assertEqual((decision.status, decision.json["actor"]), (200, "service:meter"))
        self.assert_problem(self.send(server, key, "RenameOrganization", name="X"), 403, "forbidden")
        revoke = manage("RevokeServiceActions", service="meter", actions=["usage.record"], org="acme")
        self.assertEqual(server.post("/v1/commands", revoke).status, 200)
        self.assert_problem(self.record(server, key), 404, "not_a_member")

    def test_either_header_carries_a_key(self):
        server = self.serve()
        key = self.make_key(server)
        self.grant(server, "organization.view", org="acme")
        for headers in ({"X-Api-Key": key, "Authorization": ""}, {"Authorization": f"bearer {key}"}):
            self.assertEqual(server.get("/v1/orgs/acme", **headers).status, 200, headers)

    def test_what_is_no_key_is_refused(self):
        server = self.serve()
        key = self.make_key(server)
        other = self.make_key(server, "k2")
        secret = key.split("_")[2]
        flipped = secret[:-1] + ("0" if secret[-1] != "0" else "1")
        for wrong in (f"tnr_k1_{flipped}", f"tnr_k2_{secret}", f"tnr_gone_{secret}", f"tnr__{secret}", f"tnr_{secret}",
                      "tnr_k1_", "tnr_k1", "tnr_", key + "0", key[1:], key.upper(), other[:-1]):
            with self.subTest(wrong):
                self.assert_problem(server.get("/v1/orgs/acme", **bearer(wrong)), 401, "unauthorized")
                self.assert_problem(self.record(server, wrong), 401, "unauthorized")

    def test_a_revoked_key_is_refused_from_the_answer_on_and_after_a_restart(self):
        server = self.serve()
        first, second = self.make_key(server, "k1"), self.make_key(server, "k2")
        self.grant(server, "usage.record", org="acme")
        for _ in range(20):
            self.assertEqual(self.record(server, first).status, 200)
        self.assertEqual(server.post("/v1/commands", manage("RevokeApiKey", key="k1")).status, 200)
        self.assert_problem(self.record(server, first), 401, "unauthorized")
        self.assertEqual(self.record(server, second).status, 200, "a key beside it: how keys are rotated")
        for end in (server.stop, server.kill):
            end()
            server.start()
            self.assert_problem(self.record(server, first), 401, "unauthorized")
            self.assertEqual(self.record(server, second).status, 200)

    def test_a_key_expires_by_the_clock(self):
        server = self.serve()
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        key = self.make_key(server, expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.grant(server, "usage.record", org="acme")
        self.assertEqual(self.record(server, key).status, 200)
        refused = wait_until(lambda: (answer := self.record(server, key)).status != 200 and answer, "the key does not expire")
        self.assert_problem(refused, 401, "unauthorized")

    def test_a_service_acts_as_itself_and_as_users_only_where_that_was_granted(self):
        server = self.serve()
        key = self.make_key(server)
        self.grant(server, "usage.record", org="acme")
        rename = {"name": "Other"}
        for actor in ("user:alice", "service:other", "service:admin"):
            answer = self.send(server, key, "RenameOrganization", actor=actor, **rename)
            self.assert_problem(answer, 403, "forbidden")
            self.assertNotIn("position", answer.json)
        self.assertEqual(self.record(server, key, actor="service:meter").status, 200)
        self.grant(server, org="acme", act_for_users=True)
        self.assertEqual(self.send(server, key, "RenameOrganization", actor="user:alice", **rename).status, 200)
        self.assert_problem(self.send(server, key, "RenameOrganization", actor="service:other", **rename), 403, "forbidden")
        create = {"name": "New", "rulebook": "space"}
        self.assert_problem(self.send(server, key, "CreateOrganization", actor="user:zoe", org="zoes", **create), 403,
                            "forbidden")
        self.grant(server, act_for_users=True)
        self.assertEqual(self.send(server, key, "CreateOrganization", actor="user:zoe", org="zoes", **create).status, 200)

    def test_lines_of_a_batch_are_each_held_against_the_key(self):
        server = self.serve()
        key = self.make_key(server)
        self.grant(server, "usage.record", org="acme")
        lines = [command("b1", "RenameOrganization", actor="user:alice", name="X"),
                 command("b2", "RecordUsage", actor="service:meter", space="web",
                         entries=[{"source": "s", "id": "1", "meter": "api_requests", "quantity": 1}])]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        answers = server.post("/v1/commands", body, {"Content-Type": "application/x-ndjson"} | bearer(key)).lines
        self.assertEqual(answers[0]["rejection"]["code"], "forbidden")
        self.assertEqual(answers[1]["outcome"], "accepted")

    def test_a_service_sees_what_it_was_granted_and_the_rest_is_not_there(self):
        server = self.serve()
        server.submit(command("s2", "CreateSpace", space="ops", name="Ops"))
        key = self.make_key(server)
        mine = bearer(key)
        for path in ("/v1/orgs/acme", "/v1/orgs/acme/members", "/v1/orgs/acme/spaces/web", "/v1/orgs/nowhere",
                     "/v1/users/alice/spaces", "/v1/decisions"):
            self.assert_problem(server.get(path, **mine), 404, "not_found")
        self.grant(server, "usage.view", "resource.read:service", org="acme", space="web")
        self.assertEqual(server.get("/v1/orgs/acme/spaces/web/usage", **mine).status, 200)
        resources = server.get("/v1/orgs/acme/spaces/web/resources", **mine).json["resources"]
        self.assertEqual([each["resource"] for each in resources], ["api"])
        self.assertEqual([each["space"] for each in server.get("/v1/orgs/acme/spaces", **mine).json["spaces"]], ["web"])
        self.assert_problem(server.get("/v1/orgs/acme/spaces/ops/usage", **mine), 404, "not_found")
        self.assert_problem(server.get("/v1/orgs/acme/members", **mine), 404, "not_found")
        self.grant(server, "member.view", org="acme")
        self.assertEqual(len(server.get("/v1/orgs/acme/members", **mine).json["members"]), 3)
        check = {"org": "acme", "user": "bob", "action": "member.add"}
        self.assertTrue(server.post("/v1/check", check, mine).json["allowed"])
        self.assert_problem(server.get("/v1/decisions", **mine), 404, "not_found")
        self.grant(server, "audit.read")
        self.assertEqual(server.get("/v1/decisions", **mine).status, 200)

    def test_reads_as_a_user_take_act_for_users(self):
        server = self.serve()
        key = self.make_key(server, service="portal")
        mine = bearer(key)
        self.assert_problem(server.get("/v1/orgs/acme/members?as=user:bob", **mine), 404, "not_found")
        self.grant(server, service="portal", org="acme", act_for_users=True)
        self.assertEqual(server.get("/v1/orgs/acme/members?as=user:bob", **mine).status, 200)
        self.assert_problem(server.get("/v1/orgs/acme/members?as=user:stranger", **mine), 404, "not_found")
        self.assert_problem(server.get("/v1/orgs/acme?as=service:meter", **mine), 404, "not_found")
        self.assert_problem(server.get("/v1/users/bob/spaces?as=user:bob", **mine), 404, "not_found")
        self.grant(server, service="portal", act_for_users=True)
        self.assertEqual(server.get("/v1/users/bob/spaces?as=user:bob", **mine).status, 200)

    def test_service_admin_lists_services_and_nobody_else_does(self):
        server = self.serve()
        self.assertEqual(server.get("/v1/services").json, {"services": []})
        key = self.make_key(server, expires="2099-01-01T00:00:00Z")
        self.make_key(server, "k2", service="portal")
        self.grant(server, "usage.record", "audit.read", org="acme")
        server.submit(manage("RevokeApiKey", key="k2"))
        self.assertEqual(server.get("/v1/services").json, {"services": [
            {"service": "meter",
             "grants": [{"org": "acme", "actions": ["audit.read", "usage.record"], "act_for_users": False}],
             "keys": [{"key": "k1", "expires": "2099-01-01T00:00:00.000000Z", "revoked": False}]},
            {"service": "portal", "grants": [], "keys": [{"key": "k2", "expires": None, "revoked": True}]}]})
        for path in ("/v1/services", "/v1/status"):
            self.assert_problem(server.get(path, **bearer(key)), 403, "forbidden")

    def test_another_key_of_service_admin_is_as_good_and_can_be_revoked(self):
        server = self.serve()
        key = self.make_key(server, "ops-2026", service="admin")
        self.assertEqual(server.get("/v1/services", **bearer(key)).status, 200)
        self.assertEqual(self.send(server, key, "RenameOrganization", actor="user:alice", name="X").status, 200)
        server.submit(manage("RevokeApiKey", key="ops-2026"))
        self.assert_problem(server.get("/v1/services", **bearer(key)), 401, "unauthorized")


if __name__ == "__main__":
    unittest.main()
