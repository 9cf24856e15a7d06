"""What an audit team asks of a real server and of its files: who gained or lost what, what was decided by then, what would have been
under other rules, evidence for others."""

import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import unittest

import verify
from server_case import FOUND_ACME, ServerTest
from tenure import command, wait_until

MORE = [
    command("c6", "ChangeRole", user="bob", role="ADMIN") | {"reason": "promoted by <the board>"},
    command("c7", "AddMember", "user:eve", user="x", role="EVALUATOR"),  # refused
    command("c8", "RemoveMember", user="eve") | {"reason": "left"},
    command("c9", "CreateSpace", "user:bob", space="lab", name="Lab"),
]
OTHER = [command(f"o{i}", "CreateOrganization", "user:zoe", f"other-{i}", name="Other", rulebook="space") for i in range(3)]


class Audit(ServerTest):
    def served(self):
        server = self.start("--notary-seconds", "1")
        decisions = server.submit(*FOUND_ACME, *OTHER, *MORE)
        self.assertEqual([each["outcome"] for each in decisions].count("rejected"), 1)
        self.decisions = [each for each in decisions if each["org"] == "acme"]
        self.keys = pathlib.Path(self.root) / "keys"
        self.keys.write_text(self.ran("audit", "key", server=server))
        wait_until(lambda: (told := server.get("/v1/checkpoints/0")).status == 200 and verify.Head(told.text).size == len(decisions),
                   "all is signed")
        return server

    def ran(self, *arguments, server=None, code=0):
        got, out, err = self.tenure(*arguments, server=server)
        self.assertEqual(got, code, out + err)
        return out

    def test_diff(self):
        server = self.served()
        changes = server.read("/v1/orgs/acme/diff?from=5").json["changes"]
        self.assertEqual([(each["kind"], each["id"], each["was"], each["is"]) for each in changes],
                         [("member", "bob", "MANAGER", "ADMIN"), ("member", "eve", "EVALUATOR", None), ("space", "lab", None, "Lab"),
                          ("plan", "lab", None, "unmetered (free)")])
        time = self.decisions[4]["time"]  # of version 5
        self.assertEqual(server.read(f"/v1/orgs/acme/diff?from={time}&to=8").json["changes"], changes)
        shown = self.ran("diff", "acme", "--from", "5", "--to", "6", server=server)
        self.assertEqual(shown.splitlines()[1:], [f"~ member  bob  MANAGER -> ADMIN  by {self.decisions[5]['position']}"])
        self.assertIn("nothing changed", self.ran("diff", "acme", "--from", "8", server=server))
        self.assertEqual(server.get("/v1/orgs/acme/diff?from=5&as=user:alice").status, 200)
        for path, status in (("/v1/orgs/acme/diff", 400), ("/v1/orgs/acme/diff?from=soon", 400), ("/v1/orgs/acme/diff?from=99", 404),
                             ("/v1/orgs/acme/diff?from=5&as=user:stranger", 404), ("/v1/orgs/none/diff?from=1", 404)):
            self.assertEqual(server.get(path).status, status, path)

    def test_history_as_of(self):
        server = self.served()
        for version in (1, 5, 6, 8):
            wanted = [each["command_id"] for each in self.decisions if each["version"] <= version]
            shown, cursor = [], ""
            while True:
                page = server.read(f"/v1/orgs/acme/history?as_of={version}&limit=2{cursor}").json
                shown += [each["command_id"] for each in page["decisions"]]
                if not page["next"]:
                    break
                cursor = f"&cursor={page['next']}"
            self.assertEqual(shown, wanted)
        by_time = server.read(f"/v1/orgs/acme/history?as_of={self.decisions[4]['time']}").json["decisions"]
        self.assertEqual([each["command_id"] for each in by_time], ["c1", "c2", "c3", "c4", "c5"])
        for entity, wanted in (("user:bob", ["c2"]), ("space:web", ["c4", "c5"]), ("resource:web/api", ["c5"])):
            told = json.loads(self.ran("history", "acme", "--entity", entity, "--as-of", "5", "--json", server=server))
            self.assertEqual([each["command_id"] for each in told["decisions"]], wanted)

    def test_what_if(self):
        self.served()
        rules = json.loads((pathlib.Path(__file__).parents[2] / "engine/rulebooks/space.json").read_text())
        file = pathlib.Path(self.root) / "candidate.json"
        file.write_text(json.dumps(rules))
        same = self.ran("audit", "whatif", "--data", self.data, "--rulebook", str(file), "--json").splitlines()
        self.assertEqual(len(same), 1)
        self.assertEqual(json.loads(same[0])["summary"]["different"], 0)
        roles = {role["name"]: role for role in rules["organization_roles"]}
        roles["ADMIN"]["actions"].remove("space.create")
        roles["EVALUATOR"]["actions"] += ["member.add"]
        roles["EVALUATOR"]["assigns"] = ["EVALUATOR"]
        file.write_text(json.dumps(rules))
        lines = self.ran("audit", "whatif", "--data", self.data, "--rulebook", str(file), "--json").splitlines()
        *differences, summary = [json.loads(line) for line in lines]
        by_id = {each["position"]: each for each in differences}
        refused = next(each for each in self.decisions if each["command_id"] == "c7")
        self.assertEqual(by_id.keys(), {refused["position"], self.decisions[-1]["position"]})
        self.assertEqual(by_id[refused["position"]]["was"]["code"], refused["rejection"]["code"])
        self.assertEqual(by_id[refused["position"]]["would"], {"outcome": "accepted"})
        self.assertEqual(by_id[self.decisions[-1]["position"]]["would"]["code"], "forbidden")
        self.assertEqual((summary["summary"]["now_refused"], summary["summary"]["now_accepted"]), (1, 1))
        shown = self.ran("audit", "whatif", "--data", self.data, "--rulebook", str(file), "--org", "acme")
        self.assertIn("would be   refused, forbidden", shown)
        self.assertEqual(self.ran("audit", "whatif", "--data", self.data, "--rulebook", str(file), "--org", "other-1").count("\n"), 1)
        file.write_text("{}")
        self.ran("audit", "whatif", "--data", self.data, "--rulebook", str(file), code=2)

    def second(self, bundle, code=0):
        done = subprocess.run([sys.executable, verify.__file__, "bundle", str(bundle), "--key", str(self.keys)],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_evidence(self):
        server = self.served()
        tar, folder = (pathlib.Path(self.root) / name for name in ("acme.tar", "acme"))
        for out in (tar, folder):
            self.assertIn("9 decisions of acme", self.ran("audit", "export", "--data", self.data, "--org", "acme", "--out", str(out)))
            self.assertIn("9 decisions of acme hold", self.ran("audit", "verify-bundle", str(out), "--key", str(self.keys)))
            self.assertIn("9 decisions hold", self.second(out))
        with tarfile.open(tar) as files:
            self.assertEqual({name: files.extractfile(name).read() for name in files.getnames() if name != "manifest.sig"
                              and not name.startswith(("manifest", "index"))},
                             {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
                              and not path.name.startswith(("manifest", "index"))})
        shown = [json.loads(line) for line in (folder / "decisions.ndjson").read_text().splitlines()]
        self.assertEqual([each["command_id"] for each in shown], [each["command_id"] for each in self.decisions])
        self.assertEqual(shown[5]["reason"], "promoted by <the board>")
        page = (folder / "index.html").read_text()
        self.assertIn("promoted by &lt;the board&gt;", page)
        self.assertIn('<td>http service:admin<td>ChangeRole<td>{&quot;user&quot;:&quot;bob&quot;,&quot;role&quot;:&quot;ADMIN&quot;}', page)
        self.assertEqual({each["sent_by"] for each in shown}, {"http service:admin"})
        self.assertNotIn("<script", page)
        self.assertEqual(json.loads((folder / "rulebooks/space@1.json").read_text())["name"], "space")
        self.assertEqual({b"other" in path.read_bytes() for path in folder.rglob("*.*json") if path.parent == folder}, {False})

        for path in [each for each in folder.rglob("*") if each.is_file()]:
            content = path.read_bytes()
            path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
            name = str(path.relative_to(folder))
            self.assertIn(name, self.ran("audit", "verify-bundle", str(folder), "--key", str(self.keys), code=1))
            self.assertIn(name, self.second(folder, code=1))
            path.write_bytes(content)
        self.ran("audit", "verify-bundle", str(folder), "--key", str(self.keys))

        part = pathlib.Path(self.root) / "part"
        self.ran("audit", "export", "--data", self.data, "--org", "acme", "--from", "3", "--to", "6", "--out", str(part))
        versions = [json.loads(line)["version"] for line in (part / "decisions.ndjson").read_text().splitlines()]
        self.assertEqual(versions, [3, 4, 5, 6, 6])
        self.ran("audit", "verify-bundle", str(part), "--key", str(self.keys))

        # Without the people's keys: the proofs hold, the reasons are gone and stated to be.
        server.stop()
        shutil.rmtree(pathlib.Path(self.data) / "keys")
        after = pathlib.Path(self.root) / "after"
        self.ran("audit", "export", "--data", self.data, "--org", "acme", "--out", str(after))
        self.ran("audit", "verify-bundle", str(after), "--key", str(self.keys))
        self.second(after)
        manifest = json.loads((after / "manifest.json").read_text())
        self.assertEqual(manifest["missing"]["unreadable_reasons"], [self.decisions[5]["position"], self.decisions[7]["position"]])
        self.assertNotIn("promoted", (after / "index.html").read_text())

        self.ran("audit", "export", "--data", self.data, "--org", "none", "--out", str(part) + "2", code=2)
        self.ran("audit", "export", "--data", self.data, "--org", "acme", "--out", str(part), code=2)
        self.ran("audit", "verify-bundle", str(self.keys), "--key", str(self.keys), code=2)


if __name__ == "__main__":
    unittest.main()
