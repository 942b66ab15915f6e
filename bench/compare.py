#!/usr/bin/env python3
"""`compare` on AI4I: 10 repeats, six balancings with three inner folds, against the same work in scikit-learn and imbalanced-learn (without the WGAN, which they do not have).

usage: python3 bench/compare.py [--program build/andon]      reads $ANDON_DATA (default ../shared/data)
Prints one JSON line a case: the whole command with the WGAN against a goal of 60 s, and the five balancings that both have."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/andon")
program = os.path.abspath(parser.parse_args().program)
data = os.path.abspath(os.path.join(os.environ.get("ANDON_DATA", "../shared/data"), "ai4i2020", "ai4i2020.csv"))
if not os.path.exists(data):
    print("skipped: ANDON_DATA does not hold ai4i2020/ai4i2020.csv", file=sys.stderr)
    sys.exit(0)


def ours(balance):
    with tempfile.TemporaryDirectory() as folder:
        run = lambda *words: subprocess.run([program, *words, "--quiet", "--threads", "2"], check=True, capture_output=True, cwd=folder)
        run("init")
        run("data", "import", "ai4i", data, "--target", "Machine failure", "--drop", "RNF")
        start = time.perf_counter()
        run("compare", "--data", "ai4i", "--balance", balance, "--repeats", "10")
        return time.perf_counter() - start


def theirs():
    import numpy
    from imblearn.over_sampling import SMOTE, RandomOverSampler
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit, cross_val_predict
    from sklearn.preprocessing import StandardScaler

    warnings.simplefilter("ignore")
    rows = [line.split(",") for line in open(data, encoding="utf-8-sig").read().splitlines()]
    names, rows = rows[0], rows[1:]
    pick = [i for i, n in enumerate(names) if n not in ("UDI", "Product ID", "Type", "Machine failure", "TWF", "HDF", "PWF", "OSF", "RNF")]
    kind = names.index("Type")
    x = numpy.array([[float(r[i]) for i in pick] + [r[kind] == v for v in "HLM"] for r in rows], float)
    y = numpy.array([int(r[names.index("Machine failure")]) for r in rows])
    plain = lambda **k: LogisticRegression(C=1, max_iter=1000, **k)
    pipes = [lambda: make_pipeline(StandardScaler(), plain()), lambda: make_pipeline(StandardScaler(), plain(class_weight="balanced")),
             lambda: make_pipeline(RandomOverSampler(random_state=1), StandardScaler(), plain()), lambda: make_pipeline(StandardScaler(), SMOTE(random_state=1), plain())]
    start = time.perf_counter()
    for train, test in StratifiedShuffleSplit(10, test_size=0.25, random_state=1).split(x, y):
        for make in pipes:
            make().fit(x[train], y[train]).predict_proba(x[test])
            cross_val_predict(make(), x[train], y[train], cv=StratifiedKFold(3), method="predict_proba", n_jobs=1)
    return time.perf_counter() - start


with open("/proc/cpuinfo") as f:
    model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
machine = f"{model}, {os.cpu_count()} processors"
whole = ours("none,threshold,weights,random,smote,wgan")
print(json.dumps({"bench": "compare", "case": "AI4I, 10 repeats, six balancings, two threads", "ours": whole, "peer": 60, "peer_name": "the goal", "unit": "s", "ratio": 60 / whole, "goal": 1, "machine": machine}))
mine, peer = ours("none,threshold,weights,random,smote"), theirs()
print(json.dumps({"bench": "compare", "case": "AI4I, 10 repeats, without the WGAN, two threads", "ours": mine, "peer": peer, "peer_name": "scikit-learn and imbalanced-learn", "unit": "s",
                  "ratio": peer / mine, "goal": None, "machine": machine}))
