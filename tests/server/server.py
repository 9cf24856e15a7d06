"""A `tenure serve` under test, and a client that keeps what a test looks at: status, headers, body."""

import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

TENURE = os.environ["TENURE_BINARY"]
KEY = "a-key-for-the-tests-0123456789abcdef"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def position(self):
        return self.headers["Tenure-Position"]


def environment(**more):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    return plain | more


class Server:
    """Started when made; `stop` ends it with SIGTERM, `kill` with SIGKILL."""

    def __init__(self, data, *arguments, key=KEY):
        self.process = subprocess.Popen(
            [TENURE, "serve", "--data", data, "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(**({"TENURE_ADMIN_KEY": key} if key else {})))
        self.key = key
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self.reader.start()
        self.ready_line = self.process.stdout.readline()
        found = re.fullmatch(r"tenure is ready at (http://127\.0\.0\.1:(\d+))\n", self.ready_line)
        if not found:
            self.stop()
            raise AssertionError(f"not ready: {self.ready_line!r} {self.log}")
        self.url, self.port = found[1], int(found[2])

    def end(self, how):
        how()
        code = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def stop(self):
        return self.end(self.process.terminate)

    def kill(self):
        return self.end(self.process.kill)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(self, method, path, body=None, headers=None, connection=None):
        if connection is None:
            with contextlib.closing(self.connect()) as own:
                return self.request(method, path, body, headers, own)
        base = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        connection.request(method, path, body, base | (headers or {}))
        return Answer(connection.getresponse())

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, value, headers=None, connection=None):
        body = value if isinstance(value, (str, bytes)) else json.dumps(value)
        return self.request("POST", path, body,
                            {"Content-Type": "application/json"} | (headers or {}), connection)

    def submit(self, *commands):
        """As NDJSON -> the decisions."""
        body = "".join(json.dumps(command) + "\n" for command in commands)
        return self.post("/v1/commands", body, {"Content-Type": "application/x-ndjson"}).lines


def command(id, kind, actor="user:alice", org="acme", **fields):
    return {"id": id, "org": org, "actor": actor, "command_type": kind, "command": fields}


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

    def start(self, *arguments, **options):
        server = Server(self.data, *arguments, **options)
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
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
