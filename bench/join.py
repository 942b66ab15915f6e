#!/usr/bin/env python3
"""Joining two tables of 1,000,000 rows by a text key: andon against DuckDB, in one run.

usage: python3 bench/join.py [--program build/bench_table_join] [--rows 1000000] [--repeats 3] [--threads 1,2]
Prints one JSON line a case. `ratio` above 1 means andon is faster; the goal is 0.5 (at most twice DuckDB's time). Both start from typed tables in memory
and end with one; andon's time includes its report of unmatched, repeated and missing keys."""
import sys

sys.path.pop(0)  # csv.py beside this file is another bench
import argparse
import json
import os
import platform
import subprocess
import time


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} processors"


def duckdb_seconds(rows, threads, repeats):
    import duckdb

    db = duckdb.connect(":memory:")
    db.execute(f"SET threads TO {threads}")
    db.execute("SELECT setseed(0.5)")
    key = "printf('SN%010d', (i * 7919)::BIGINT) AS serial"
    db.execute(f"CREATE TABLE press AS SELECT {key}, random() AS force, (random() * 1000000)::BIGINT AS count FROM range({rows}) t(i) ORDER BY hash(i)")
    db.execute(f"CREATE TABLE test AS SELECT {key}, random() AS torque, (random() * 1000000)::BIGINT AS angle, 'note ' || (i * 7919) AS note FROM range({rows}) t(i) ORDER BY hash(i + 12345)")
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        db.execute("CREATE TABLE joined AS SELECT * FROM press JOIN test USING (serial)")
        best = min(best, time.perf_counter() - start)
        assert db.execute("SELECT count(*) FROM joined").fetchone()[0] == rows
        db.execute("DROP TABLE joined")
    db.close()
    return best


def main():
    import duckdb

    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_table_join")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", default="1,2")
    args = parser.parse_args()
    for threads in map(int, args.threads.split(",")):
        out = subprocess.run([args.program, str(args.rows), str(threads), str(args.repeats)], check=True, capture_output=True, text=True).stdout
        ours = json.loads(out)["seconds"]
        peer = duckdb_seconds(args.rows, threads, args.repeats)
        print(json.dumps({"bench": "join", "case": f"{args.rows} rows by text key, {threads} thread{'s' if threads > 1 else ''}", "ours": round(ours, 4), "peer": round(peer, 4),
                          "peer_name": f"DuckDB {duckdb.__version__}", "unit": "s", "ratio": round(peer / ours, 3), "goal": 0.5, "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
