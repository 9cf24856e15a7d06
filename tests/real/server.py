"""`tenure serve` on a data directory of its own, and the reads and writes that the tests make."""

import http.client
import json
import re
import subprocess
import urllib.parse

KEY = "history-test-key-0123456789abcdef0123456789abcdef"


class Server:
    """A context manager: started on a free port when entered, stopped with SIGTERM when left."""

    def __init__(self, binary, data):
        self.command = [binary, "serve", "--data", data, "--port", "0", "--log-level", "error"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        env={"TENURE_ADMIN_KEY": KEY})
        ready = self.process.stdout.readline()
        address = re.search(r"http://([^\s/]+)", ready)
        if not address:
            self.process.terminate()
            self.process.wait()
            raise RuntimeError(f"the server is not ready, it says: {ready!r}")
        self.connection = http.client.HTTPConnection(address[1])
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, path, body=None, kind=None):
        headers = {"Authorization": f"Bearer {KEY}"} | ({"Content-Type": kind} if kind else {})
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {text}")
        return text

    def submit(self, commands):
        """Sends the commands as one NDJSON body -> their decisions, in order."""
        body = "\n".join(map(json.dumps, commands)).encode()
        text = self.request("POST", "/v1/commands", body, "application/x-ndjson")
        return [json.loads(line) for line in text.splitlines()]

    def get(self, *path, **parameters):
        path = "/v1/" + "/".join(urllib.parse.quote(part, safe="") for part in path)
        return json.loads(self.request("GET", f"{path}?{urllib.parse.urlencode(parameters)}"))

    def get_all(self, name, *path, **parameters):
        """The items of a list, all its pages."""
        items, cursor = [], {}
        while True:
            page = self.get(*path, limit=5000, **cursor, **parameters)
            items += page[name]
            if not page.get("next"):
                return items
            cursor = {"cursor": page["next"]}
