"""EraseSubject from outside: nothing readable of a person is left anywhere, whatever is killed, restored or built anew; and whoever
comes back has a name again."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import threading
import unittest

from event_stream import EventStream
from kafka_log import KafkaLog, brokers
from postgres import Postgres
from billing_test import PDF, advance, buy, months_after
from server_case import ServerTest
from tenure import TENURE, Server, command, new_id, run, run_bytes, wait_until

# Every personal text of the erased person has this in it, and nothing else has.
NEEDLE = b"uixwater"
NAME, EMAIL = "Zebulon Quixwater", "zebulon@quixwater.example"
BILLED = {"name": "Quixwater Trading", "address": "1 Quixwater Lane", "country": "DE", "tax_id": "quixwater-4711",
          "email": "bills@quixwater.example"}
KEPT = "Carola Standsstill"  # of somebody else, who stays
# What is no secret: an id that stands in all files in clear. RocksDB compresses nothing here, so that whoever looks finds it.
CONTROL = b"carol-control"
# What `exports` makes without any personal text, before an erasure too.
NAMELESS = ("ndjson", "csv", "sqlite", "told-by-parquet", "told-by-postgres", "whatif", "dump", "relay")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPACE_RULES = ROOT / "engine/rulebooks/space.json"
TO_PARQUET = ROOT / "consumers/analytics/to_parquet.py"
VENV = os.path.join(os.environ["TENURE_VENV"], "bin/python")
TELL_PARQUET = """
import pathlib, sys, pyarrow.parquet
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.parquet")):
    print(file.name, pyarrow.parquet.ParquetFile(file).read().to_pylist())
"""


def erase(user="bob", org="acme", id=None):
    return command(id or new_id(), "EraseSubject", "service:admin", org, user=user)


def files_with(needle, *roots):
    """The files in these directories, or among these files, that have it somewhere."""
    files = [path for root in map(pathlib.Path, roots) for path in (root, *root.rglob("*")) if path.is_file()]
    found = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # a store that is open drops files
            if needle in path.read_bytes():
                found.append(str(path))
    return sorted(found)


def fail_points():
    """Between an erasure's decision and its end."""
    header = ROOT / "engine" / "personal" / "erasures.h"
    names = re.findall(r'"([a-z]+\.[a-z_]+)"', header.read_text())
    assert len(names) == 4, f"no fail points found in {header}"
    return names


def body(server, path):
    """What a GET says, be it that there is none."""
    return wait_until(lambda: (answer := server.get(path)).status != 503 and answer, path).body


class Erasure(ServerTest):
    def key_of(self, user="bob", keys=None):
        """The bytes of the last key that the key file has for somebody; it is small enough to be searched."""
        content = (keys or pathlib.Path(self.data, "keys")).joinpath("people").read_bytes()
        subject = bytes([len(user)]) + user.encode()
        at = content.rfind(subject)
        return None if at < 0 else content[at + len(subject):at + len(subject) + 32]

    def accepted(self, server, *commands):
        decisions = server.submit(*commands)
        self.assertEqual([each["outcome"] for each in decisions], ["accepted"] * len(commands), decisions)
        return decisions

    def small(self):
        """An organization with somebody in it whose name shows."""
        server = self.start()
        self.accepted(server, command("s1", "CreateOrganization", name="Acme", rulebook="space"),
                      command("s2", "AddMember", user="bob", role="MANAGER", name=NAME))
        self.assertEqual(server.get("/v1/orgs/acme/members/bob").json["name"], NAME)
        return server


