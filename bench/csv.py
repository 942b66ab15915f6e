#!/usr/bin/env python3
"""Reading a 100 MB numeric CSV file into typed columns: andon against DuckDB, one thread each, in one run.

usage: python3 bench/csv.py [--program build/bench_table_csv] [--mb 100] [--repeats 3]
Prints one JSON line a case. `ratio` above 1 means andon is faster; the goal is 0.5 (at most twice DuckDB's time)."""
import argparse
import json
import os
import platform
import subprocess
import tempfile
import time


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} processors"


def write_mixed(path, size, numpy):
    """66 columns as a station writes them: counts, readings with one to six decimals."""
    rng = numpy.random.default_rng(1)
    with open(path, "w") as f:
        f.write(",".join(f"c{j}" for j in range(66)) + "\n")
        while f.tell() < size:
            whole = rng.integers(0, 100000, (1000, 16))
            real = rng.normal(50, 20, (1000, 50))
            for i in range(1000):
                f.write(",".join(map(str, whole[i])) + "," + ",".join(f"{v:.{1 + j % 6}f}" for j, v in enumerate(real[i])) + "\n")


def write_full(path, size, numpy):
    """20 columns of doubles with all their digits, as a script writes them."""
    rng = numpy.random.default_rng(2)
    with open(path, "w") as f:
        f.write(",".join(f"c{j}" for j in range(20)) + "\n")
        while f.tell() < size:
            for row in rng.normal(0, 1, (1000, 20)):
                f.write(",".join(map(repr, map(float, row))) + "\n")


def duckdb_seconds(path, repeats):
    import duckdb

    best = float("inf")
    for _ in range(repeats):
        db = duckdb.connect(":memory:")
        db.execute("SET threads TO 1")
        start = time.perf_counter()
        db.execute(f"CREATE TABLE t AS SELECT * FROM read_csv_auto('{path}')")
        best = min(best, time.perf_counter() - start)
        db.close()
    return best


def main():
    import duckdb
    import numpy

    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_table_csv")
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    for case, write in (("mixed numbers, 66 columns", write_mixed), ("full doubles, 20 columns", write_full)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.csv")
            write(path, args.mb << 20, numpy)
            out = subprocess.run([args.program, path, str(args.repeats)], check=True, capture_output=True, text=True).stdout
            ours = json.loads(out)["seconds"]
            peer = duckdb_seconds(path, args.repeats)
            print(json.dumps({"bench": "csv", "case": f"{args.mb} MB, {case}", "ours": round(ours, 4), "peer": round(peer, 4),
                              "peer_name": f"DuckDB {duckdb.__version__}", "unit": "s", "ratio": round(peer / ours, 3), "goal": 0.5,
                              "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
