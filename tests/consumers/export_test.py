"""`tenure export`: the same events and rows in every form, resumed after a kill, and the worked questions asked of them."""

import csv
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from postgres import Postgres
from tenure import TENURE, Server, environment, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPANY = ROOT / "tools/history/company.ndjson"
REAL = ROOT / "../shared/real"
ANALYTICS = ROOT / "consumers/analytics"
VENV = pathlib.Path(os.environ["TENURE_VENV"]) / "bin/python"
KILLS = int(os.environ.get("TENURE_EXPORT_KILLS", "2"))


def rows_of_ndjson(directory, table):
    files = sorted((directory / "events").rglob("*.ndjson")) if table == "events" else [directory / f"{table}.ndjson"]
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def rows_of_csv(directory, table, columns):
    files = sorted((directory / "events").rglob("*.csv")) if table == "events" else [directory / f"{table}.csv"]
    found = []
    for file in files:
        with open(file, newline="", encoding="utf-8") as lines:
            found += [{name: value_of(row[name], kind) for name, kind in columns.items()} for row in csv.DictReader(lines)]
    return found


def value_of(text, kind):
    if text in (None, ""):
        return None
    return int(text) if kind == "integer" else json.loads(text) if kind == "json" else text


def rows_of_sqlite(file, table, columns):
    with sqlite3.connect(file) as database:
        names = ", ".join(f'"{name}"' for name in columns)
        return [{name: json.loads(value) if kind == "json" and value is not None else value
                 for value, (name, kind) in zip(row, columns.items())}
                for row in database.execute(f"SELECT {names} FROM {table}")]