class EndToEnd(Erasure):
    def begin(self):
        server = self.start("--notary-seconds", "1")
        self.begun = buy(server)["period_from"]
        mine = {"reason": "Mr. Quixwater wants it"}
        self.accepted(
            server,
            command("u1", "UpdateMember", "user:bob", user="bob", name=NAME, email=EMAIL) | mine,
            command("u2", "SetBillingDetails", "user:bob", **BILLED) | mine,
            command("u3", "AddMember", user="carol-control", role="ADMIN", name=KEPT) | {"reason": "to stay"},
            command("u4", "CreateSpace", "user:bob", space="lab", name="Lab") | mine,
            command("b1", "CreateOrganization", org="beta", name="Beta", rulebook="space"),
            command("b2", "AddMember", org="beta", user="bob", role="ADMIN", name="Z. Quixwater"),
            command("g1", "CreateOrganization", org="gamma", name="Gamma", rulebook="upcloud"),
            command("g2", "InviteMember", org="gamma", invitation="i", user="bob", role="MEMBER", email="bob@quixwater.example"))
        advance(server, "t1", months_after(self.begun, 1, 1))
        self.space_decision = server.get("/v1/orgs/acme/commands/u4").json["position"]
        self.refused = server.submit(command("r1", "RenameOrganization", "user:bob", "gamma", name="X") | mine)[0]["position"]
        return server

    def pdf_text(self, content):
        return run_bytes("pdftotext", "-q", "-layout", "-", "-", input=content)

    def reads(self, server):
        """Everything that a server shows, by what it was asked for."""
        found = {}
        for path in ("acme/members", "acme/members/bob", "acme/members/bob?as_of=8", "acme/history", "acme/history?entity=user:bob",
                     "acme/history?entity=space:lab", "acme/history?as_of=12", "acme/commands/u1", "acme/commands/u4", "acme/invoices",
                     "acme/invoices/INV-000001", "acme/billing", "acme/spaces/s/billing", "acme/diff?from=4", "beta/members",
                     "beta/members/bob", "beta/history", "gamma/invitations", "gamma/history", "gamma/members", "acme/spaces",
                     "acme/groups", "beta"):
            found[path] = body(server, f"/v1/orgs/{path}")
        for path in ("users/bob/organizations", "users/bob/spaces", "users/bob/invitations", "decisions?from=0:0&limit=5000",
                     f"decisions/{self.space_decision}/explain", f"decisions/{self.refused}/explain"):
            found[path] = body(server, f"/v1/{path}")
        found["pdf"] = self.pdf_text(server.get("/v1/orgs/acme/invoices/INV-000001", **PDF).body)
        with EventStream(server, "/v1/decisions?from=0:0") as stream:
            last = int(server.get("/v1/decisions?from=0:0&limit=5000").lines[-1]["position"].split(":")[1])
            events = []
            for _, data in stream:
                events.append(data)
                if len(events) > last:
                    break
        found["sse"] = "\n".join(events).encode()
        for name, words in {"cli history": ("history", "acme", "--limit", "5000", "--json"), "cli member": ("get", "member", "beta", "bob"),
                            "cli explain": ("explain", "decision", self.space_decision), "cli diff": ("diff", "acme", "--from", "4")}.items():
            code, out, error = self.tenure(*words, server=server)
            self.assertEqual((code, error), (0, ""), out)
            found[name] = out.encode()
        return found

    # What must show the person as long as nobody erased them.
    SHOWN = {"acme/members", "acme/members/bob", "acme/members/bob?as_of=8", "acme/history", "acme/history?entity=user:bob",
             "acme/history?entity=space:lab", "acme/history?as_of=12", "acme/commands/u1", "acme/commands/u4", "acme/invoices",
             "acme/invoices/INV-000001", "acme/billing", "acme/spaces/s/billing", "beta/members", "beta/members/bob", "beta/history",
             "gamma/invitations", "gamma/history", "decisions?from=0:0&limit=5000", "users/bob/invitations", "pdf", "sse",
             "cli history", "cli member", "cli explain"}

    def assert_nothing_read(self, server):
        found = self.reads(server)
        self.assertEqual({what for what, said in found.items() if NEEDLE in said}, set())
        self.assertIn(KEPT.encode(), found["acme/members"])
        self.assertIn(b"to stay", found["acme/history"])
        self.assertIn(b"(erased)", found["pdf"])
        return found

    def wait_signed(self, server):
        """The second line of a head is how many decisions it covers."""
        decisions = len(server.get("/v1/decisions?from=0:0&limit=5000").lines)
        wait_until(lambda: (told := server.get("/v1/checkpoints/0")).status == 200 and int(told.text.split("\n")[1]) >= decisions, "all is signed")

    def strict_rules(self):
        """space@1, but nobody may make a space: a file."""
        rules = json.loads(SPACE_RULES.read_text())
        for role in rules["organization_roles"]:
            role["actions"] = [action for action in role["actions"] if action != "space.create"]
        file = pathlib.Path(self.root, "strict.json")
        file.write_text(json.dumps(rules))
        return file

    def exports(self, name):
        """Every form that data leaves in, made now -> the directory that they are all in."""
        out = pathlib.Path(self.root, name)
        out.mkdir()
        for form in ("ndjson", "csv", "sqlite"):
            run(TENURE, "export", "--data", self.data, "--to", form, "--out", str(out / form))
        # Two forms whose bytes would hide a text, told by their own readers.
        run(VENV, str(TO_PARQUET), str(out / "ndjson"), str(out / "parquet"))
        (out / "told-by-parquet").write_text(run(VENV, "-c", TELL_PARQUET, str(out / "parquet")))
        with contextlib.closing(Postgres()) as postgres:
            run(TENURE, "export", "--data", self.data, "--to", "postgres", "--out", postgres.connection, "--work", str(out / "postgres-work"))
            (out / "told-by-postgres").write_text(postgres.dump())
        (out / "whatif").write_text(run(TENURE, "audit", "whatif", "--data", self.data, "--rulebook", str(self.strict_rules()), "--json"))
        (out / "dump").write_text(run(TENURE, "log", "dump", "--json", "--void", "--data", self.data))
        for org in ("acme", "beta", "gamma"):
            run(TENURE, "audit", "export", "--data", self.data, "--org", org, "--out", str(out / f"{org}-bundle"))
        log = KafkaLog(brokers()).make_topics()
        run(TENURE, "relay", "--once", "--data", self.data, *log.flags)
        (out / "relay").write_bytes(log.consume("events", "-f", "%k %h %s\\n"))
        return out

    def backup(self, name, keys):
        out = os.path.join(self.root, name)
        run(TENURE, "backup", "--data", self.data, "--out", out, "--keys", keys)
        return out

    def restored(self, name, copy, keys):
        data = os.path.join(self.root, name)
        run(TENURE, "restore", "--from", copy, "--keys", keys, "--data", data, "--verify")
        return Server(data, "--notary-seconds", "1")

    def amounts(self, server):
        return [{name: each[name] for name in ("invoice", "number", "net_minor", "tax_minor", "total_minor", "status")}
                | {"lines": [(line["description"], line["amount_minor"]) for line in each["lines"]]}
                for each in server.read("/v1/orgs/acme/invoices").json["invoices"]]

    def test_nothing_readable_is_left_anywhere(self):
        server = self.begin()
        before = self.reads(server)
        self.assertEqual(self.SHOWN - {what for what, said in before.items() if NEEDLE in said}, set(), "or the search finds nothing")
        amounts, version = self.amounts(server), server.get("/v1/orgs/acme").json["version"]
        self.assertGreater(amounts[0]["total_minor"], 0)
        self.wait_signed(server)
        head, trusted = pathlib.Path(self.root, "head"), pathlib.Path(self.root, "trusted")
        head.write_text(run(TENURE, "audit", "checkpoint", "--server", server.url, "--key", server.key))
        trusted.write_text(run(TENURE, "audit", "key", "--server", server.url, "--key", server.key))
        old_exports = self.exports("exports-before")
        # Reasons are in evidence, in clear: whoever was given it has it. Names are in no export.
        self.assertTrue(files_with(NEEDLE, old_exports / "acme-bundle"))
        self.assertEqual(files_with(NEEDLE, *(old_exports / form for form in NAMELESS)), [])
        keys = os.path.join(self.root, "copy-of-keys")
        old_copy = self.backup("copy-before", keys)
        kept_keys = os.path.join(self.root, "kept-keys")  # against the advice
        shutil.copytree(keys, kept_keys)
        key = self.key_of()
        self.assertEqual(files_with(key, self.data), [os.path.join(self.data, "keys", "people")])

        erased = self.accepted(server, erase(id="erase"))[0]
        self.assertEqual([each["event_type"] for each in erased["events"]], ["SubjectErased", "MemberRemoved"])
        self.assert_nothing_read(server)
        self.assertEqual(files_with(key, self.data), [])
        self.assertEqual(server.get("/v1/orgs/acme/members/bob").status, 404)
        self.assertEqual(server.get("/v1/orgs/beta/members/bob").json["role"], "ADMIN", "another organization keeps the id")
        self.assertEqual(self.amounts(server), amounts)
        self.assertEqual(server.get("/v1/orgs/acme").json["version"], version + 1)

        # What is made from now on.
        self.wait_signed(server)
        exports = self.exports("exports-after")
        self.assertEqual(files_with(NEEDLE, exports), [])
        for form in ("ndjson", "csv", "sqlite", "told-by-parquet", "told-by-postgres", "relay"):
            self.assertTrue(files_with(CONTROL, exports / form), f"the search finds what is there: {form}")
        self.assertIn('"now_refused":', (exports / "whatif").read_text())
        new_copy = self.backup("copy-after", keys)
        self.assertEqual(files_with(key, keys, new_copy, old_copy, self.data, exports), [])
        for bundle in (old_exports / "acme-bundle", exports / "acme-bundle"):
            self.assertIn("hold", run(TENURE, "audit", "verify-bundle", str(bundle), "--key", str(trusted)))
        server.stop()
        run(TENURE, "audit", "verify", "--data", self.data, "--key", str(trusted), "--head", str(head))

        # Every byte of the directory, in use and after it was built anew.
        for folder in ("log", "state", "read_models"):
            self.assertTrue(files_with(CONTROL, os.path.join(self.data, folder)), folder)
        self.assertEqual(files_with(NEEDLE, self.data), [])
        self.assertEqual(files_with(key, self.data), [])
        run(TENURE, "projections", "rebuild", "--data", self.data)
        self.assertIn("equal to a rebuild", run(TENURE, "projections", "verify", "--data", self.data))
        for folder in ("state", "read_models"):
            shutil.rmtree(os.path.join(self.data, folder))
        server = self.start()
        self.assert_nothing_read(server)
        self.assertEqual(self.amounts(server), amounts)
        server.stop()
        self.assertEqual(files_with(NEEDLE, self.data), [])

        # Backups of the log, made before and after, with the one copy of the keys that is kept.
        for name, copy in {"restored-older": old_copy, "restored": new_copy}.items():
            with self.restored(name, copy, keys) as server:
                self.assertEqual({what for what, said in self.reads(server).items() if NEEDLE in said}, set(), name)
                self.assertEqual(server.get("/v1/orgs/acme/members/carol-control").json["name"], KEPT)
                self.assertEqual(self.amounts(server), amounts)
            self.assertEqual(files_with(NEEDLE, server.data) + files_with(key, server.data), [])
        # A log that knows of the erasure destroys the key in older keys too, before anything is served.
        run(TENURE, "restore", "--from", new_copy, "--keys", kept_keys, "--data", os.path.join(self.root, "late"))
        self.assertEqual(files_with(key, os.path.join(self.root, "late")), [])
        # What cannot be had: an older log beside keys that somebody kept. Then EraseSubject is sent again.
        with self.restored("both-old", old_copy, kept_keys) as server:
            self.assertIn(NEEDLE, server.read("/v1/orgs/acme/members").body)
            self.accepted(server, erase())
            self.assert_nothing_read(server)


