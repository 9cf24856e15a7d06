"""`tenure` under test: the program, `tenure serve` as a process, and a client of its HTTP API that keeps what a test looks at."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time
import urllib.parse
import uuid

TENURE = os.environ["TENURE_BINARY"]
KEY = "a-key-for-the-tests-0123456789abcdef"
START_SECONDS = 60  # for a server to be ready
STOP_SECONDS = 45   # for one to end after a signal
READ_SECONDS = 60   # for what was decided to be readable


def new_id():
    return str(uuid.uuid4())


def command(id, kind, actor="user:alice", org="acme", **fields):
    return {"id": id, "org": org, "actor": actor, "command_type": kind, "command": fields}


def environment(**more):
    """This one without what it says of Tenure, so that the tests' own variables decide nothing."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    return plain | more


def wait_until(holds, what, seconds=60):
    """Asks until it holds -> what it said. The limit ends a test that hangs; `what` may be called to say why."""
    deadline = time.monotonic() + seconds
    while not (said := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)
    return said


def run_bytes(*words, input=None, timeout=120):
    """Any program -> what it printed. Fails with what it said if it ends with anything but 0."""
    done = subprocess.run(words, input=input, capture_output=True, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}: {done.stdout.decode()[-2000:]}{done.stderr.decode()}")
    return done.stdout


def run(*words, **options):
    """As text, in which what is none is replaced."""
    return run_bytes(*words, **options).decode(errors="replace")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def position(self):
        return self.headers["Tenure-Position"]


class Server:
    """A data directory with the `tenure serve` that runs on it: started, ended and started again. As a context: runs inside."""

    def __init__(self, data, *arguments, key=KEY):
        self.data, self.arguments, self.key = pathlib.Path(data), arguments, key
        self.fail_point = None  # name:count, where its next processes kill themselves (engine/log/fail_point.h)
        self.name = self.data.name
        self.said = self.data.with_name(f"{self.name}.err")  # stderr of all its processes
        self.skip = self.said.stat().st_size if self.said.exists() else 0  # of another Server on the same directory
        self.process = self.port = self.url = self.ready_line = None
        self.frozen = False

    # --- the process ---

    def begin(self):
        """Several may begin before one waits until they are ready."""
        more = {"TENURE_ADMIN_KEY": self.key, "TENURE_FAIL_POINT": self.fail_point}
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(
                [TENURE, "serve", "--data", str(self.data), "--port", "0", *self.arguments], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=said, env=environment(**{name: value for name, value in more.items() if value}))
        return self

    def wait_ready(self):
        came, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        self.ready_line = self.process.stdout.readline().decode() if came else ""
        found = re.fullmatch(r"tenure is ready at (http://127\.0\.0\.1:(\d+))\n", self.ready_line)
        if not found:
            self.end_if_it_runs()
            raise AssertionError(f"{self.name} is not ready: {self.ready_line!r}\n{self.tail()}")
        self.url, self.port = found[1], int(found[2])
        return self

    def start(self):
        return self.begin().wait_ready()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end_if_it_runs()

    @property
    def log(self):
        """The lines that it wrote on stderr."""
        return self.said.read_bytes()[self.skip:].decode(errors="replace").splitlines(keepends=True)

    def tail(self, lines=12):
        return "".join(self.log[-lines:])

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def serves(self):
        """Was ready, and was not ended by us since."""
        return self.port is not None

    def end(self, number):
        """Sends a signal -> the code with which it ended."""
        self.process.send_signal(number)
        try:
            return self.gone()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {STOP_SECONDS} s of signal {number}\n{self.tail()}") from None

    def gone(self):
        """Waits for its end -> its code. It can be started again."""
        code = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = self.port = self.url = None
        self.frozen = False
        return code

    def stop(self):
        return self.end(signal.SIGTERM)

    def kill(self):
        return self.end(signal.SIGKILL)

    def end_if_it_runs(self):
        if self.process is not None:
            self.kill()

    def freeze(self):
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    # --- its API ---

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

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
        return self.request("POST", path, body, {"Content-Type": "application/json"} | (headers or {}), connection)

    def submit(self, *commands):
        """As NDJSON -> the decisions."""
        body = "".join(json.dumps(command) + "\n" for command in commands)
        return self.post("/v1/commands", body, {"Content-Type": "application/x-ndjson"}).lines

    def read(self, path):
        """What a GET says, once it can be said: read models may still be behind."""
        def asked():
            answer = self.get(path)
            assert answer.status in (200, 503), f"{self.name} {path}: {answer.status} {answer.text}"
            return answer.status == 200 and answer
        return wait_until(asked, lambda: f"{self.name} answers {path}\n{self.tail()}", READ_SECONDS)

    def list(self, name, *path, **parameters):
        """The items of a list at /v1/PATH, all its pages."""
        items, cursor = [], {}
        while True:
            page = self.read(address(*path, limit=5000, **cursor, **parameters)).json
            items += page[name]
            if not page.get("next"):
                return items
            cursor = {"cursor": page["next"]}

    def partitions(self):
        """Who owns them, how far they are."""
        return self.read("/v1/status").json["partitions"]


def address(*path, **parameters):
    """/v1/PATH?PARAMETERS, encoded."""
    return "/v1/" + "/".join(urllib.parse.quote(part, safe="") for part in path) + "?" + urllib.parse.urlencode(parameters)
