"""What the tests of a server with an embedded log share: a directory each, and an organization to begin with."""

import os
import shutil
import subprocess
import tempfile
import unittest

from tenure import KEY, TENURE, Server, command, environment

FOUND_ACME = [
    command("c1", "CreateOrganization", name="Acme", rulebook="space"),
    command("c2", "AddMember", user="bob", role="MANAGER"),
    command("c3", "AddMember", user="eve", role="EVALUATOR"),
    command("c4", "CreateSpace", space="web", name="Web"),
    command("c5", "CreateResource", space="web", type="service", resource="api", name="API"),
]


class ServerTest(unittest.TestCase):
    """Each test has an empty directory, and may start servers on it."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="tenure-server-test-")
        self.addCleanup(shutil.rmtree, self.root)
        self.data = os.path.join(self.root, "data")

    def start(self, *arguments, key=KEY):
        server = Server(self.data, *arguments, key=key).start()
        self.addCleanup(server.end_if_it_runs)
        return server

    def tenure(self, *arguments, server=None, input=None):
        """Runs the command line -> its exit code, stdout and stderr."""
        more = {"TENURE_SERVER": server.url, "TENURE_ADMIN_KEY": server.key} if server else {}
        done = subprocess.run([TENURE, *arguments], capture_output=True, text=True, input=input,
                              env=environment(**more), cwd=self.root, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def assert_problem(self, answer, status, code):
        self.assertEqual(answer.status, status, answer.text)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        body = answer.json
        self.assertEqual((body["status"], body["code"]), (status, code), answer.text)
        for member in ("type", "title", "detail"):
            self.assertTrue(body[member], answer.text)
        self.assertNotIn("\n", body["detail"])
        return body
