#!/usr/bin/env python3
"""Time to generate 1,000 and 10,000 rows of the gearbox table in memory, two threads, beside the figures of the gearbox paper (0.14 s and 0.32 s).

usage: python3 bench/sample.py [--program build/andon]
`ours` is the best of five judgements; the goal is 10,000 rows in 50 ms. Prints one JSON line a case."""
import argparse
import json
import os
import subprocess
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/andon")
program = os.path.abspath(parser.parse_args().program)


def andon(*words):
    return json.loads(subprocess.run([program, *words, "--json", "--threads", "2"], check=True, capture_output=True, text=True).stdout)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    andon("init")
    andon("sim", "gearbox", "--out", "gearbox.csv")
    andon("data", "import", "gearbox", "gearbox.csv", "--target", "broken")
    andon("synth", "fit", "g", "--data", "gearbox", "--set", "steps=1000")
    best = {}
    for i in range(5):
        scores = andon("synth", "judge", "--generator", "g", "--rows", str(200 + i))["scores"]
        for key in ("sample_1k_s", "sample_10k_s"):
            best[key] = min(best.get(key, 9e9), scores[key])
with open("/proc/cpuinfo") as f:
    model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
for key, rows, paper, goal in (("sample_1k_s", 1000, 0.14, None), ("sample_10k_s", 10000, 0.32, 0.32 / 0.05)):
    print(json.dumps({"bench": "sample", "case": f"wgan, {rows} rows, 2 threads", "ours": best[key], "peer": paper, "peer_name": "gearbox paper, its own machine", "unit": "s",
                      "ratio": paper / best[key], "goal": goal, "machine": f"{model}, {os.cpu_count()} processors"}))
