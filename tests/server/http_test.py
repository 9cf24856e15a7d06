"""What clients of the HTTP API see: the shapes of answers, refusals, keys, limits."""

import contextlib
import json
import re
import select
import socket
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import command


class Commands(ServerTest):
    def test_an_accepted_command_answers_200_with_its_decision(self):
        server = self.start()
        answer = server.post("/v1/commands", FOUND_ACME[0])
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        decision = answer.json
        self.assertEqual(decision["outcome"], "accepted")
        self.assertEqual([event["event_type"] for event in decision["events"]],
                         ["OrganizationCreated", "MemberAdded"])
        self.assertEqual((decision["org"], decision["version"], decision["command_id"]),
                         ("acme", 1, "c1"))
        self.assertEqual(decision["position"], answer.position)

    def test_a_rejected_command_answers_a_problem_that_is_the_decision_too(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        answer = server.post("/v1/commands", command("r1", "AddMember", actor="user:bob",
                                                     user="dan", role="ADMIN"))
        problem = self.assert_problem(answer, 403, "role_not_assignable")
        self.assertIn("MANAGER", problem["rule"])
        self.assertEqual(problem["outcome"], "rejected")
        self.assertEqual(problem["rejection"]["code"], "role_not_assignable")
        self.assertEqual(problem["position"], answer.position)
        self.assertEqual(server.get("/v1/orgs/acme/commands/r1").json["position"], answer.position)

    def test_every_kind_of_refusal_has_its_status(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        cases = [
            (command("k1", "AddMember", user="dan", role="EMPEROR"), 422, "unknown_role"),
            (command("k2", "AddMember", user="bob", role="ADMIN"), 409, "already_member"),
            (command("k3", "AddMember", org="nowhere", user="dan", role="ADMIN"), 404,
             "not_a_member"),
            (command("k4", "AddMember", actor="user:eve", user="dan", role="ADMIN"), 403,
             "forbidden"),
            (command("k5", "AddMember", user="user:dan", role="ADMIN"), 422, "invalid_id"),
            (command("k9", "AddMember", user="_dan", role="ADMIN"), 422, "invalid_id"),
            (command("k6", "RemoveMember", user="alice"), 409, "last_owner"),
            (command("k7", "RemoveMember", user="nobody"), 404, "not_found"),
            (command("k8", "ChangeRole", user="bob", role="MANAGER"), 409, "nothing_to_do"),
        ]
        for sent, status, code in cases:
            with self.subTest(code=code):
                self.assert_problem(server.post("/v1/commands", sent), status, code)

    def test_what_is_no_command_answers_400_and_leaves_nothing(self):
        server = self.start()
        good = FOUND_ACME[0]
        cases = {
            "no JSON": "{",
            "not an object": "[1]",
            "unknown command": good | {"command_type": "MakeCoffee"},
            "unknown field": good | {"colour": "red"},
            "unknown field of the command": good | {"command": {"name": "A", "rulebook": "space",
                                                                "colour": "red"}},
            "wrong type": good | {"command": {"name": 7, "rulebook": "space"}},
            "a field is missing": good | {"command": {"rulebook": "space"}},
            "no id": {name: value for name, value in good.items() if name != "id"},
            "repeated field": json.dumps(good)[:-1] + ',"org":"other"}',
            "deep": "[" * 100000,
            "deep object": '{"command":' * 1000 + "1" + "}" * 1000,
            "not UTF-8": b'{"id":"\xff"}',
        }
        for name, body in cases.items():
            with self.subTest(name):
                self.assert_problem(server.post("/v1/commands", body), 400, "malformed")
        self.assertEqual(server.get("/v1/decisions").text, "")
        self.assertEqual(server.post("/v1/commands", good).json["position"], "0:0")

    def test_an_id_of_the_engine_is_said_to_be_reserved(self):
        server = self.start()
        server.submit(FOUND_ACME[0])
        for i, user in enumerate(("_x", "system:x")):
            answer = server.post("/v1/commands", command(f"r{i}", "AddMember", user=user,
                                                         role="MANAGER"))
            self.assertIn("reserved", self.assert_problem(answer, 422, "invalid_id")["detail"])

    def test_ids_and_actors_of_the_engine_are_refused(self):
        server = self.start()
        for change in ({"id": "system:x"}, {"org": "_tenure"}, {"actor": "system"},
                       {"org": "no spaces"}, {"org": "x" * 129}):
            with self.subTest(change):
                answer = server.post("/v1/commands", FOUND_ACME[0] | change)
                self.assertIn(answer.status, (400, 422))
                self.assertIn(answer.json["code"], ("malformed", "invalid_id"))
        self.assertEqual(server.get("/v1/decisions").text, "")

    def test_the_idempotency_key_header_is_the_id_of_a_command_without_one(self):
        server = self.start()
        nameless = {name: value for name, value in FOUND_ACME[0].items() if name != "id"}
        first = server.post("/v1/commands", nameless, {"Idempotency-Key": "from-header"})
        again = server.post("/v1/commands", nameless, {"Idempotency-Key": "from-header"})
        self.assertEqual(first.json["command_id"], "from-header")
        self.assertEqual(again.json, first.json)
        self.assertEqual((first.headers["Idempotent-Replayed"],
                          again.headers["Idempotent-Replayed"]), (None, "true"))
        other = server.post("/v1/commands", FOUND_ACME[0], {"Idempotency-Key": "another"})
        self.assert_problem(other, 400, "malformed")

    def test_a_command_without_actor_is_the_services_own(self):
        server = self.start()
        nobody = {name: value for name, value in FOUND_ACME[0].items() if name != "actor"}
        nobody["command"] = nobody["command"] | {"owner": "alice"}
        self.assertEqual(server.post("/v1/commands", nobody).json["actor"], "service:admin")

    def test_ndjson_answers_a_decision_a_line_in_the_order_sent(self):
        server = self.start()
        commands = FOUND_ACME[:1] + [
            command(f"n{i}", "AddMember", user=f"user-{i}", role="EVALUATOR") for i in range(2000)]
        body = "\n".join(json.dumps(each) for each in commands[:1500]) + "\n\nnot json\n" + \
            "\r\n".join(json.dumps(each) for each in commands[1500:])
        answer = server.post("/v1/commands", body, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer.status, 200)
        lines = answer.lines
        self.assertEqual(len(lines), 2002)
        refused = lines.pop(1500)
        self.assertEqual((refused["outcome"], refused["rejection"]["code"]),
                         ("rejected", "malformed"))
        self.assertEqual([line["command_id"] for line in lines], [each["id"] for each in commands])
        self.assertEqual([line["position"] for line in lines], [f"0:{i}" for i in range(2001)])
        self.assertEqual(answer.position, "0:2000")

    def test_the_same_id_for_another_payload_is_a_mismatch(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        changed = FOUND_ACME[1] | {"command": {"user": "bob", "role": "ADMIN"}}
        self.assert_problem(server.post("/v1/commands", changed), 409, "idempotency_mismatch")

    def test_a_stale_expected_version_is_a_conflict(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        stale = command("v1", "AddMember", user="dan", role="ADMIN") | {"expected_version": 1}
        self.assert_problem(server.post("/v1/commands", stale), 409, "version_conflict")
        current = server.get("/v1/orgs/acme").json["version"]
        fresh = stale | {"id": "v2", "expected_version": current}
        self.assertEqual(server.post("/v1/commands", fresh).status, 200)

    def test_personal_text_is_shown_in_the_decision_and_sealed_in_the_log(self):
        server = self.start()
        server.post("/v1/commands", FOUND_ACME[0])
        told = server.post("/v1/commands", command(
            "p1", "AddMember", user="dan", role="ADMIN", name="Dan Brown",
            email="dan@example.org") | {"reason": "the new bookkeeper"})
        self.assertEqual(told.status, 200, told.text)
        for text in ("Dan Brown", "dan@example.org", "the new bookkeeper"):
            self.assertIn(text, told.text)
            self.assertIn(text, server.get("/v1/orgs/acme/history?entity=user:dan").text)
        again = server.post("/v1/commands", command(
            "p1", "AddMember", user="dan", role="ADMIN", name="Dan Brown",
            email="dan@example.org") | {"reason": "the new bookkeeper"})
        self.assertEqual(again.json, told.json)
        server.stop()
        dump = self.tenure("log", "dump", "--json", "--data", self.data)[1]
        self.assertIn("p1", dump)
        for text in ("Dan Brown", "dan@example.org", "the new bookkeeper"):
            self.assertNotIn(text, dump)
        bad = command("p2", "AddMember", user="eli", role="ADMIN", name="line\nbreak")
        self.assert_problem(self.start().post("/v1/commands", bad), 422, "invalid_value")

    def test_other_content_types_are_refused(self):
        server = self.start()
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answer = server.post("/v1/commands", FOUND_ACME[0], {"Content-Type": kind})
            self.assert_problem(answer, 415, "unsupported_media_type")
        charset = {"Content-Type": "application/json; charset=utf-8"}
        self.assertEqual(server.post("/v1/commands", FOUND_ACME[0], charset).status, 200)

    def test_bytes_that_are_no_flatbuffer_are_refused(self):
        server = self.start()
        for body in (b"", b"\0" * 64, b"TNRC" * 1000, bytes(range(256))):
            answer = server.post("/v1/commands", body,
                                 {"Content-Type": "application/octet-stream"})
            self.assert_problem(answer, 400, "malformed")


class Reads(ServerTest):
    def test_every_read_has_its_shape(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("g1", "CreateGroup", group="devs", name="Devs"),
                      command("g2", "AddToGroup", group="devs", user="bob"))
        org = server.get("/v1/orgs/acme").json
        self.assertEqual({name: org[name] for name in
                          ("org", "name", "version", "rulebook", "status", "billing_mode")},
                         {"org": "acme", "name": "Acme", "version": 7, "rulebook": "space@1",
                          "status": "active", "billing_mode": "per_space"})
        members = server.get("/v1/orgs/acme/members").json
        self.assertEqual([(each["user"], each["role"], each["status"])
                          for each in members["members"]],
                         [("alice", "OWNER", "active"), ("bob", "MANAGER", "active"),
                          ("eve", "EVALUATOR", "active")])
        self.assertIsNone(members["next"])
        bob = server.get("/v1/orgs/acme/members/user:bob").json
        self.assertEqual((bob["user"], bob["groups"]), ("bob", ["devs"]))
        self.assertEqual(server.get("/v1/orgs/acme/groups").json["groups"],
                         [{"group": "devs", "name": "Devs", "users": ["bob"]}])
        roles = "/v1/orgs/acme/assignable-roles?actor=bob&target=eve"
        self.assertEqual(server.get(roles).json, {"roles": ["MANAGER", "EVALUATOR"]})
        space = server.get("/v1/orgs/acme/spaces").json["spaces"][0]
        self.assertEqual((space["space"], space["name"], space["plan"], space["status"]),
                         ("web", "Web", "unmetered", "active"))
        self.assertIn({"meter": "resources", "used": 1, "limit": None}, space["usage"])
        self.assertEqual(server.get("/v1/orgs/acme/spaces/web").json["space"], "web")
        people = server.get("/v1/orgs/acme/spaces/web/members").json["members"]
        self.assertEqual({each["user"]: each["via"] for each in people}["bob"], ["role:MANAGER"])
        resource = server.get("/v1/orgs/acme/spaces/web/resources").json["resources"][0]
        self.assertEqual((resource["resource"], resource["type"], resource["version"]),
                         ("api", "service", 1))
        usage = server.get("/v1/orgs/acme/spaces/web/usage").json
        self.assertIn("from", usage["period"])
        self.assertEqual(server.get("/v1/orgs/acme/spaces/web/billing").json["status"], "free")
        spaces = server.get("/v1/users/bob/spaces").json["spaces"]
        self.assertEqual([(each["org"], each["space"]) for each in spaces], [("acme", "web")])
        self.assertEqual(server.get("/v1/users/bob/organizations").status, 200)

    def test_lists_come_in_pages(self):
        server = self.start()
        server.submit(FOUND_ACME[0], *(command(f"p{i}", "AddMember", user=f"user-{i:03}",
                                               role="EVALUATOR") for i in range(250)))
        seen, cursor = [], ""
        while cursor is not None:
            page = server.get(f"/v1/orgs/acme/members?limit=100{cursor}").json
            self.assertLessEqual(len(page["members"]), 100)
            seen += [member["user"] for member in page["members"]]
            cursor = page["next"] and f"&cursor={page['next']}"
        self.assertEqual(seen, ["alice"] + [f"user-{i:03}" for i in range(250)])

    def test_a_read_of_what_one_may_not_see_is_not_found(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for path in ("/v1/orgs/nowhere", "/v1/orgs/acme?as=user:stranger",
                     "/v1/orgs/acme/members?as=user:stranger", "/v1/orgs/acme/members/nobody",
                     "/v1/orgs/acme/spaces/none", "/v1/orgs/acme/spaces/web?as=user:stranger",
                     "/v1/orgs/acme/history?as=user:stranger",
                     "/v1/orgs/acme/commands/c1?as=user:stranger", "/v1/orgs/acme/commands/none"):
            with self.subTest(path):
                self.assert_problem(server.get(path), 404, "not_found")
        self.assertEqual(server.get("/v1/orgs/acme?as=user:eve").status, 200)

    def test_a_command_is_read_back_by_its_id_by_whoever_sent_it(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        by_bob = server.post("/v1/commands", command("same", "AddMember", actor="user:bob",
                                                     user="dan", role="ADMIN"))
        by_mallory = server.post("/v1/commands", command("same", "AddMember", actor="user:mallory",
                                                         user="dan", role="MANAGER"))
        outside = server.post("/v1/commands", command("n1", "AddMember", org="nowhere",
                                                      user="dan", role="ADMIN"))
        read = lambda query="": server.get(f"/v1/orgs/acme/commands/same{query}")
        self.assertEqual(read().json["position"], by_mallory.position, "the newest")
        self.assertEqual(read("?actor=user:bob").json["position"], by_bob.position)
        self.assertEqual(read("?as=user:mallory").json["position"], by_mallory.position,
                         "theirs, though they are no member")
        self.assert_problem(read("?actor=user:dan"), 404, "not_found")
        self.assert_problem(read("?as=user:mallory&actor=user:bob"), 404, "not_found")
        self.assertEqual(server.get("/v1/orgs/nowhere/commands/n1").json["position"],
                         outside.position, "a refusal in an organization that is not there")

    def test_bad_parameters_answer_400(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for query in ("limit=0", "limit=5001", "limit=ten", "at_least=41", "at_least=1:0",
                      "limit=1&limit=2", "as=user:eve&as=user:bob", "as_of=yesterday", "as=", "colour=red", "as=%zz", "cursor=%1f"):
            with self.subTest(query):
                answer = server.get(f"/v1/orgs/acme/members?{query}")
                self.assert_problem(answer, 400, "malformed")

    def test_at_least_sees_the_write_whose_token_it_is_given(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for i in range(50):
            added = server.post("/v1/commands", command(f"a{i}", "AddMember", user=f"user-{i}",
                                                        role="EVALUATOR"))
            found = server.get(f"/v1/orgs/acme/members/user-{i}?at_least={added.position}")
            self.assertEqual(found.status, 200)
            removed = server.post("/v1/commands", command(f"d{i}", "RemoveMember",
                                                          user=f"user-{i}"))
            gone = server.get(f"/v1/orgs/acme/members/user-{i}?at_least={removed.position}")
            self.assertEqual(gone.status, 404)

    def test_a_read_without_a_token_sees_what_was_answered_before(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        stale = []
        for i in range(300):
            server.post("/v1/commands", command(f"a{i}", "AddMember", user=f"user-{i}",
                                                role="EVALUATOR"))
            if server.get(f"/v1/orgs/acme/members/user-{i}").status != 200:
                stale.append(i)
        self.assertEqual(stale, [])

    def test_at_least_of_the_future_says_in_time_that_it_cannot(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        answer = server.get("/v1/orgs/acme?at_least=0:999999")
        self.assert_problem(answer, 503, "unavailable")
        self.assertEqual(answer.headers["Retry-After"], "1")

    def test_as_of_a_version_or_a_time_answers_the_same_for_ever(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME)
        at_two = server.get("/v1/orgs/acme/members?as_of=2").text
        self.assertEqual([each["user"] for each in json.loads(at_two)["members"]],
                         ["alice", "bob"])
        by_time = server.get(f"/v1/orgs/acme/members?as_of={decisions[1]['time']}").text
        self.assertEqual(by_time, at_two)
        server.submit(command("later", "RemoveMember", user="bob"))
        self.assertEqual(server.get("/v1/orgs/acme/members?as_of=2").text, at_two)
        for never in ("99", "2001-01-01T00:00:00Z"):
            self.assert_problem(server.get(f"/v1/orgs/acme?as_of={never}"), 404, "not_found")

    def test_check_answers_one_question_or_a_list(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        question = {"org": "acme", "user": "user:bob", "action": "member.add"}
        yes = server.post("/v1/check", question).json
        self.assertTrue(yes["allowed"])
        self.assertEqual(yes["because"][0]["position"], "0:1")
        self.assertIn("MANAGER", yes["because"][0]["rule"])
        answers = server.post("/v1/check", [
            question, question | {"user": "eve"}, question | {"org": "nowhere"},
            {"org": "acme", "space": "web", "user": "eve", "action": "resource.read",
             "type": "service"}]).json
        self.assertEqual([each["allowed"] for each in answers], [True, False, False, True])
        past = server.post("/v1/check?as_of=1", question).json
        self.assertFalse(past["allowed"])
        many = [question | {"user": user} for user in ("bob", "eve") for _ in range(5000)]
        answers = server.post("/v1/check", many).json
        self.assertEqual([each["allowed"] for each in answers], [True] * 5000 + [False] * 5000)

    def test_a_check_that_makes_no_sense_answers_400(self):
        server = self.start()
        for body in ("{", "7", [7], {}, {"org": "acme"},
                     {"org": "acme", "user": "bob", "action": 7},
                     {"org": "acme", "user": "bob", "action": "member.add", "colour": "red"},
                     [{"org": "a", "user": "b", "action": "c"}] * 10001):
            self.assert_problem(server.post("/v1/check", body), 400, "malformed")

    def test_a_check_is_as_strict_as_a_command(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        question = '"org":"acme","user":"bob","action":"member.add"'
        for body, why in (('{%s,"user":"alice"}' % question, "twice"),
                          ('{%s,"org":"acme"}' % question, "twice"),
                          ('{%s,"space":""}' % question, "organization itself"),
                          ('[{%s},{%s,"type":""}]' % (question, question), "must not be empty")):
            answer = self.assert_problem(server.post("/v1/check", body), 400, "malformed")
            self.assertIn(why, answer["detail"])
        padded = "{%s}" % question + " " * (8 << 20)
        self.assert_problem(server.post("/v1/check", padded), 413, "too_large")

    def test_checks_of_the_past_are_answered_in_order_and_bounded_by_organizations(self):
        server = self.start()
        for i in range(17):
            server.submit(command("c", "CreateOrganization", org=f"org-{i}", name="Org",
                                  rulebook="space"),
                          command("m", "AddMember", org=f"org-{i}", user=f"user-{i}",
                                  role="MANAGER"))
        questions = [{"org": f"org-{i % 16}", "user": f"user-{i // 16}", "action": "member.add"}
                     for i in range(256)]
        now = server.post("/v1/check", questions).json
        self.assertEqual([each["allowed"] for each in now],
                         [i % 16 == i // 16 for i in range(256)])
        self.assertEqual(server.post("/v1/check?as_of=2", questions).json, now)
        before = server.post("/v1/check?as_of=1", questions).json
        self.assertFalse(any(each["allowed"] for each in before))
        questions.append({"org": "org-16", "user": "user-16", "action": "member.add"})
        self.assertTrue(server.post("/v1/check", questions).json[-1]["allowed"])
        refused = server.post("/v1/check?as_of=2", questions)
        self.assertIn("16", self.assert_problem(refused, 400, "malformed")["detail"])

    def test_pages_of_large_decisions_are_cut_by_bytes_and_lose_nothing(self):
        server = self.start()
        usage = [command(f"u{i}", "RecordUsage", actor="service:admin", space="web", entries=[
            {"source": "s" * 100, "id": f"{'e' * 100}-{i}-{j}", "meter": "api_requests",
             "quantity": 1} for j in range(1000)]) for i in range(60)]
        decisions = server.submit(*FOUND_ACME)
        for i in range(0, 60, 10):
            decisions += server.submit(*usage[i:i + 10])
        self.assertEqual({each["outcome"] for each in decisions}, {"accepted"})
        largest = max(len(json.dumps(each)) for each in decisions)
        bound = (8 << 20) + 2 * largest
        self.assertGreater(sum(len(json.dumps(each)) for each in decisions), 2 * bound)
        walked, cursor, pages = [], "", 0
        while cursor is not None:
            answer = server.get(f"/v1/orgs/acme/history?limit=5000{cursor}")
            self.assertLess(len(answer.text), bound)
            walked += answer.json["decisions"]
            cursor = answer.json["next"] and f"&cursor={answer.json['next']}"
            pages += 1
        self.assertGreater(pages, 1)
        self.assertEqual(walked, decisions)
        walked = []
        while page := server.get(f"/v1/decisions?limit=5000&from=0:{len(walked)}"):
            if not page.text:
                break
            self.assertLess(len(page.text), bound)
            walked += page.lines
        self.assertEqual(walked, decisions)

    def test_an_entity_must_have_one_of_its_forms(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for entity in ("bob", "role:ADMIN", "user:", "resource:api", "resource:/api",
                       "resource:web/", "space:web/api"):
            answer = server.get(f"/v1/orgs/acme/history?entity={entity}")
            self.assertIn("user:ID", self.assert_problem(answer, 400, "malformed")["detail"])
        for entity, found in (("user:bob", 1), ("resource:web/api", 1), ("space:web", 2),
                              ("group:none", 0), ("service:admin", 0), ("", 5)):
            answer = server.get(f"/v1/orgs/acme/history?entity={entity}")
            self.assertEqual(len(answer.json["decisions"]), found, entity)

    def test_history_tells_the_decisions_about_one_entity_oldest_first(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("h1", "ChangeRole", user="bob", role="ADMIN"),
                      command("h2", "AddMember", actor="user:bob", user="dan", role="EMPEROR"))
        answer = server.get("/v1/orgs/acme/history?entity=user:bob").json
        self.assertEqual([(each["command_id"], each["outcome"]) for each in answer["decisions"]],
                         [("c2", "accepted"), ("h1", "accepted"), ("h2", "rejected")])
        self.assertIsNone(answer["next"])
        first = server.get("/v1/orgs/acme/history?limit=4").json
        rest = server.get(f"/v1/orgs/acme/history?limit=4&cursor={first['next']}").json
        self.assertEqual([each["position"] for each in first["decisions"] + rest["decisions"]],
                         [f"0:{i}" for i in range(7)])

    def test_decisions_are_read_from_a_position_on(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME)
        self.assertEqual(server.get("/v1/decisions").lines, decisions)
        self.assertEqual(server.get("/v1/decisions?from=0:2&limit=2").lines, decisions[2:4])
        self.assertEqual(server.get("/v1/decisions?from=0:99").text, "")
        self.assert_problem(server.get("/v1/decisions?from=here"), 400, "malformed")

    def test_a_subscriber_filters_decisions_and_is_told_where_to_go_on(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME, command("b1", "CreateOrganization", org="beta", name="Beta", rulebook="space"))

        def page(query):
            answer = server.get(f"/v1/decisions?{query}")
            return [each["command_id"] for each in answer.lines], answer.headers["Tenure-Next"]

        self.assertEqual(page("org=beta"), (["b1"], "0:6"))
        self.assertEqual(page("org=acme&limit=2"), (["c1", "c2"], "0:2"))
        self.assertEqual(page("entity=user:eve"), (["c3"], "0:6"))
        self.assertEqual(page("entity=space:web&event=ResourceCreated"), (["c5"], "0:6"))
        self.assertEqual(page("event=MemberAdded,SpaceCreated&org=acme"), (["c1", "c2", "c3", "c4"], "0:6"))
        self.assertEqual(page("from=0:6"), ([], "0:6"))
        self.assertEqual(page("from=0:99"), ([], "0:99"))
        self.assertEqual(page(f"since={decisions[4]['time']}"), (["c5", "b1"], "0:6"))
        self.assertEqual(page("since=2100-01-01T00:00:00Z"), ([], "0:6"))

        for query in ("event=MemberVanished", "entity=web", "since=yesterday", "partition=7", "partition=x",
                      "from=0:1&since=2100-01-01T00:00:00Z"):
            self.assert_problem(server.get(f"/v1/decisions?{query}"), 400, "malformed")


class Threads(ServerTest):
    def test_each_connection_gets_its_own_answers_whichever_thread_has_it(self):
        server = self.start("--http-threads", "4")
        server.submit(*FOUND_ACME)
        connections = [server.connect() for _ in range(64)]
        for turn in range(3):
            for number, each in enumerate(connections):
                each.request("POST", "/v1/commands",
                             json.dumps(command(f"t{turn}-{number}", "AddMember", role="EVALUATOR",
                                                user=f"u{turn}-{number}")),
                             {"Authorization": f"Bearer {server.key}"})
            for number, each in enumerate(connections):
                answer = json.load(each.getresponse())
                self.assertEqual((answer["command_id"], answer["outcome"]),
                                 (f"t{turn}-{number}", "accepted"))
        with open(f"/proc/{server.process.pid}/net/tcp", encoding="utf-8") as sockets:
            listening = [line for line in sockets
                         if line.split()[1].endswith(f":{server.port:04X}") and line.split()[3] == "0A"]
        self.assertEqual(len(listening), 4)
        for each in connections:
            each.close()


class Service(ServerTest):
    def test_without_a_valid_key_only_the_operators_pages_answer(self):
        server = self.start()
        for method, path in (("POST", "/v1/commands"), ("POST", "/v1/check"),
                             ("GET", "/v1/orgs/acme"), ("GET", "/v1/decisions")):
            for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"},
                            {"Authorization": "", "X-Api-Key": server.key + "x"},
                            {"Authorization": f"Basic {server.key}"}):
                answer = server.request(method, path, "{}" if method == "POST" else None, headers)
                self.assert_problem(answer, 401, "unauthorized")
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        header = {"Authorization": "", "X-Api-Key": server.key}
        self.assertEqual(server.request("GET", "/v1/decisions", headers=header).status, 200)
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/"):
            answer = server.request("GET", path, headers={"Authorization": ""})
            self.assertEqual(answer.status, 200, path)

    def test_unknown_paths_and_methods_say_so(self):
        server = self.start()
        self.assert_problem(server.get("/v1/orgs"), 404, "not_found")
        self.assert_problem(server.get("/v1/orgs//members"), 404, "not_found")
        self.assert_problem(server.get("/v2"), 404, "not_found")
        answer = server.request("DELETE", "/v1/orgs/acme")
        self.assert_problem(answer, 405, "method_not_allowed")
        self.assertEqual(answer.headers["Allow"], "GET")
        self.assert_problem(server.get("/v1/commands"), 405, "method_not_allowed")
        self.assertEqual(server.request("HEAD", "/healthz").text, "")

    def test_what_is_too_large_is_refused_and_the_server_goes_on(self):
        server = self.start()
        answer = server.post("/v1/commands", " " * ((16 << 20) + 1))
        self.assert_problem(answer, 413, "too_large")
        self.assert_problem(server.get("/v1/orgs/" + "x" * 9000), 414, "too_large")
        self.assert_problem(server.get("/healthz", Cookie="c" * 20000), 431, "too_large")
        big = command("big", "CreateOrganization", name="n" * (2 << 20), rulebook="space")
        self.assertIn(server.post("/v1/commands", big).status, (400, 422))
        self.assertEqual(server.post("/v1/commands", FOUND_ACME[0]).status, 200)

    def test_bodies_that_wait_are_bounded_together(self):
        server = self.start("--max-bodies-mb", "1")
        server.submit(*FOUND_ACME)
        question = {"org": "acme", "user": "bob", "action": "member.add"}
        padded = json.dumps(question) + " " * 900_000
        with contextlib.closing(server.connect()) as waits:
            waits.request("POST", "/v1/check?at_least=0:99999", padded,
                          {"X-Api-Key": server.key, "Content-Type": "application/json"})
            while (answer := server.post("/v1/check", padded)).status == 200:
                # The one that waits has not arrived yet; or it came second and was the one refused.
                if select.select([waits.sock], [], [], 0)[0]:
                    waits.getresponse().read()
                    waits.request("POST", "/v1/check?at_least=0:99999", padded,
                                  {"X-Api-Key": server.key, "Content-Type": "application/json"})
            self.assert_problem(answer, 503, "unavailable")
            self.assertIn("sent at once", answer.text)
            self.assertEqual(server.get("/v1/orgs/acme").status, 200)
            self.assertEqual(server.post("/v1/check", question).status, 200)
            self.assertEqual(waits.getresponse().status, 503)  # never so far
        self.assertEqual(server.post("/v1/check", padded).status, 200)

    def test_encoded_paths_are_decoded(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        self.assertEqual(server.get("/v1/orgs/%61cme/members/user%3Abob").json["user"], "bob")
        self.assert_problem(server.get("/v1/orgs/%6"), 400, "malformed")
        self.assert_problem(server.get("/v1/orgs/acme%1f"), 404, "not_found")

    def test_garbage_instead_of_http_harms_nobody(self):
        server = self.start()
        for bytes_ in (b"\0" * 100, b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                       b"GET /healthz HTTP/1.1\r\n" + b"a" * 200000):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                try:
                    connection.sendall(bytes_)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1000)
                except OSError:
                    pass  # closed already: that is an answer, too
        self.assertEqual(server.get("/healthz").status, 200)

    def test_requests_of_one_connection_are_answered_in_order(self):
        server = self.start()
        paths = ["/healthz", "/v1/orgs/acme", "/readyz", "/nothing"] * 4
        requests = "".join(f"GET {path} HTTP/1.1\r\nHost: t\r\nX-Api-Key: {server.key}\r\n"
                           f"Connection: {'close' if i + 1 == len(paths) else 'keep-alive'}\r\n\r\n"
                           for i, path in enumerate(paths))
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(requests.encode())
            received = b""
            while piece := connection.recv(65536):
                received += piece
        statuses = re.findall(r"HTTP/1\.1 (\d+) ", received.decode())
        self.assertEqual(statuses, ["200", "404", "200", "404"] * 4)

    def test_the_api_describes_itself(self):
        server = self.start()
        api = server.get("/openapi.json").json
        self.assertTrue(api["openapi"].startswith("3."))
        for path in ("/v1/commands", "/v1/check", "/v1/orgs/{org}", "/v1/orgs/{org}/history",
                     "/v1/orgs/{org}/spaces/{space}/members", "/v1/users/{user}/spaces"):
            self.assertIn(path, api["paths"])
        members = api["paths"]["/v1/orgs/{org}/members"]["get"]
        self.assertEqual([(each["name"], each["in"]) for each in members["parameters"]],
                         [("org", "path"), ("as", "query"), ("at_least", "query"),
                          ("as_of", "query"), ("limit", "query"), ("cursor", "query")])
        for path in api["paths"]:
            self.assertIn(path.replace("{", "{"), server.get("/").text)

    def test_metrics_count_what_was_done(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.post("/v1/commands", command("m1", "AddMember", actor="user:eve", user="dan",
                                            role="ADMIN"))
        server.post("/v1/commands", "{")
        server.get("/v1/orgs/acme?at_least=0:5")
        metrics = dict(line.rsplit(" ", 1) for line in server.get("/metrics").text.splitlines()
                       if not line.startswith("#"))
        added = 'tenure_commands_total{code="",outcome="accepted",type="AddMember"}'
        self.assertEqual(float(metrics[added]), 2)
        refused = 'tenure_commands_total{code="forbidden",outcome="rejected",type="AddMember"}'
        self.assertEqual(float(metrics[refused]), 1)
        self.assertEqual(float(metrics['tenure_commands_undecided_total{reason="malformed"}']), 1)
        self.assertEqual(float(metrics["tenure_decisions_durable_total"]), 6)
        self.assertEqual(float(metrics["tenure_decisions_applied_total"]), 6)
        self.assertEqual(float(metrics["tenure_projector_lag_decisions"]), 0)
        self.assertEqual(float(metrics["tenure_command_seconds_count"]), 6)
        self.assertGreaterEqual(float(metrics["tenure_log_batches_total"]), 2)
        self.assertGreater(float(metrics["tenure_log_sync_seconds_total"]), 0)
        self.assertEqual(float(metrics['tenure_busiest_organization_commands{org="acme"}']), 6)
        self.assertEqual(float(metrics['tenure_http_requests_total{status="400"}']), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