def in_order(rows):
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="tenure-export-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = pathlib.Path(directory.name)
        lines = COMPANY.read_text().splitlines(keepends=True)
        half = len(lines) // 2
        cls.parts = [cls.root / "first.ndjson", cls.root / "second.ndjson"]
        cls.parts[0].write_text("".join(lines[:half]))
        cls.parts[1].write_text("".join(lines[half:]))
        cls.data = cls.root / "data"
        run(TENURE, "apply", str(cls.parts[0]), "--data", str(cls.data))
        cls.once = cls.root / "twice"
        cls.export(cls.data, cls.once)
        cls.half = cls.root / "half"
        shutil.copytree(cls.data, cls.half)
        run(TENURE, "apply", str(cls.parts[1]), "--data", str(cls.data))

    @staticmethod
    def export(data, out, to="ndjson"):
        return json.loads(run(TENURE, "export", "--data", str(data), "--to", to, "--out", str(out), "--json"))

    def fresh(self, name, to="ndjson"):
        out = self.root / name
        if not out.exists():
            self.export(self.data, out, to)
        return out

    def tables(self):
        return json.loads((self.fresh("all") / "schema.json").read_text())

    def test_it_has_every_event_and_what_the_server_shows(self):
        out = self.fresh("all")
        dumped = [json.loads(line) for line in run(TENURE, "log", "dump", "--json", "--data", str(self.data)).splitlines()]
        wanted = [(int(each["position"].split(":")[1]), index, each["org"], event["event_type"], event["event"], each["time"])
                  for each in dumped if each["outcome"] == "accepted" for index, event in enumerate(each["events"])]
        got = sorted(((row["number"], row["event_index"], row["org"], row["type"], row["event"], row["time"])
                      for row in rows_of_ndjson(out, "events")), key=lambda row: row[:2])
        self.assertEqual(got, wanted)
        for file in (out / "events").iterdir():
            self.assertRegex(file.name, r"^day=\d{4}-\d\d-\d\d$")
        orgs = [row["org"] for row in rows_of_ndjson(out, "organizations")]
        self.assertGreater(len(orgs), 0)
        with Server(self.data) as server:
            for org in orgs:
                shown = {each["user"]: (each["role"], each["status"], each["since"]) for each in server.list("members", "orgs", org, "members")}
                self.assertEqual({row["user_id"]: (row["role"], row["status"], row["since"])
                                  for row in rows_of_ndjson(out, "members") if row["org"] == org}, shown, org)
                spaces = {each["space"]: each for each in server.list("spaces", "orgs", org, "spaces")}
                self.assertLessEqual(spaces.keys(), {row["space"] for row in rows_of_ndjson(out, "spaces") if row["org"] == org})
                invoices = {each["invoice"]: each["total_minor"] for each in server.list("invoices", "orgs", org, "invoices")}
                self.assertEqual({row["invoice"]: row["total_minor"] for row in rows_of_ndjson(out, "invoices") if row["org"] == org},
                                 invoices)
                self.check_seats(org, spaces)

    def check_seats(self, org, spaces):
        """The worked question against the server's own count."""
        with sqlite3.connect(self.fresh("all.sqlite", "sqlite")) as database:
            counted = {space: (seats, limit) for at, space, seats, limit in
                       database.execute((ANALYTICS / "questions/seats_against_limits.sql").read_text()) if at == org}
        for space, shown in spaces.items():
            for meter in shown["usage"]:
                if meter["meter"] == "members":
                    self.assertEqual(counted[space], (meter["used"], meter["limit"]), f"{org}/{space}")

    def test_every_form_has_the_same_rows(self):
        ndjson, csvs, database = self.fresh("all"), self.fresh("csv", "csv"), self.fresh("all.sqlite", "sqlite")
        for table, shape in self.tables().items():
            wanted = in_order(rows_of_ndjson(ndjson, table))
            self.assertEqual(in_order(rows_of_csv(csvs, table, shape["columns"])), wanted, table)
            self.assertEqual(in_order(rows_of_sqlite(database, table, shape["columns"])), wanted, table)

    def test_a_second_run_adds_what_is_new_and_a_third_nothing(self):
        report = self.export(self.data, self.once)
        self.assertGreater(report["events"], 0)
        for table in self.tables():
            self.assertEqual(in_order(rows_of_ndjson(self.once, table)), in_order(rows_of_ndjson(self.fresh("all"), table)), table)
        self.assertEqual(self.export(self.data, self.once), {"decisions": 0, "events": 0})

    def test_what_was_killed_is_gone_on_with(self):
        rng, took = random.Random(1), None
        for to, name in (("ndjson", "killed"), ("sqlite", "killed.sqlite")):
            out = self.root / name
            began = time.monotonic()
            self.export(self.data, self.root / f"timed-{name}", to)
            took = time.monotonic() - began
            for _ in range(KILLS):
                export = subprocess.Popen([TENURE, "export", "--data", str(self.data), "--to", to, "--out", str(out)],
                                          stdout=subprocess.DEVNULL, env=environment())
                time.sleep(rng.uniform(0, took))
                export.kill()
                export.wait()
            self.export(self.data, out, to)
            for table, shape in self.tables().items():
                rows = rows_of_ndjson(out, table) if to == "ndjson" else rows_of_sqlite(out, table, shape["columns"])
                self.assertEqual(in_order(rows), in_order(rows_of_ndjson(self.fresh("all"), table)), table)

    def test_an_export_of_another_log_or_form_is_left_alone(self):
        other = self.root / "other"
        run(TENURE, "apply", str(self.parts[0]), "--data", str(other))
        for out, to, why in ((self.fresh("all"), "ndjson", "holds an export of log"),
                             (self.fresh("all.sqlite", "sqlite"), "sqlite", "holds an export of log"),
                             (self.fresh("all"), "csv", "not of an export in this format"),
                             (COMPANY, "sqlite", "not a database")):
            data = self.data if to == "csv" else other
            done = subprocess.run([TENURE, "export", "--data", str(data), "--to", to, "--out", str(out)], capture_output=True,
                                  text=True, env=environment(), timeout=120)
            self.assertEqual(done.returncode, 3, (out, to))
            self.assertIn(why, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_postgresql_has_the_same_rows_and_goes_on_too(self):
        postgres = Postgres()
        self.addCleanup(postgres.close)

        def export(data):
            return json.loads(run(TENURE, "export", "--data", str(data), "--to", "postgres", "--out", postgres.connection, "--work",
                                  str(self.root / "postgres-work"), "--json"))

        first, second = export(self.half), export(self.data)
        self.assertEqual((first["events"] > 0, second["events"] > 0), (True, True))
        self.assertEqual(export(self.data), {"decisions": 0, "events": 0})
        for table, shape in self.tables().items():
            self.assertEqual(in_order(postgres.rows(table, shape["columns"])), in_order(rows_of_ndjson(self.fresh("all"), table)), table)

    def ask(self, ndjson, database):
        """All worked questions of Parquet by DuckDB and of SQLite -> the one answer."""
        parquet, plots = self.root / f"{ndjson.name}.parquet", self.root / f"{ndjson.name}.plots"
        run(str(VENV), str(ANALYTICS / "to_parquet.py"), str(ndjson), str(parquet))
        again = run(str(VENV), str(ANALYTICS / "to_parquet.py"), str(ndjson), str(parquet))
        self.assertIn(f"{len(self.tables()) - 1} files", again, "events are converted once")
        other = self.root / f"{ndjson.name}.other"
        shutil.copytree(ndjson, other)
        (other / "log_id").write_text("another\n")
        done = subprocess.run([str(VENV), str(ANALYTICS / "to_parquet.py"), str(other), str(parquet)], capture_output=True, text=True)
        self.assertIn("the export is of another; name a new place", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        answer = run(str(VENV), str(ANALYTICS / "ask.py"), str(parquet), "--plots", str(plots))
        self.assertEqual(run(str(VENV), str(ANALYTICS / "ask.py"), str(database)), answer)
        self.assertEqual({file.name: file.read_bytes()[:4] for file in plots.iterdir()},
                         {f"{name}.png": b"\x89PNG" for name in ("members_by_month", "revenue_by_plan", "seats_against_limits")})
        sections = {}
        for line in answer.splitlines():
            if line.startswith("# "):
                rows = sections.setdefault(line[2:], [])
            else:
                rows.append(line.split("\t"))
        return sections

    def test_the_worked_questions_are_answered_alike_in_every_form(self):
        """Of two years, as the ids of the quickstart's commands have them."""
        data, out = self.root / "years", self.root / "years-ndjson"
        run(TENURE, "apply", str(COMPANY), "--data", str(data), "--times-from-ids", timeout=600)
        self.export(data, out)
        self.export(data, self.root / "years.sqlite", "sqlite")
        answer = self.ask(out, self.root / "years.sqlite")
        events = rows_of_ndjson(out, "events")
        days = {event["time"][:10] for event in events}
        self.assertEqual({file.parent.name for file in (out / "events").rglob("*.ndjson")}, {f"day={day}" for day in days})
        self.assertGreater(len(days), 200)
        months = [row[0] for row in answer["members_by_month"][1:]]
        self.assertEqual((months[0], months), (min(days)[:7], sorted(set(months))))
        self.assertGreaterEqual(len(months), 24)
        for month, members in answer["members_by_month"][1:]:
            self.assertEqual(int(members), sum((event["type"] == "MemberAdded") - (event["type"] == "MemberRemoved")
                                               for event in events if event["time"][:7] <= month), month)
        lines = rows_of_ndjson(out, "invoice_lines")
        revenue = sum(line["amount_minor"] for line in lines)
        self.assertGreater(revenue, 0)
        self.assertEqual(sum(int(row[3]) for row in answer["revenue_by_plan"][1:]), revenue)
        self.assertGreater(len({row[0] for row in answer["revenue_by_plan"][1:]}), 1, "months")

    @unittest.skipUnless(REAL.is_dir(), "the real history lies beside the project")
    def test_the_worked_questions_of_the_real_history(self):
        sys.path.insert(0, str(ROOT / "tests/real"))
        from map_history import map_history, organizations
        data, members = self.root / "real", 0
        commands, merged = self.root / "real.ndjson", []
        for org in organizations(REAL):
            mapped, states = map_history(REAL, org)
            merged += mapped
            members += len(states[-1]["members"])
        merged.sort(key=lambda each: each["id"][:13])  # their time; what is of the same stays in order
        commands.write_text("".join(json.dumps(each) + "\n" for each in merged))
        run(TENURE, "apply", str(commands), "--data", str(data), "--times-from-ids", timeout=600)
        self.export(data, self.root / "real-ndjson")
        self.export(data, self.root / "real.sqlite", "sqlite")
        answer = self.ask(self.root / "real-ndjson", self.root / "real.sqlite")
        self.assertEqual(int(answer["members_by_month"][-1][1]), members, "as the history declares them")
        self.assertGreater(len(answer["members_by_month"]), 80, "eight years of months")
        shutil.rmtree(data)


if __name__ == "__main__":
    unittest.main(verbosity=2)
