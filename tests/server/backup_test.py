"""`tenure backup` beside a daemon under load, and `tenure restore`: a verified prefix, under an id of its own."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import threading
import time
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import TENURE, Server, command, environment, new_id, run, wait_until

KILLS = 3


class Backup(ServerTest):
    def setUp(self):
        super().setUp()
        self.copy, self.keys = os.path.join(self.root, "copy"), os.path.join(self.root, "copy-of-keys")

    def backup(self, *more):
        return json.loads(run(TENURE, "backup", "--data", self.data, "--out", self.copy, "--keys", self.keys, "--json", *more))

    def restore(self, name, keys=True):
        data = os.path.join(self.root, name)
        said = run(TENURE, "restore", "--from", self.copy, "--data", data, "--verify", "--json",
                   *(["--keys", self.keys] if keys else []))
        return data, json.loads(said)

    def served(self, data, *arguments):
        server = Server(data, *arguments).start()
        self.addCleanup(server.end_if_it_runs)
        return server

    def decisions(self, server):
        found, at = [], "0:0"
        while True:
            page = server.read(f"/v1/decisions?from={at}&limit=5000")
            found += page.lines
            if page.headers["Tenure-Next"] == at:
                return found
            at = page.headers["Tenure-Next"]

    def test_a_backup_under_load_is_a_verified_prefix_and_goes_on(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("p", "AddMember", user="dan", role="ADMIN", name="Dan Brown") | {"reason": "a bookkeeper"})
        stopping = threading.Event()

        def load():
            while not stopping.is_set():
                server.submit(*[command(new_id(), "RenameOrganization", name=new_id()) for _ in range(200)])

        writer = threading.Thread(target=load)
        writer.start()
        try:
            sizes = []
            for _ in range(5):
                time.sleep(0.5)
                sizes.append(self.backup()["decisions"])
        finally:
            stopping.set()
            writer.join()
        self.assertEqual(sizes, sorted(sizes))
        self.assertGreater(sizes[-1], sizes[0], "each goes on where the one before ended")
        original = self.decisions(server)
        data, report = self.restore("restored")
        self.assertEqual(report["decisions"], sizes[-1])
        restored = self.served(data)
        found = self.decisions(restored)
        self.assertEqual(found, original[:len(found)])
        self.assertEqual(len(found), sizes[-1])
        self.assertEqual(found[5]["events"][0]["event"]["name"], "Dan Brown")
        self.assertEqual(restored.get("/v1/orgs/acme/members/dan").json["name"], "Dan Brown")
        # It lives on, and is another log.
        self.assertEqual(restored.submit(command(new_id(), "AddMember", user="zoe", role="ADMIN"))[0]["outcome"], "accepted")
        self.assertNotEqual(report["log_id"], self.backup()["log_id"])
        restored.stop()
        # Whatever names the log by its records names it so, too: signed heads, and a relay's events.
        signing = self.served(data, "--notary-seconds", "1")
        wait_until(lambda: signing.get("/v1/checkpoints/0").status == 200, "a signed head")
        self.assertEqual(signing.get("/v1/checkpoints/0").text.split("\n")[0], f"tenure/{report['log_id']}/0")
        signing.stop()
        self.assertIn(report["log_id"], run(TENURE, "audit", "verify", "--data", data))
        self.assertIn("equal to a rebuild", run(TENURE, "projections", "verify", "--data", data))
        code, _, error = self.tenure("backup", "--data", data, "--out", self.copy)
        self.assertEqual((code, error.count("\n")), (3, 1))
        self.assertIn("holds a copy of log", error)

    def test_a_copy_in_the_folder_where_one_stands(self):
        self.start().submit(*FOUND_ACME)
        for out in ("here", "some/where/else"):
            done = subprocess.run([TENURE, "backup", "--data", self.data, "--out", out, "--json"], cwd=self.root, capture_output=True,
                                  text=True, env=environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(os.path.isdir(os.path.join(self.root, out)))

    def test_the_keys_are_not_in_the_copy_of_the_log(self):
        server = self.start()
        server.submit(*FOUND_ACME, command("p", "AddMember", user="dan", role="ADMIN", name="Dan Brown"))
        server.stop()
        self.backup()
        key = pathlib.Path(self.data, "keys", "people").read_bytes()[-32:]
        for path in pathlib.Path(self.copy).rglob("*"):
            if path.is_file():
                self.assertNotIn(key, path.read_bytes(), path)
                self.assertNotIn(b"Dan Brown", path.read_bytes(), path)
        self.assertIn(key, pathlib.Path(self.keys, "people").read_bytes())
        self.assertEqual(pathlib.Path(self.keys, "people").stat().st_mode & 0o077, 0)
        data, _ = self.restore("without-keys", keys=False)
        code, _, error = self.tenure("serve", "--data", data, "--port", "0")
        self.assertEqual(code, 3)
        self.assertIn("--accept-lost-keys", error)
        without = self.served(data, "--accept-lost-keys")
        self.assertNotIn("name", without.get("/v1/orgs/acme/members/dan").json)

    def test_a_backup_that_was_killed_is_gone_on_with(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        for _ in range(4):
            server.submit(*[command(new_id(), "RenameOrganization", name=new_id()) for _ in range(5000)])
        rng = random.Random(1)
        for _ in range(KILLS):
            backup = subprocess.Popen([TENURE, "backup", "--data", self.data, "--out", self.copy, "--keys", self.keys],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
            time.sleep(rng.uniform(0, 0.4))
            backup.kill()
            backup.wait()
        server.stop()
        self.backup()
        data, _ = self.restore("restored")
        self.assertEqual(run(TENURE, "log", "dump", "--json", "--data", data), run(TENURE, "log", "dump", "--json", "--data", self.data))

    def test_a_damaged_copy_is_not_restored(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.stop()
        self.backup()
        [segment] = [path for path in pathlib.Path(self.copy, "log").iterdir() if path.name.startswith("segment-0")][:1]
        content = bytearray(segment.read_bytes())
        at = content.index(b"eve")
        content[at] ^= 1
        segment.write_bytes(content)
        code, _, error = self.tenure("restore", "--from", self.copy, "--data", os.path.join(self.root, "r"), "--verify")
        self.assertEqual((code, error.count("\n")), (3, 1))
        self.assertIn("segment-0", error)
        shutil.rmtree(self.copy)

    def test_a_directory_that_is_not_empty_is_left_alone(self):
        server = self.start()
        server.submit(*FOUND_ACME)
        server.stop()
        self.backup()
        code, _, error = self.tenure("restore", "--from", self.copy, "--data", self.data)
        self.assertEqual(code, 3)
        self.assertIn("not empty", error)


if __name__ == "__main__":
    unittest.main(verbosity=2)
