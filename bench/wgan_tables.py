#!/usr/bin/env python3
"""The tables of docs/results/wgan.md but the first: fidelity of the WGAN on four data sets beside floor, ceiling and the gearbox paper, step sizes, and
what the minority filter lets through, measured on the simulator's truth. Three seeds, Markdown on stdout.

usage: python3 bench/wgan_tables.py [--program build/andon] [--only fidelity|rates|filter]      needs numpy and scikit-learn; reads $ANDON_DATA (default ../shared/data) where it is there
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
parser.add_argument("--only", choices=("fidelity", "filter", "rates"), help="one of the three tables")
options = parser.parse_args()
program, data = os.path.abspath(options.program), os.path.abspath(os.environ.get("ANDON_DATA", "../shared/data"))
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


def whole(name, seed):
    """Rows as the networks make them, both classes, before any filter: judged as a file against the whole training part."""
    n = andon("data", "split", name)["train"]
    andon("synth", "sample", "g", "--rows", str(n), "--seed", str(seed), "--out", "made.csv", "--fresh")
    return andon("synth", "judge", "--data", name, "--synthetic", "made.csv", "--seed", str(seed))


def fidelity(title, name):
    both = (("", ()), (", clip", ("regularity=clip",)))
    minority, everything = [], []
    for method in ("wgan", "wgan-filter"):
        for suffix, settings in both:
            seconds, delivered, made = [], [], []
            for seed in SEEDS:
                seconds.append(fitted(name, method, seed, *settings))
                if method == "wgan-filter":
                    made.append(whole(name, seed))
                try:
                    delivered.append(andon("synth", "judge", "--generator", "g", "--seed", str(seed), "--fresh"))
                except subprocess.CalledProcessError:  # no row passes the filter
                    pass
            passed = "" if method == "wgan" else ", behind its filter" + ("" if len(delivered) == len(SEEDS) else f" ({len(delivered)} of {len(SEEDS)} seeds let rows through)")
            minority.append((method + suffix + passed, delivered, numpy.mean(seconds)))
            if made:
                everything.append((method + suffix + ", before its filter", made, numpy.mean(seconds)))
    for what, group in (("minority rows", minority), ("all rows", everything)):
        judged = next(j for _, js, _ in group for j in js)
        print(f"| **{title}, {what}: {judged['rows_real']}** | | | | | | | | | |")
        row("floor: columns shuffled", [judged["floor"]])
        row("ceiling: one half against the other", [judged["ceiling"]])
        for label, js, seconds in group:
            row(label, [j["scores"] for j in js], seconds)


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
        return self.model.predict_proba(self.matrix(names, rows))[:, 1] >= 0.5


def rates(sets):
    """Step sizes: mean of KS complement and correlation similarity of `wgan`, two seeds. The papers' own stand first."""
    print("| regularity | step size | " + " | ".join(title for title, _ in sets) + " |\n|---|---|" + "---|" * len(sets))
    for regularity, values in (("gradient", (1e-4, 5e-4, 1e-3, 2e-3, 5e-3)), ("clip", (5e-5, 2e-4, 5e-4, 1e-3, 2e-3))):
        for rate in values:
            cells = []
            for _, name in sets:
                scores = []
                for seed in SEEDS[:2]:
                    fitted(name, "wgan", seed, f"regularity={regularity}", f"rate={rate}")
                    j = andon("synth", "judge", "--generator", "g", "--seed", str(seed), "--fresh")["scores"]
                    scores.append((j["ks_complement"] + j["correlation_similarity"]) / 2)
                cells.append(f"{numpy.mean(scores):.3f}")
            print(f"| {regularity} | {rate:g} | {' | '.join(cells)} |", flush=True)


def share(flags):
    return f"{numpy.mean(flags):.3f}" if len(flags) else ""


def filtering():
    """Of the rows drawn from wgan-filter: how many look defective, and what picking the rows generated as broken, and then the filter, makes of that."""
    andon("data", "split", "gearbox", "--out", "part")
    truth = Truth()
    names, rows = table("part.train.csv")
    at = names.index("broken")
    print("| rows | seed | number | defect-like (precision) | of the defect-like rows drawn, kept (recall) |\n|---|---|---|---|---|")
    for title, value in (("real, labelled good", "0"), ("real, labelled broken", "1")):
        some = [r for r in rows if r[at] == value]
        print(f"| {title} | | {len(some)} | {share(truth.defect_like(names, some))} | |")
    for method in ("smote", "wgan"):
        for seed in SEEDS:
            fitted("gearbox", method, seed)
            andon("synth", "sample", "g", "--rows", "3000", "--seed", str(seed), "--out", "made.csv", "--fresh")
            print(f"| {method} | {seed} | 3000 | {share(truth.defect_like(*table('made.csv')))} | |")
    report = None
    for label, settings in (("", ()), (", clip", ("regularity=clip",))):
        for seed in SEEDS:
            fitted("gearbox", "wgan-filter", seed, *settings)
            kept = andon("synth", "sample", "g", "--rows", "600", "--filter", "--seed", str(seed), "--out", "kept.csv", "--fresh")
            andon("synth", "sample", "g", "--rows", str(kept["drawn"]), "--seed", str(seed), "--out", "made.csv", "--fresh")
            names, rows = table("made.csv")
            defect = truth.defect_like(names, rows)
            broken = numpy.array([r[names.index("broken")] == "1" for r in rows])
            names, rows = table("kept.csv")
            passed = numpy.zeros(len(defect), bool)
            passed[[int(r[names.index("_row")]) for r in rows]] = True
            assert (passed & ~broken).sum() == 0
            for title, chosen in (("all drawn", numpy.ones(len(defect), bool)), ("generated as broken", broken), ("passed the filter", passed)):
                print(f"| wgan-filter{label}: {title} | {seed} | {chosen.sum()} | {share(defect[chosen])} | {share(chosen[defect])} |")
            report = report or kept["filter"]
    print("\nThe filter's own report (first seed):\n\n```\n" + json.dumps(report, indent=2) + "\n```")


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
    if options.only in (None, "fidelity"):
        print("| | KS complement | correlation similarity | Wasserstein | JS distance (base 2) | C2ST AUC | median distance to closest record | copies | TSTR F1 | processor s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        print("| gearbox paper, WGAN | 0.759 | 0.922 | 0.024 | 0.309 | | | | | |\n| gearbox paper, CTGAN | 0.799 | 0.931 | 0.022 | 0.261 | | | | | |")
        for title, name in sets:
            fidelity(title, name)
        print()
    if options.only in (None, "rates"):
        rates(sets)
        print()
    if options.only in (None, "filter"):
        fitted("gearbox", "random", 1)
        andon("synth", "sample", "g", "--rows", "1", "--out", "made.csv")
        filtering()
