#!/usr/bin/env python3
"""Reading a 100 MB CSV file into typed columns: andon against DuckDB, pandas and polars, one thread each, in one run.

usage: python3 bench/csv.py [--program build/bench_table_csv] [--mb 100] [--repeats 3]
Prints one JSON line a case and peer. `ratio` above 1 means andon is faster; the goals are 0.5 for DuckDB (at most twice its time) and 1 for the others. pandas is
told which columns hold times, polars looks for them itself."""
import sys

sys.path.pop(0)  # this file is called csv, too
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


def write_stations(path, size, numpy):
    """20 columns as a plant exports them: serials, times, categories, counts, readings; one cell in thirty is empty."""
    rng = numpy.random.default_rng(3)
    words = [numpy.array([f"{kind}{k}" for k in range(n)]) for kind, n in (("variant ", 4), ("ST", 12), ("tool-", 60), ("operator ", 25))]
    at = numpy.datetime64("2026-01-05T06:00:00")
    with open(path, "w") as f:
        f.write("serial,at," + ",".join(f"kind{k}" for k in range(4)) + "," + ",".join(f"n{k}" for k in range(4)) + "," + ",".join(f"x{k}" for k in range(10)) + "\n")
        row = 0
        while f.tell() < size:
            kinds = [rng.choice(w, 1000) for w in words]
            counts, reals, gone = rng.integers(0, 5000, (1000, 4)), rng.normal(50, 20, (1000, 10)), rng.random((1000, 18)) < 1 / 30
            for i in range(1000):
                cells = [k[i] for k in kinds] + [str(c) for c in counts[i]] + [f"{v:.{1 + j % 5}f}" for j, v in enumerate(reals[i])]
                f.write(f"P{row:07d},{at + numpy.timedelta64(7 * row, 's')}," + ",".join("" if g else c for c, g in zip(cells, gone[i])) + "\n")
                row += 1


def best_of(repeats, read):
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        kept = read()
        best = min(best, time.perf_counter() - start)
        del kept
    return best


def pandas_seconds(path, repeats):
    import pandas

    with open(path) as f:
        times = [name for name in f.readline().strip().split(",") if name == "at"]
    return best_of(repeats, lambda: pandas.read_csv(path, parse_dates=times)), f"pandas {pandas.__version__}"


def polars_seconds(path, repeats):
    import polars

    return best_of(repeats, lambda: polars.read_csv(path, try_parse_dates=True, infer_schema_length=10000)), f"polars {polars.__version__}"


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
    return best, f"DuckDB {duckdb.__version__}"


def main():
    os.environ["POLARS_MAX_THREADS"] = "1"
    import numpy

    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_table_csv")
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    cases = (("numbers, times, categories, gaps, 20 columns", write_stations), ("mixed numbers, 66 columns", write_mixed), ("full doubles, 20 columns", write_full))
    for case, write in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.csv")
            write(path, args.mb << 20, numpy)
            out = subprocess.run([args.program, path, str(args.repeats)], check=True, capture_output=True, text=True).stdout
            ours = json.loads(out)["seconds"]
            for seconds, goal in ((duckdb_seconds, 0.5), (pandas_seconds, 1), (polars_seconds, 1)):
                peer, name = seconds(path, args.repeats)
                print(json.dumps({"bench": "csv", "case": f"{args.mb} MB, {case}", "ours": round(ours, 4), "peer": round(peer, 4), "peer_name": name,
                                  "unit": "s", "ratio": round(peer / ours, 3), "goal": goal, "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
