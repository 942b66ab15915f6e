#!/usr/bin/env python3
"""The tables of docs/results/wgan.md but the first: fidelity of the WGAN on four data sets beside floor, ceiling and the gearbox paper, and what the minority
filter lets through, measured on the simulator's truth. Means over three seeds, Markdown on stdout.

usage: python3 bench/wgan_tables.py [--program build/andon]      needs numpy and scikit-learn; reads $ANDON_DATA (default ../shared/data) where it is there
Defect-like: a logistic model trained on 15,000 other simulated parts and their clean labels gives the row a probability of at least 0.5 of being broken."""
import sys

sys.path.pop(0)  # csv.py beside this file is another bench
import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import tempfile

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/andon")
program, data = os.path.abspath(parser.parse_args().program), os.path.abspath(os.environ.get("ANDON_DATA", "../shared/data"))
SEEDS = (1, 2, 3)


def andon(*words):
    return json.loads(subprocess.run([program, *words, "--json", "--quiet"], check=True, capture_output=True, text=True).stdout)


def fitted(name, method, seed, *settings):
    """Fits generator g; returns processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    andon("synth", "fit", "g", "--data", name, "--method", method, "--seed", str(seed), "--fresh", *[w for s in settings for w in ("--set", s)])
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


COLUMNS = (("ks_complement", 3), ("correlation_similarity", 3), ("wasserstein", 4), ("js_distance", 3), ("c2st_auc", 3), ("dcr_median", 3), ("copies", 0), ("tstr_f1", 3))


def row(title, scores, seconds=None):
    values = []
    for key, digits in COLUMNS:
        v = [s[key] for s in scores if s.get(key) is not None]
        values.append(f"{numpy.mean(v):.{digits}f}" if v else "")
    print(f"| {title} | {' | '.join(values)} | {'' if seconds is None else f'{seconds:.2f}'} |")


def fidelity(title, name):
    for rows, methods in (("minority rows", (("wgan", ()), ("wgan, clip", ("regularity=clip",)))), ("all rows", (("wgan-filter", ()),))):
        first = True
        for label, settings in methods:
            own, seconds, judged = [], [], None
            for seed in SEEDS:
                seconds.append(fitted(name, label.split(",")[0], seed, *settings))
                judged = andon("synth", "judge", "--generator", "g", "--seed", str(seed), "--fresh")
                own.append(judged["scores"])
            if first:
                print(f"| **{title}, {rows}: {judged['rows_real']}** | | | | | | | | | |")
                row("floor: columns shuffled", [judged["floor"]])
                row("ceiling: one half against the other", [judged["ceiling"]])
                first = False
            row(label, own, numpy.mean(seconds))


def table(path):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    return rows[0], rows[1:]


class Truth:
    def __init__(self):
        andon("sim", "gearbox", "--rows", "15000", "--seed", "99", "--out", "other.csv")
        names, rows = table("other.csv")
        self.names = table("made.csv")[0]
        self.names = [n for n in self.names if n != "broken" and not n.startswith("_")]
        self.values = {}
        for n in self.names:
            j = names.index(n)
            try:
                [float(r[j]) for r in rows]
            except ValueError:
                self.values[n] = sorted(set(r[j] for r in rows))
        truth = table("other.truth.csv")
        clean = [int(r[truth[0].index("broken_clean")]) for r in truth[1]]
        self.model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000)).fit(self.matrix(names, rows), clean)

    def matrix(self, names, rows):
        out = []
        for n in self.names:
            j = names.index(n)
            out += [[float(r[j] == v) for r in rows] for v in self.values[n]] if n in self.values else [[float(r[j]) for r in rows]]
        return numpy.array(out).T

    def defect_like(self, names, rows):
        return (self.model.predict_proba(self.matrix(names, rows))[:, 1] >= 0.5).mean() if rows else float("nan")


def filtering():
    andon("data", "split", "gearbox", "--out", "part")
    truth = Truth()
    names, rows = table("part.train.csv")
    at = names.index("broken")
    print("| rows | defect-like |\n|---|---|")
    for title, value in (("real, labelled good", "0"), ("real, labelled broken", "1")):
        print(f"| {title} | {truth.defect_like(names, [r for r in rows if r[at] == value]):.3f} |")
    found, report = {}, None
    for seed in SEEDS:
        for method in ("smote", "wgan", "wgan-filter"):
            fitted("gearbox", method, seed)
            andon("synth", "sample", "g", "--rows", "3000", "--seed", str(seed), "--out", "made.csv", "--fresh")
            names, rows = table("made.csv")
            found.setdefault(method + ": all generated" if method == "wgan-filter" else method, []).append(truth.defect_like(names, rows))
        at = names.index("broken")
        found.setdefault("wgan-filter: generated as broken", []).append(truth.defect_like(names, [r for r in rows if r[at] == "1"]))
        report = andon("synth", "sample", "g", "--rows", "600", "--filter", "--seed", str(seed), "--out", "made.csv", "--fresh")["filter"]
        found.setdefault("wgan-filter: passed the filter", []).append(truth.defect_like(*table("made.csv")))
    for title, values in found.items():
        print(f"| {title} | {numpy.mean(values):.3f} |")
    print("\nThe filter's own report (last seed):\n\n```\n" + json.dumps(report, indent=2) + "\n```")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([program, "init", "--quiet"], check=True, capture_output=True)
    andon("sim", "gearbox", "--out", "gearbox.csv")
    andon("data", "import", "gearbox", "gearbox.csv", "--target", "broken")
    sets = [("simulated gearbox", "gearbox")]
    steel, secom, ai4i = os.path.join(data, "steel-plates-faults"), os.path.join(data, "secom"), os.path.join(data, "ai4i2020", "ai4i2020.csv")
    if os.path.exists(ai4i):
        andon("data", "import", "ai4i", ai4i, "--target", "Machine failure", "--drop", "UDI,Product ID,TWF,HDF,PWF,OSF,RNF")
        andon("data", "import", "stains", os.path.join(steel, "Faults.NNA"), "--no-header", "--names", os.path.join(steel, "Faults27x7_var"), "--target", "Stains",
              "--drop", "Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults")
        with gzip.open(os.path.join(secom, "secom_1547.data.gz"), "rt") as f, open(os.path.join(secom, "secom_1547_labels.data")) as g, open("secom.txt", "w") as out:
            out.writelines(a.rstrip("\n") + " " + b for a, b in zip(f, g))
        andon("data", "import", "secom", "secom.txt", "--no-header", "--delimiter", "space", "--target", "c591", "--positive", "1", "--drop", "c592")
        sets += [("AI4I", "ai4i"), ("steel plates, stains", "stains"), ("SECOM", "secom")]
    print("| | KS complement | correlation similarity | Wasserstein | JS distance (base 2) | C2ST AUC | median distance to closest record | copies | TSTR F1 | processor s |\n|---|---|---|---|---|---|---|---|---|---|")
    print("| gearbox paper, WGAN | 0.759 | 0.922 | 0.024 | 0.309 | | | | | |\n| gearbox paper, CTGAN | 0.799 | 0.931 | 0.022 | 0.261 | | | | | |")
    for title, name in sets:
        fidelity(title, name)
    print()
    fitted("gearbox", "random", 1)
    andon("synth", "sample", "g", "--rows", "1", "--out", "made.csv")
    filtering()
