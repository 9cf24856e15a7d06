"""A client of server-sent events with nothing but Python's own library, as the WHATWG's HTML standard describes one."""

import http.client


class EventStream:
    """Iterates over (event, data) of a stream of a server; `last_id` is where to go on after a cut."""

    def __init__(self, server, path, last_id=None, timeout=60):
        self.last_id = last_id
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {server.key}", "Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def cut(self):
        self.response.close()
        self.connection.close()

    def lines(self):
        """Without their ends, until the server ends the stream or the connection breaks."""
        try:
            while line := self.response.readline():
                if not line.endswith(b"\n"):
                    return  # cut in the middle
                yield line.decode().rstrip("\r\n")
        except (http.client.IncompleteRead, ConnectionError):
            return

    def __iter__(self):
        event, data, identity = "message", [], None
        for line in self.lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line == "":
                self.last_id = identity or self.last_id
                if data:
                    yield event, "\n".join(data)
                event, data = "message", []
            elif name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif name == "id":
                identity = value
