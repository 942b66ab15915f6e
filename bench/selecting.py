#!/usr/bin/env python3
"""How much of the truth `andon data select` recovers from the raw view of the simulated gearbox line, beside simple rankings.

usage: python3 bench/selecting.py [--andon build/andon] [--seeds 1,2,3,4,5,6,7,8,9,10] [--rows 1100]
The truth comes from the simulator: a column matters when a fault moves it, measured by simulating the same parts with faults (--severity 1) and without
(--severity 0): root mean square of the difference over the parts of one failure mode, over the standard deviation of good parts of one variant, is 1 or more
for at least one mode. Prints Markdown; needs numpy, pandas and scikit-learn."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder has a csv.py of its own
import numpy as np
import pandas as pd


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def last_attempts(path):
    return pd.read_csv(path, low_memory=False).drop_duplicates("serial", keep="last").set_index("serial")


def truth(andon, folder):
    """column -> kind, and the columns that some fault moves by a standard deviation or more"""
    for severity in (1, 0):
        run(andon, "sim", "gearbox", "--raw", "--rows", "15000", "--seed", "99", "--severity", str(severity), "--out", f"{folder}/t{severity}.csv", "--quiet")
    mode = pd.read_csv(f"{folder}/t1.truth.csv")["mode"].to_numpy()
    kinds = pd.read_csv(f"{folder}/t1.columns.csv").drop_duplicates("column").set_index("column")["kind"]
    moved = set()
    for station, variant in (("press", "variant"), ("screw", "screw_recipe")):
        with_faults, without = last_attempts(f"{folder}/t1.{station}.csv"), last_attempts(f"{folder}/t0.{station}.csv")
        of = mode[with_faults.index.str.extract(r"(\d+)$")[0].astype(int).to_numpy() - 1]
        good = of == "ok"
        for column in with_faults.select_dtypes("number"):
            a = with_faults[column]
            if column == "broken" or a.nunique() < 2:
                continue
            sd = (a[good] - with_faults[good].groupby(variant)[column].transform("mean")).std()
            difference = (a - without[column].reindex(a.index)).to_numpy()
            if any(np.sqrt(np.nanmean(difference[of == m] ** 2)) >= sd for m in set(of) - {"ok"}):
                moved.add(column)
    return kinds, moved


def score(kinds, moved, taken, covered):
    useful = set(kinds[kinds == "useful"].index)
    matter = useful & moved
    return [len(taken), len(taken & moved), len(taken & useful), len(covered & matter), len(covered & useful)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--andon", default="build/andon")
    parser.add_argument("--seeds", default="1,2,3,4,5,6,7,8,9,10")
    parser.add_argument("--rows", default="1100")
    args = parser.parse_args()
    from sklearn.feature_selection import f_classif, mutual_info_classif

    andon, results, auc = os.path.abspath(args.andon), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        kinds, moved = truth(andon, folder)
        useful = set(kinds[kinds == "useful"].index)
        run(andon, "init", "ws")
        os.chdir("ws")
        for seed in args.seeds.split(","):
            run(andon, "sim", "gearbox", "--raw", "--rows", args.rows, "--seed", seed, "--out", "g.csv", "--quiet")
            for station in ("press", "screw"):
                run(andon, "data", "import", f"{station}{seed}", f"g.{station}.csv", "--quiet")
            run(andon, "data", "join", f"part{seed}", f"press{seed}", f"screw{seed}", "--on", "serial", "--attempts", "last", "--target", "broken", "--quiet")
            report = json.loads(run(andon, "data", "select", f"part{seed}", "--to", f"small{seed}", "--json"))
            selection = report["selection"]
            chosen = [g for g in selection["groups"] if g["selected"]]
            rows = {"andon data select": ({g["representative"] for g in chosen}, {m for g in chosen for m in g["members"]})}

            # the rivals see the same training rows and features
            run(andon, "data", "split", f"part{seed}", "--out", "p", "--quiet")
            train = pd.read_csv("p.train.csv", low_memory=False)
            names = [c for g in selection["groups"] for c in g["members"] if pd.api.types.is_numeric_dtype(train[c])]
            x = train[names].fillna(train[names].median()).to_numpy(float)
            y = train["broken"].to_numpy()
            rankings = {"f_classif": f_classif(x, y)[0], "mutual_info_classif": mutual_info_classif(x, y, random_state=0)}
            for name, values in rankings.items():
                order = [names[i] for i in np.argsort(-np.nan_to_num(values), kind="stable")]
                for k, label in ((len(chosen), "as many columns"), (66, "66 columns")):
                    taken = set(order[:k])
                    rows[f"scikit-learn {name}, {label}"] = (taken, taken)
            for name, (taken, covered) in rows.items():
                results.setdefault(name, []).append(score(kinds, moved, taken, covered))
            results.setdefault("shuffled", []).append([selection["shuffled_selected"], selection["shuffled"]])
            for data in (f"part{seed}", f"small{seed}"):
                model = json.loads(run(andon, "model", "train", f"m_{data}", "--data", data, "--balance", "threshold", "--json"))
                auc.setdefault(data.rstrip("0123456789"), []).append([model["metrics"][m]["value"] for m in ("roc_auc", "pr_auc", "f2")])
    matter = len(useful & moved)
    competed = results.pop("shuffled")
    print(f"{len(args.seeds.split(','))} seeds, {args.rows} parts each; of the {len(useful)} useful columns {matter} are moved by a fault, of all {len(kinds)} columns {len(moved)}.\n")
    print(f"| | columns taken | of these moved by a fault (precision) | of these useful | of the {matter} useful ones that faults move: covered (recall) | of all {len(useful)} useful: covered |")
    print("|---|---|---|---|---|---|")
    for name, values in results.items():
        taken, right, named, found, all_found = np.mean(values, axis=0)
        low, high = np.array(values)[:, 3].min(), np.array(values)[:, 3].max()
        print(f"| {name} | {taken:.1f} | {right:.1f} ({right / taken:.3f}) | {named:.1f} | {found:.1f} ({found / matter:.2f}; {low} to {high}) | {all_found:.1f} ({all_found / len(useful):.2f}) |")
    print(f"\nshuffled columns that passed: {sum(a for a, _ in competed)} of {sum(b for _, b in competed)}")
    for data, values in auc.items():
        mean, sd = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
        print(f"logistic regression on {'all columns' if data == 'part' else 'the selected columns'}, untouched test parts: ROC-AUC {mean[0]:.3f} ± {sd[0]:.3f}, PR-AUC {mean[1]:.3f} ± {sd[1]:.3f}, F2 at the moved threshold {mean[2]:.3f} ± {sd[2]:.3f}")


if __name__ == "__main__":
    main()
