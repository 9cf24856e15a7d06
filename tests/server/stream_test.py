"""GET /v1/decisions as server-sent events: the same decisions as the lines, live, resumed after a cut, bounded for slow readers."""

import json
import pathlib
import socket
import time
import unittest

from event_stream import EventStream
from server_case import FOUND_ACME, ServerTest
from tenure import command, wait_until

STREAM = {"Accept": "text/event-stream"}


def take(stream, count):
    """The next decisions."""
    found = []
    for event, data in stream:
        assert event == "decision", (event, data)
        found.append(json.loads(data))
        if len(found) == count:
            break
    return found


def renames(count, length=10):
    return [command(f"n{i}", "RenameOrganization", name=f"{i} ".ljust(length, "x")) for i in range(count)]


class Streams(ServerTest):
    def test_a_stream_gives_what_the_lines_give_and_goes_on_live(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME)
        with EventStream(server, "/v1/decisions") as stream:
            self.assertEqual((stream.response.status, stream.response.headers["Content-Type"]), (200, "text/event-stream"))
            self.assertEqual(take(stream, 5), decisions)
            self.assertEqual(stream.last_id, "0:4")
            for each in renames(3):
                [decision] = server.submit(each)
                self.assertEqual(take(stream, 1), [decision])
        with EventStream(server, "/v1/decisions?from=0:6") as stream:
            self.assertEqual(take(stream, 2), server.get("/v1/decisions?from=0:6").lines)

    def test_filters_are_those_of_the_lines(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("x", "AddMember", user="bob", role="MANAGER"))
        for filters in ("event=MemberAdded", "entity=space:web", "org=acme&event=SpaceCreated,ResourceCreated"):
            wanted = server.get(f"/v1/decisions?{filters}").lines
            self.assertTrue(wanted)
            with EventStream(server, f"/v1/decisions?{filters}") as stream:
                self.assertEqual(take(stream, len(wanted)), wanted)

    def test_a_reader_whose_connection_is_cut_at_any_place_misses_and_repeats_nothing(self):
        server = self.start()
        decisions = server.submit(*FOUND_ACME, *renames(400))
        found, last, cuts = [], None, 0
        while len(found) < len(decisions):
            with EventStream(server, "/v1/decisions", last) as stream:
                for _, data in stream:
                    found.append(json.loads(data))
                    last = stream.last_id
                    if len(found) % (17 + cuts) == 0 or len(found) == len(decisions):
                        break
            cuts += 1
        self.assertGreater(cuts, 8)
        self.assertEqual(found, decisions)

    def test_a_reader_resumes_over_a_restart_and_a_kill_of_the_server(self):
        server = self.start()
        decisions, found, last = server.submit(*FOUND_ACME), [], None
        for end in (server.stop, server.kill):
            stream = EventStream(server, "/v1/decisions", last)
            found += take(stream, len(decisions) - len(found))
            last = stream.last_id
            end()
            self.assertEqual(list(stream), [], "the stream ends, without more")
            stream.cut()
            server.start()
            decisions += server.submit(*[each | {"id": f"{end.__name__}-{each['id']}"} for each in renames(3)])
        with EventStream(server, "/v1/decisions", last) as stream:
            found += take(stream, len(decisions) - len(found))
        self.assertEqual(found, decisions)

    def test_what_makes_no_sense_is_refused_before_the_stream_begins(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for query, headers in (("limit=5", {}), ("from=x", {}), ("event=Nothing", {}), ("from=7:0", {}),
                               ("", {"Last-Event-ID": "yesterday"}), ("", {"Last-Event-ID": "3:1"})):
            self.assert_problem(server.get(f"/v1/decisions?{query}", **STREAM, **headers), 400, "malformed")
        server.key = "x" * 40
        self.assert_problem(server.get("/v1/decisions", **STREAM), 401, "unauthorized")

    def test_a_revoked_key_ends_its_streams(self):
        server = self.start()

        def manage(kind, **fields):
            return server.post("/v1/commands", command(kind, kind, "service:admin", "_tenure", **fields)).json

        secret = manage("CreateApiKey", key="k1", service="auditor")["secret"]
        manage("GrantServiceActions", service="auditor", actions=["audit.read"])
        admin, server.key = server.key, secret
        with EventStream(server, "/v1/decisions") as stream:
            self.assertEqual(len(take(stream, 2)), 2)
            server.key = admin
            manage("RevokeApiKey", key="k1")
            self.assertEqual(list(stream), [], "not even the decision that revoked it")

    def test_a_damaged_log_ends_the_stream_with_an_event_that_says_so(self):
        server = self.start("--scrub-mb", "0")
        server.submit(*FOUND_ACME, *renames(300, 200))
        [segment] = [path for path in pathlib.Path(self.data, "log").iterdir() if path.stat().st_size and path.name.startswith("segment-")][:1]
        content = segment.read_bytes()
        at = content.index(b"150 xxxx")
        with open(segment, "r+b") as file:
            file.seek(at)
            file.write(b"250")
        with EventStream(server, "/v1/decisions") as stream:
            events = list(stream)
        self.assertTrue(all(event == "decision" for event, _ in events[:-1]))
        event, data = events[-1]
        self.assertEqual((event, json.loads(data)["status"]), ("stopped", 500))

    def test_slow_readers_are_dropped_cost_little_and_resume_while_quiet_ones_stay(self):
        server = self.start("--slowest-reader-s", "2")
        server.submit(*FOUND_ACME)
        quiet = EventStream(server, "/v1/decisions?org=nowhere")
        for batch in range(3):
            server.submit(*[each | {"id": f"{batch}-{each['id']}"} for each in renames(5000, 190)])

        def memory():
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024

        def threads():
            return len(list(pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()))

        wait_until(lambda: server.get("/v1/decisions?from=0:15004").status == 200, "all is there")
        readers, before, threads_before = [], memory(), threads()
        for _ in range(200):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", server.port))
            reader.sendall(b"GET /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + server.key.encode() +
                           b"\r\nAccept: text/event-stream\r\n\r\n")
            readers.append(reader)
        # The others are served meanwhile.
        with EventStream(server, "/v1/decisions?from=0:15000") as stream:
            self.assertEqual(len(take(stream, 5)), 5)
        time.sleep(1)
        self.assertLess(memory() - before, 100, "MiB for 200 readers that take nothing of 8 MB each")
        self.assertEqual(threads(), threads_before)
        took = b""
        wait_until(lambda: "tenure_decision_streams 1\n" in server.get("/metrics").text, "all slow readers are dropped")
        while more := readers[0].recv(65536):
            took += more
        self.assertLess(len(took), 7_000_000, "it was cut, in the middle")
        last = took.rpartition(b"\n\n")[0].rpartition(b"id: ")[2].split(b"\n")[0].decode()
        for reader in readers:
            reader.close()
        with EventStream(server, "/v1/decisions", last) as stream:
            [event] = take(stream, 1)
            self.assertEqual(event["position"], f"0:{int(last.split(':')[1]) + 1}")
        # A heartbeat says how far it looked, so that nothing is looked at again.
        lines = quiet.lines()
        self.assertIn(":", lines)
        self.assertEqual(next(lines), "id: 0:15004")
        quiet.cut()


if __name__ == "__main__":
    unittest.main(verbosity=2)
