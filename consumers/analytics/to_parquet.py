#!/usr/bin/env python3
"""An export in NDJSON as Parquet, file by file: what is there already is left, so a run that was cut off goes on.

    build/venv/bin/python consumers/analytics/to_parquet.py EXPORT PARQUET

EXPORT is what `tenure export --to ndjson --out EXPORT` made. The layout stays: events/day=.../*.parquet, <table>.parquet. Times
become timestamps in UTC; JSON stays text.
"""

import json
import os
import pathlib
import sys

import pyarrow
import pyarrow.compute
import pyarrow.parquet

TYPES = {"text": pyarrow.string(), "json": pyarrow.string(), "time": pyarrow.string(), "integer": pyarrow.int64()}
MOMENT = pyarrow.timestamp("us", tz="UTC")
ROWS = 100_000  # of a row group


def batches(path, columns):
    """The rows of a file, as record batches with the types of the schema."""
    schema = pyarrow.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    with open(path, encoding="utf-8") as lines:
        rows = []
        for line in lines:
            row = json.loads(line)
            for name, kind in columns.items():
                if kind == "json" and row[name] is not None:
                    row[name] = json.dumps(row[name], separators=(",", ":"), ensure_ascii=False)
            rows.append(row)
            if len(rows) == ROWS:
                yield pyarrow.RecordBatch.from_pylist(rows, schema)
                rows = []
        yield pyarrow.RecordBatch.from_pylist(rows, schema)


def convert(source, target, columns):
    """Takes its place when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".new")
    schema = pyarrow.schema([(name, MOMENT if kind == "time" else TYPES[kind]) for name, kind in columns.items()])
    with pyarrow.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for batch in batches(source, columns):
            arrays = [pyarrow.compute.strptime(pyarrow.compute.utf8_slice_codeunits(column, 0, 19), "%Y-%m-%dT%H:%M:%S", "us")
                      if kind == "time" else column for column, kind in zip(batch.columns, columns.values())]
            for place, (column, kind) in enumerate(zip(batch.columns, columns.values())):
                if kind == "time":
                    micros = pyarrow.compute.cast(pyarrow.compute.utf8_slice_codeunits(column, 20, 26), pyarrow.int64())
                    whole = pyarrow.compute.cast(arrays[place], pyarrow.int64())
                    arrays[place] = pyarrow.compute.cast(pyarrow.compute.add(whole, micros), MOMENT)
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
    os.replace(unfinished, target)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    export, out = map(pathlib.Path, sys.argv[1:])
    if not (export / "schema.json").is_file():
        sys.exit(f"{export} is no export in NDJSON: run tenure export --to ndjson --out {export}")
    log, known = (export / "log_id").read_text(), out / "log_id"
    if known.exists() and known.read_text() != log:
        sys.exit(f"{out} holds log {known.read_text().strip()}, the export is of {log.strip()}; name a new place")
    out.mkdir(parents=True, exist_ok=True)
    known.write_text(log)
    schema = json.loads((export / "schema.json").read_text())
    done = 0
    for source in sorted((export / "events").rglob("*.ndjson")):
        target = out / source.relative_to(export).with_suffix(".parquet")
        if not target.exists():
            convert(source, target, schema["events"]["columns"])
            done += 1
    for table, shape in schema.items():
        if table != "events":
            convert(export / f"{table}.ndjson", out / f"{table}.parquet", shape["columns"])
            done += 1
    print(f"{done} files written to {out}")


if __name__ == "__main__":
    main()
