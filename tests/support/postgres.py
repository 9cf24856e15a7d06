"""A PostgreSQL of a test's own: what is exported into it, read back."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from tenure import run


class Postgres:
    """A cluster of its own on a socket in a directory. Its programs refuse to be root."""

    PROGRAMS = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)

    def __init__(self):
        self.directory = directory = pathlib.Path(tempfile.mkdtemp(prefix="tenure-postgres-"))
        self.be = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.be:
            shutil.chown(directory, "postgres")
        self.program("initdb", "-D", f"{directory}/data", "-U", "tenure", "--auth=trust", "--no-sync")
        self.program("pg_ctl", "-D", f"{directory}/data", "-w", "-l", f"{directory}/log", "-o",
                     f"-c listen_addresses='' -c unix_socket_directories='{directory}' -c fsync=off", "start")
        self.connection = f"host={directory} user=tenure dbname=postgres"

    def program(self, name, *arguments):
        # What pg_ctl starts keeps the pipes that it inherits.
        done = subprocess.run([*self.be, str(self.PROGRAMS / name), *arguments], cwd="/", stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, f"{name}: {done.returncode}; see {self.directory}/log"

    def dump(self):
        """All tables, as SQL."""
        return run(str(self.PROGRAMS / "pg_dump"), self.connection)

    def close(self):
        self.program("pg_ctl", "-D", f"{self.directory}/data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.directory)

    def rows(self, table, columns):
        names = ", ".join(f"""to_char("{name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "{name}\"""" if kind == "time"
                          else f'"{name}"' for name, kind in columns.items())
        out = run("psql", self.connection, "-X", "-A", "-t", "-c", f"SELECT row_to_json(each) FROM (SELECT {names} FROM {table}) AS each")
        return [json.loads(line) for line in out.splitlines()]
