#!/usr/bin/env python3
"""Profiling a table of 1,000,000 rows x 50 columns: andon (`data profile --out`, two threads, the whole command with reading the stored table
and writing page, tables and JSON) against ydata-profiling, which reads the same table from Parquet and writes its HTML page, in the same run.

usage: python3 bench/profile.py [--program build/andon] [--rows 1000000] [--repeats 3] [--default-rows 10000] [--no-peer]
Prints one JSON line a case, with processor times (of all threads) beside wall times, for a machine that is busy. `ratio` above 1 means andon is faster; the goals are 5 s and a ratio of 10. The peer runs in its `minimal` mode
(no correlations, no interactions, no missing-value diagrams), which is the one its documentation names for large tables; a second, smaller
case runs both with all they do. The peer is timed once: it takes
minutes, ten of them for the smaller case (--default-rows 0 leaves it out)."""
import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time

PEER = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import pandas
import ydata_profiling
from ydata_profiling import ProfileReport
start = time.perf_counter()
frame = pandas.read_parquet(sys.argv[1])
if sys.argv[3] == "minimal":
    report = ProfileReport(frame, minimal=True, progress_bar=False)
else:
    report = ProfileReport(frame, progress_bar=False)
report.to_file(sys.argv[2])
print(time.perf_counter() - start, ydata_profiling.__version__)
"""


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} processors"


def write_table(path, rows):
    """A time, 36 readings (a third rounded as gauges do, one stuck, one with a step), 8 counts, 4 categories, a target: 1 % missing."""
    import numpy
    import pyarrow
    import pyarrow.parquet

    rng = numpy.random.default_rng(1)
    columns = {"time": pyarrow.array(numpy.datetime64("2026-01-01T06:00:00", "us") + numpy.arange(rows) * numpy.timedelta64(4_000_000, "us"))}
    broken = rng.random(rows) < 0.05
    for j in range(36):
        x = rng.normal(10 + j, 1 + j / 10, rows) + (0.5 * broken if j % 6 == 0 else 0)
        if j % 3 == 0:
            x = numpy.round(x, 2)
        if j == 4:
            x[rows // 2 : rows // 2 + rows // 200] = 12.4
        if j == 5:
            x[rows * 2 // 3 :] += 2
        columns[f"reading_{j:02d}"] = pyarrow.array(x, mask=rng.random(rows) < 0.01)
    for j in range(8):
        columns[f"count_{j}"] = pyarrow.array(rng.poisson(3 * 2**j, rows), mask=rng.random(rows) < 0.01)
    for j, k in enumerate((3, 5, 12, 60)):
        names = [f"{'variant line lot tool'.split()[j]} {i:02d}" for i in range(k)]
        columns["variant line lot tool".split()[j]] = pyarrow.DictionaryArray.from_arrays(pyarrow.array(rng.integers(0, k, rows).astype("int32")), names).cast(pyarrow.string())
    columns["broken"] = pyarrow.array(broken.astype("int64"))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def ours(program, folder, path, name, repeats):
    run = lambda *args: subprocess.run([program, *args, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    run("data", "import", name, path, "--target", "broken", "--time", "time")
    best, cpu = float("inf"), float("inf")
    for _ in range(repeats):
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        run("data", "profile", name, "--out", f"{name}.html", "--threads", "2", "--json")
        best, now = min(best, time.perf_counter() - start), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = min(cpu, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return best, cpu


def peer(path, folder, mode):
    out = subprocess.run([sys.executable, "-c", PEER, path, os.path.join(folder, "peer.html"), mode], check=True, capture_output=True, text=True).stdout.split()
    return float(out[-2]), out[-1]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", default="build/andon")
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--default-rows", type=int, default=10_000)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--no-peer", action="store_true")
    a = p.parse_args()
    program = os.path.abspath(a.program)
    folder = tempfile.mkdtemp(prefix="andon-profile.")
    try:
        subprocess.run([program, "init", "."], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for name, rows, mode in (("large", a.rows, "minimal"), ("small", a.default_rows, "default")):
            if not rows:
                continue
            path = os.path.join(folder, f"{name}.parquet")
            write_table(path, rows)
            seconds, cpu = ours(program, folder, path, name, a.repeats)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            theirs, version = (None, "") if a.no_peer else peer(path, folder, mode)
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            their_cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            print(json.dumps({"bench": "profile", "case": f"{rows} x 50, two threads, peer's {mode} mode", "ours": round(seconds, 3), "ours_processor_s": round(cpu, 3), "peer": theirs and round(theirs, 1), "peer_processor_s": theirs and round(their_cpu, 1),
                              "peer_name": f"ydata-profiling {version}", "unit": "s", "ratio": theirs and round(theirs / seconds, 1),
                              "goal": "5 s, ratio 10" if rows >= 1_000_000 else "ratio 10", "machine": machine()}), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
