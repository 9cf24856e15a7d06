"""The daemon over its life: first start, restarts, crashes, two of them, many clients at once."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import TENURE, command, environment


class Starting(ServerTest):
    def refused_start(self, *arguments, data=None):
        """Runs a serve that must fail -> its exit code and the one line that says why."""
        done = subprocess.run([TENURE, "serve", "--data", data or self.data, *arguments],
                              capture_output=True, text=True, env=environment(), timeout=120)
        lines = [line for line in done.stderr.splitlines() if line.startswith("tenure: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.returncode, lines[0]

    def test_one_line_says_that_it_is_ready_and_where(self):
        server = self.start()
        self.assertRegex(server.ready_line, r"^tenure is ready at http://127\.0\.0\.1:\d+\n$")
        self.assertEqual(server.get("/readyz").json["status"], "ready")

    def test_the_first_start_shows_a_key_once_and_stores_only_its_hash(self):
        first = self.start(key=None)
        first.key = self.wait_for_key(first)
        self.assertEqual(first.get("/v1/decisions").status, 200)
        self.assertEqual(first.stop(), 0)
        stored = os.path.join(self.data, "admin_key.sha256")
        self.assertEqual(stat.S_IMODE(os.stat(stored).st_mode), 0o600)
        found = subprocess.run(["grep", "-r", first.key, self.data], capture_output=True)
        self.assertEqual(found.stdout, b"")
        second = self.start(key=None)
        second.key = first.key
        self.assertEqual(second.get("/v1/decisions").status, 200)
        second.stop()
        self.assertFalse([line for line in second.log if "admin key" in line])

    def wait_for_key(self, server):
        while True:
            for line in list(server.log):
                if found := re.match(r"admin key.*: (tnr_[0-9a-f]{64})$", line):
                    return found[1]
            time.sleep(0.01)

    def test_a_port_in_use_is_one_clear_line_and_exit_code_3(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            code, line = self.refused_start("--port", port)
        self.assertEqual(code, 3)
        self.assertIn(port, line)
        self.assertIn("--port", line)

    def test_the_port_of_another_daemon_is_in_use(self):
        server = self.start("--http-threads", "3")
        code, line = self.refused_start("--port", str(server.port), "--http-threads", "3",
                                        data=os.path.join(self.root, "other"))
        self.assertEqual(code, 3)
        self.assertIn(str(server.port), line)

    def test_a_second_daemon_on_the_same_directory_names_the_first(self):
        server = self.start()
        code, line = self.refused_start("--port", "0")
        self.assertEqual(code, 3)
        self.assertIn(str(server.process.pid), line)
        self.assertIn(server.url, line)
        self.assertEqual(server.post("/v1/commands", FOUND_ACME[0]).status, 200)

    def test_a_directory_of_something_else_is_refused_and_left_alone(self):
        os.makedirs(self.data)
        with open(os.path.join(self.data, "thesis.tex"), "w") as file:
            file.write("precious")
        code, line = self.refused_start("--port", "0")
        self.assertEqual(code, 3)
        self.assertIn(self.data, line)
        self.assertEqual(os.listdir(self.data), ["thesis.tex"])

    def test_a_damaged_log_stops_the_start_with_the_place(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.stop()
        log = os.path.join(self.data, "log")
        segments = sorted(name for name in os.listdir(log) if "segment" in name or ".seg" in name)
        self.assertTrue(segments, os.listdir(log))
        with open(os.path.join(log, segments[0]), "r+b") as segment:
            content = segment.read()
            at = content.index(b"user:alice")
            segment.seek(at)
            segment.write(b"user:mafia")
        code, line = self.refused_start("--port", "0")
        self.assertEqual(code, 3)
        self.assertIn(segments[0], line)

    def test_a_log_whose_keys_are_gone_is_not_opened_until_the_loss_is_accepted(self):
        server = self.start()
        server.submit(FOUND_ACME[0] | {"reason": "kept apart"})
        server.stop()
        shutil.rmtree(os.path.join(self.data, "keys"))
        for _ in range(2):
            code, line = self.refused_start("--port", "0")
            self.assertEqual(code, 3)
            self.assertIn("keys", line)
            self.assertIn("--accept-lost-keys", line)
        self.assertFalse(os.path.exists(os.path.join(self.data, "keys", "people")))
        server = self.start("--accept-lost-keys")
        decisions = server.get("/v1/decisions").lines
        self.assertEqual([each["command_id"] for each in decisions], ["c1"])
        self.assertNotIn("kept apart", json.dumps(decisions))
        server.stop()
        self.assertIn("event=keys_lost", "".join(server.log))
        again = self.start()
        self.assertEqual(again.get("/readyz").status, 200)

    def test_options_that_make_no_sense_are_one_clear_line(self):
        for arguments, word in ((("--brokers", "broker:9092"), "--log kafka"),
                                (("--partitions", "4"), "--log kafka"),
                                (("--property", "a=b"), "--log kafka"),
                                (("--allow-plaintext",), "--log kafka"),
                                (("--roles", "reads"), "--log kafka"),
                                (("--session-timeout-ms", "5000"), "--log kafka"),
                                (("--max-connections", "0"), "--max-connections"),
                                (("--max-connections", "-1"), "--max-connections"),
                                (("--memory-mb", "-5"), "--memory-mb"),
                                (("--dedupe-hours", "0"), "--dedupe-hours"),
                                (("--dedupe-max-ids", "-1"), "--dedupe-max-ids"),
                                (("--port", "99999"), "65535")):
            code, line = self.refused_start(*arguments)
            self.assertEqual(code, 2, line)
            self.assertIn(word, line)
        self.assertFalse(os.path.exists(self.data))
        code, line = self.refused_start("--listen", "203.0.113.7", "--port", "0")
        self.assertEqual(code, 3)
        self.assertIn("--listen", line)

    def test_ids_are_remembered_up_to_the_bound_that_was_given(self):
        server = self.start("--dedupe-max-ids", "3", "--dedupe-hours", "1")
        answers = [server.post("/v1/commands", each) for each in FOUND_ACME]
        self.assertEqual([each.status for each in answers], [200, 200, 200, 503, 503])
        self.assertEqual(server.post("/v1/commands", FOUND_ACME[0]).json, answers[0].json)

    def test_a_directory_that_cannot_be_made_is_refused(self):
        with open(self.data, "w"):
            pass
        code, line = self.refused_start("--port", "0", data=os.path.join(self.data, "below"))
        self.assertEqual(code, 3)
        self.assertIn("below", line)


class Stopping(ServerTest):
    def test_sigterm_and_sigint_end_it_cleanly(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            server.post("/v1/commands", FOUND_ACME[0])
            self.assertEqual(server.end(how), 0)

    def test_idle_connections_do_not_delay_the_stop(self):
        server = self.start()
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 4)  # the grace for unanswered requests is 5 s
        for connection in idle:
            connection.close()

    def test_reads_of_the_past_that_wait_do_not_delay_the_stop(self):
        server = self.start()
        for i in range(16):
            org = f"org-{i}"
            server.submit(command("c", "CreateOrganization", org=org, name="Org",
                                  rulebook="space"),
                          *(command(f"m{j}", "AddMember", org=org, user=f"user-{j}",
                                    role="EVALUATOR") for j in range(900)))
        questions = json.dumps([{"org": f"org-{i % 16}", "user": "alice", "action": "member.add"}
                                for i in range(1000)])
        head = (f"POST /v1/check?as_of=900 HTTP/1.1\r\nHost: t\r\nX-Api-Key: {server.key}\r\n"
                f"Content-Type: application/json\r\nConnection: close\r\n"
                f"Content-Length: {len(questions)}\r\n\r\n")
        asking = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for connection in asking:
            connection.sendall((head + questions).encode())
        server.get("/healthz")  # they have arrived
        self.assertEqual(server.stop(), 0)
        statuses = []
        for connection in asking:
            with connection, contextlib.suppress(ConnectionResetError):
                if first := connection.recv(12):
                    statuses.append(first.split()[1])
        self.assertLessEqual(set(statuses), {b"200", b"503"})
        self.assertIn(b"503", statuses)

    def test_what_was_answered_survives_a_kill(self):
        server = self.start()
        answered = []

        def write(writer):
            for i in range(100000):
                sent = command(f"w{writer}-{i}", "AddMember", user=f"user-{writer}-{i}",
                               role="EVALUATOR")
                try:
                    answer = server.post("/v1/commands", sent)
                except (OSError, http.client.HTTPException):
                    return
                if answer.status == 200:
                    answered.append(answer.json)

        server.submit(*FOUND_ACME)
        threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        server.kill()
        for thread in threads:
            thread.join()
        self.assertGreater(len(answered), 0)
        again = self.start()
        recovered = {}
        position = 0
        while page := again.get(f"/v1/decisions?from=0:{position}&limit=5000").lines:
            recovered |= {decision["position"]: decision for decision in page}
            position += len(page)
        for decision in answered:
            self.assertEqual(recovered[decision["position"]], decision)

    def test_a_retry_after_a_restart_gets_the_original_answer(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        refused = command("r1", "AddMember", actor="user:bob", user="dan", role="ADMIN")
        first = [server.post("/v1/commands", FOUND_ACME[1]), server.post("/v1/commands", refused)]
        server.stop()
        server = self.start()
        server.submit(command("x", "ChangeRole", user="bob", role="ADMIN"))
        again = [server.post("/v1/commands", FOUND_ACME[1]), server.post("/v1/commands", refused)]
        self.assertEqual([(each.status, each.json) for each in first],
                         [(each.status, each.json) for each in again])
        server.kill()
        server = self.start()
        self.assertEqual(server.post("/v1/commands", refused).json, first[1].json)

    def test_reads_are_the_same_after_a_restart(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        paths = ("/v1/orgs/acme/members", "/v1/orgs/acme/spaces", "/v1/orgs/acme/history",
                 "/v1/orgs/acme/members?as_of=2", "/v1/users/bob/spaces", "/v1/decisions")
        before = [server.get(path).text for path in paths]
        server.kill()
        server = self.start()
        self.assertEqual([server.get(path).text for path in paths], before)


class Rebuilding(ServerTest):
    def test_reads_during_a_rebuild_of_the_read_models_never_show_the_past(self):
        file = os.path.join(self.root, "commands.ndjson")
        with open(file, "w") as out:
            for each in (FOUND_ACME[:2] +
                         [command(f"m{i}", "AddMember", user=f"user-{i}", role="EVALUATOR")
                          for i in range(200_000)] +
                         [command("last", "RemoveMember", user="bob")]):
                out.write(json.dumps(each) + "\n")
        code, out, err = self.tenure("apply", file, "--data", self.data)
        self.assertEqual((code, err), (0, ""), out)
        shutil.rmtree(os.path.join(self.data, "read_models"))
        server = self.start()
        question = {"org": "acme", "user": "bob", "action": "member.add"}
        statuses = []
        while 200 not in statuses:
            check = server.post("/v1/check", question)
            member = server.get("/v1/orgs/acme/members/bob?at_least=0:1")
            self.assertIn((check.status, check.json.get("allowed")), [(200, False), (503, None)],
                          "removed long ago")
            self.assertIn(member.status, (404, 503), "removed long ago")
            for answer in (check, member):
                if answer.status == 503:
                    self.assertIn("/readyz", self.assert_problem(answer, 503, "unavailable")["detail"])
                statuses.append(answer.status)
        self.assertEqual(server.get("/readyz").status, 200)
        server.stop()
        self.assertIn("event=read_models_behind", "".join(server.log))

    def test_what_is_built_anew_is_in_the_log(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.stop()
        self.assertNotIn("rebuilt", "".join(server.log))
        shutil.rmtree(os.path.join(self.data, "state"))
        with open(os.path.join(self.data, "read_models", "rows-1", "CURRENT"), "w") as file:
            file.write("nonsense\n")
        server = self.start()
        self.assertEqual(server.get("/v1/orgs/acme").json["version"], 5)
        server.stop()
        log = "".join(server.log)
        self.assertRegex(log, r"event=state_store_rebuilt partition=0 reason=")
        self.assertRegex(log, r"event=read_models_rebuilt reason=")


class Racing(ServerTest):
    def at_once(self, server, requests):
        """Each request on a connection of its own, all let go together."""
        barrier = threading.Barrier(len(requests))

        def run(sent):
            with contextlib.closing(server.connect()) as connection:
                connection.connect()
                barrier.wait()
                return server.post("/v1/commands", sent, connection=connection)

        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(run, requests))

    def test_of_two_owners_who_leave_at_once_exactly_one_succeeds(self):
        server = self.start()
        for i in range(30):
            org = f"org-{i}"
            server.submit(
                command("c", "CreateOrganization", actor="user:ann", org=org, name="Org",
                        rulebook="anaphora"),
                command("m", "AddMember", actor="user:ann", org=org, user="ben",
                        role="SYSTEM_ADMIN"))
            answers = self.at_once(server, [
                command("l1", "LeaveOrganization", actor="user:ann", org=org),
                command("l2", "LeaveOrganization", actor="user:ben", org=org)])
            self.assertEqual(sorted(each.status for each in answers), [200, 409])
            refused = next(each for each in answers if each.status == 409)
            self.assert_problem(refused, 409, "last_owner")
            members = server.get(f"/v1/orgs/{org}/members").json["members"]
            self.assertEqual([each["role"] for each in members], ["SYSTEM_ADMIN"])

    def test_the_same_command_1000_times_at_once_is_one_decision(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        sent = command("once", "AddMember", user="dan", role="MANAGER")
        answers = []
        for _ in range(10):
            answers += self.at_once(server, [sent] * 100)
        self.assertEqual(len({each.text for each in answers}), 1)
        self.assertEqual({each.status for each in answers}, {200})
        replayed = [each.headers["Idempotent-Replayed"] for each in answers]
        self.assertEqual((replayed.count(None), replayed.count("true")), (1, 999))
        self.assertEqual(len(server.get("/v1/orgs/acme/history?entity=user:dan").json["decisions"]),
                         1)

    def test_of_two_commands_with_one_expected_version_one_wins(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        version = server.get("/v1/orgs/acme").json["version"]
        answers = self.at_once(server, [
            command(f"e{i}", "AddMember", user=f"user-{i}", role="EVALUATOR") |
            {"expected_version": version} for i in range(20)])
        self.assertEqual(sorted(each.status for each in answers), [200] + [409] * 19)

    def test_an_organization_has_one_order_of_versions(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        answers = self.at_once(server, [
            command(f"v{i}", "AddMember", user=f"user-{i}", role="EVALUATOR")
            for i in range(200)])
        versions = sorted(each.json["version"] for each in answers)
        self.assertEqual(versions, list(range(6, 206)))

    def test_a_thousand_connections_are_all_served(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        connections = [server.connect() for _ in range(1000)]
        for connection in connections:
            connection.request("GET", "/v1/orgs/acme", headers={"X-Api-Key": server.key})
        statuses = [connection.getresponse().status for connection in connections]
        self.assertEqual(statuses, [200] * 1000)
        for connection in connections:
            connection.close()

    def test_a_client_that_does_not_read_starves_nobody(self):
        server = self.start()
        server.submit(*FOUND_ACME, *(command(f"f{i}", "AddMember", user=f"user-{i}",
                                             role="EVALUATOR") for i in range(3000)))
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for connection in slow:
            request = (f"GET /v1/orgs/acme/history?limit=5000 HTTP/1.1\r\nHost: t\r\n"
                       f"X-Api-Key: {server.key}\r\n\r\n")
            connection.sendall(request.encode())
        for i in range(50):
            sent = command(f"s{i}", "AddMember", user=f"late-{i}", role="EVALUATOR")
            self.assertEqual(server.post("/v1/commands", sent).status, 200)
        for connection in slow:
            connection.close()


class Logging(ServerTest):
    def test_logs_are_structured_and_hold_no_personal_text(self):
        server = self.start("--log-level", "trace")
        secret = command("s", "CreateOrganization", name="Unmentionable Ltd", rulebook="space") | {
            "reason": "a private matter"}
        server.post("/v1/commands", secret)
        server.post("/v1/commands", secret | {"org": "bad org"})
        server.stop()
        for line in server.log:
            self.assertRegex(line, r"^time=\S+ level=\w+ event=\w+")
        text = json.dumps(server.log)
        for hidden in ("Unmentionable", "private", server.key):
            self.assertNotIn(hidden, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
