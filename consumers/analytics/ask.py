#!/usr/bin/env python3
"""The worked questions (questions/*.sql, one statement each) asked of an export, as tables and as plots.

    build/venv/bin/python consumers/analytics/ask.py PARQUET|EXPORT.sqlite [--plots DIR]

PARQUET is what to_parquet.py made; it is asked with DuckDB, a database with SQLite: the same statements.
"""

import argparse
import pathlib
import sqlite3
import sys

QUESTIONS = pathlib.Path(__file__).resolve().parent / "questions"


def of_parquet(directory):
    import duckdb
    database = duckdb.connect()
    # Times as the text that they are in the other forms.
    for path in [*sorted(directory.glob("*.parquet")), directory / "events"]:
        files = f"{path}/*/*.parquet" if path.is_dir() else str(path)
        table = path.stem
        columns = database.sql(f"DESCRIBE SELECT * FROM read_parquet('{files}')").fetchall()
        chosen = ", ".join(f"""strftime("{name}" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS "{name}\"""" if "TIMESTAMP" in kind
                           else f'"{name}"' for name, kind, *_ in columns)
        database.sql(f"CREATE VIEW {table} AS SELECT {chosen} FROM read_parquet('{files}')")
    return database


def ask(database, name):
    """-> the names of the columns, the rows."""
    cursor = database.execute((QUESTIONS / f"{name}.sql").read_text())
    return [column[0] for column in cursor.description], [tuple(row) for row in cursor.fetchall()]


def plot(name, rows, file):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(10, 4), layout="constrained")
    if name == "members_by_month":
        axes.plot([month for month, _ in rows], [members for _, members in rows], marker=".")
        axes.set_ylabel("members")
    elif name == "seats_against_limits":
        limited = sorted((row for row in rows if row[3]), key=lambda row: row[2] / row[3])[-20:]
        axes.barh([f"{org}/{space}" for org, space, *_ in limited], [seats / limit for *_, seats, limit in limited])
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xlabel("seats taken, of those that the plan allows")
    else:
        months = sorted({month for month, *_ in rows})
        below = [0] * len(months)
        for plan in sorted({plan for _, plan, *_ in rows}):
            amounts = [sum(amount for at, which, _, amount in rows if (at, which) == (month, plan)) / 100 for month in months]
            axes.bar(months, amounts, bottom=below, label=plan)
            below = [low + amount for low, amount in zip(below, amounts)]
        axes.set_ylabel("invoiced a month")
        axes.legend()
    axes.tick_params(axis="x", rotation=90)
    axes.set_title(name.replace("_", " "))
    figure.savefig(file)
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=pathlib.Path)
    parser.add_argument("--plots", type=pathlib.Path)
    options = parser.parse_args()
    if not options.export.exists():
        sys.exit(f"there is no {options.export}; tenure export makes one")
    database = of_parquet(options.export) if options.export.is_dir() else sqlite3.connect(options.export)
    for question in sorted(QUESTIONS.glob("*.sql")):
        columns, rows = ask(database, question.stem)
        print(f"# {question.stem}", "\t".join(columns), *("\t".join(map(str, row)) for row in rows), sep="\n")
        if options.plots:
            options.plots.mkdir(parents=True, exist_ok=True)
            plot(question.stem, rows, options.plots / f"{question.stem}.png")


if __name__ == "__main__":
    main()
