#!/usr/bin/env python3
"""GEMM against this core's measured FMA peak and OpenBLAS, one thread: the measuring program prints the JSON lines itself.

usage: python3 bench/gemm.py [--program build/bench_graph_gemm]"""
import argparse
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/bench_graph_gemm")
sys.exit(subprocess.call([parser.parse_args().program]))