class Lives(Erasure):
    def erased_file(self, key):
        self.assertEqual(files_with(key, self.data), [])

    def test_killed_between_the_decision_and_the_end_of_the_key(self):
        still_there = {"erasure.before_key": True, "keys.before_rename": True, "erasure.after_key": False}
        for point in fail_points():
            with self.subTest(point):
                server = self.small()
                key = self.key_of()
                server.stop()
                server.fail_point = f"{point}:1"
                server.start()
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    server.submit(erase(id="e"))
                self.assertNotEqual(server.gone(), 0)
                last = json.loads(run(TENURE, "log", "tail", "-n", "1", "--json", "--data", self.data))
                self.assertEqual((last["command_id"], last["outcome"]), ("e", "accepted"), "it was durable")
                if point in still_there:
                    self.assertEqual(bool(files_with(key, self.data)), still_there[point])
                server.fail_point = None
                server.start()
                self.erased_file(key)
                again = server.submit(erase(id="e"))[0]
                self.assertEqual((again["position"], again["outcome"]), (last["position"], "accepted"))
                self.assertNotIn(NEEDLE, server.read("/v1/orgs/acme/history").body)
                server.stop()
                shutil.rmtree(self.data)

    def test_whoever_comes_back_keeps_the_new_name_over_kills_and_rebuilds(self):
        server = self.small()
        old = self.key_of()
        self.accepted(server, erase())
        self.accepted(server, command("a1", "AddMember", user="bob", role="ADMIN", name="Bob Again"))
        new = self.key_of()
        self.assertNotEqual(new, old)

        def is_back(server):
            self.assertEqual(server.read("/v1/orgs/acme/members/bob").json["name"], "Bob Again")
            self.assertNotIn(NEEDLE, server.read("/v1/orgs/acme/history").body)

        is_back(server)
        server.kill()
        is_back(server.start())
        server.kill()
        for folder in ("state", "read_models"):
            shutil.rmtree(os.path.join(self.data, folder))
        is_back(server.start())
        # Restored: another log, of which the keys know nothing, so all of it is looked at.
        copy, keys = os.path.join(self.root, "copy"), os.path.join(self.root, "copy-of-keys")
        run(TENURE, "backup", "--data", self.data, "--out", copy, "--keys", keys)
        server.stop()
        data = os.path.join(self.root, "restored")
        run(TENURE, "restore", "--from", copy, "--keys", keys, "--data", data)
        with Server(data) as restored:
            is_back(restored)
            self.accepted(restored, erase())
            self.assertNotIn(b"Bob Again", restored.read("/v1/orgs/acme/history").body)

    def test_older_keys_put_back_lose_whom_the_log_erased(self):
        server = self.small()
        server.stop()
        people, older = pathlib.Path(self.data, "keys", "people"), pathlib.Path(self.root, "older")
        shutil.copy(people, older)
        key = self.key_of()
        server.start()
        self.accepted(server, erase())
        server.stop()
        shutil.copy(older, people)
        self.assertTrue(files_with(key, self.data))
        server.start()
        self.erased_file(key)
        self.assertNotIn(NEEDLE, server.read("/v1/orgs/acme/history").body)

    def test_what_is_in_flight_while_the_key_goes_is_unreadable_once_the_last_erasure_is_answered(self):
        server = self.small()
        stopping = threading.Event()

        def speak(who):
            while not stopping.is_set():
                server.submit(*(command(new_id(), kind, user="bob", name=f"{NAME} {who}", **more)
                                for kind, more in (("AddMember", {"role": "MANAGER"}), ("UpdateMember", {})) for _ in range(5)))

        speakers = [threading.Thread(target=speak, args=(who,)) for who in range(3)]
        for each in speakers:
            each.start()
        try:
            for _ in range(40):
                self.accepted(server, erase())
        finally:
            stopping.set()
            for each in speakers:
                each.join()
        self.assertIn("MemberUpdated", json.dumps(server.read("/v1/orgs/acme/history?limit=5000").json), "some had their word")
        self.accepted(server, erase())
        at = "0:0"
        while True:
            page = server.read(f"/v1/decisions?from={at}&limit=5000")
            self.assertNotIn(NEEDLE, page.body)
            if page.headers["Tenure-Next"] == at:
                break
            at = page.headers["Tenure-Next"]
        self.assertIsNone(self.key_of())

    def test_a_name_in_one_batch_with_the_erasure_is_sealed_before_it_and_goes_with_it(self):
        server = self.small()
        self.accepted(server, erase(), command("a1", "AddMember", user="bob", role="ADMIN", name=NAME))
        self.assertEqual(server.read("/v1/orgs/acme/members/bob").json["role"], "ADMIN")
        self.assertNotIn(NEEDLE, server.read("/v1/orgs/acme/history").body)
        self.accepted(server, command("a2", "UpdateMember", user="bob", name="Bob Again"))
        self.assertEqual(server.read("/v1/orgs/acme/members/bob").json["name"], "Bob Again")

    def test_a_name_of_before_may_not_be_sent_again_under_its_id_and_leaves_nothing(self):
        server = self.small()
        self.accepted(server, erase())
        answer = server.post("/v1/commands", command("s2", "AddMember", user="bob", role="MANAGER", name=NAME))
        self.assert_problem(answer, 409, "idempotency_mismatch")
        self.assertNotIn(NEEDLE, server.read("/v1/orgs/acme/history").body)


if __name__ == "__main__":
    unittest.main(verbosity=2)
