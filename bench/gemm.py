#!/usr/bin/env python3
"""GEMM, f32, one thread, against OpenBLAS and this core's measured FMA peak (all in turns in one run).

usage: python3 bench/gemm.py [--program build/bench_graph_gemm]
Prints one JSON line a case: bench, case, ours, peer, peer_name, unit, ratio (ours / peer), peak, of_peak (ours / peak), goal (of of_peak), machine."""
import argparse
import json
import os
import re
import subprocess

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/bench_graph_gemm")
program = parser.parse_args().program
with open("/proc/cpuinfo") as f:
    model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
machine = f"{model}, {os.cpu_count()} processors"
# name, then: peak, B packed before, its share of the peak, as it is, its share of the peak, OpenBLAS
row = re.compile(r"^(\d+x\d+x\d+(?: [AB]')*) +([\d.]+) +([\d.]+) +\d+% +([\d.]+) +\d+% +([\d.]+)$")
run = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True)
cases = [m.groups() for m in map(row.match, run.stdout.splitlines()) if m]
if not cases:
    raise SystemExit(f"{program} printed no case")
for name, *figures in cases:
    peak, packed, plain, peer = map(float, figures)
    for kind, ours in (("B packed", packed), ("B as it lies", plain)):
        print(json.dumps({"bench": "gemm", "case": f"{name}, {kind}", "ours": ours, "peer": peer, "peer_name": "OpenBLAS", "unit": "GFLOP/s", "ratio": round(ours / peer, 3),
                          "peak": peak, "of_peak": round(ours / peak, 3), "goal": 0.75 if name == "500x256x256" else None, "machine": machine}), flush=True)
