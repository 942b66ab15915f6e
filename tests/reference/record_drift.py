#!/usr/bin/env python3
"""Records tests/reference/drift.json: values of SciPy and NumPy that src/score/drift.c must reproduce.

Needs numpy and scipy.   python3 tests/reference/record_drift.py
"""
import json
import math
import os

import numpy as np
import scipy
from scipy import special, stats

rng = np.random.default_rng(20260401)


def psi(a, b, bins):
    """Bins at the quantiles of a, (edge, edge]; shares with half a count added."""
    edges = sorted(set(np.quantile(a, np.arange(1, bins) / bins)))
    edges = [e for e in edges if e < a.max()]
    if not edges:
        edges = [a.min()]
    p = np.bincount(np.searchsorted(edges, a, side="left"), minlength=len(edges) + 1)
    q = np.bincount(np.searchsorted(edges, b, side="left"), minlength=len(edges) + 1)
    return psi_counts(p, q)


def psi_counts(p, q):
    p, q = np.asarray(p, float), np.asarray(q, float)
    p, q = (p + 0.5) / (p.sum() + 0.5 * len(p)), (q + 0.5) / (q.sum() + 0.5 * len(q))
    return float(((q - p) * np.log(q / p)).sum())


out = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__}, "gamma": [], "chi2": [], "ks": [], "counts": [], "psi": [], "bh": []}
for a in (0.5, 1, 2.5, 10, 49.5, 500):
    for x in (1e-8, 0.1, 0.9 * a, a, a + 1.0, 2 * a, 4 * a, 10 * a + 30):
        out["gamma"].append([a, x, float(special.gammaincc(a, x))])
for x, df in ((0, 1), (3.841458820694124, 1), (0.02, 3), (11.07, 5), (120, 99), (700, 3)):
    out["chi2"].append([x, df, float(stats.chi2.sf(x, df))])
for d, n, m in ((0.05, 1000, 1000), (0.001, 500, 800), (0.3, 40, 60), (0.12, 100, 5000), (1.0, 300, 300), (0.02, 1000000, 1000000), (0.0, 10, 10), (0.083, 200, 200)):
    out["ks"].append([d, n, m, float(special.kolmogorov(math.sqrt(n * m / (n + m)) * d))])
# what scipy.stats.ks_2samp(mode="asymp") says of large samples: another approximation, near this one
big = []
for shift in (0, 0.01, 0.02):
    a, b = rng.normal(size=20000), rng.normal(shift, 1, 30000)
    r = stats.ks_2samp(a, b, method="asymp")
    big.append([float(r.statistic), 20000, 30000, float(r.pvalue)])
out["ks_2samp"] = big
for a, b in (([10, 20, 30], [12, 18, 33]), ([5, 0, 7], [0, 0, 3]), ([100, 1], [90, 30]), ([1000, 2000, 10, 5, 8], [1020, 1990, 1, 2, 30])):
    keep = [i for i in range(len(a)) if a[i] + b[i]]
    r = stats.chi2_contingency([[a[i] for i in keep], [b[i] for i in keep]], correction=False)
    v = stats.contingency.association(np.array([[a[i] for i in keep], [b[i] for i in keep]]), method="cramer")
    out["counts"].append({"a": a, "b": b, "statistic": float(r.statistic), "p": float(r.pvalue), "v": float(v), "psi": psi_counts(a, b)})
for n, m, shift, step in ((50, 70, 0.5, 0), (300, 200, 0, 0), (400, 400, 1, 0.5), (100, 30, 3, 1)):
    a, b = rng.normal(size=n), rng.normal(shift, 1.2, m)
    if step:
        a, b = np.round(a / step) * step, np.round(b / step) * step
    else:
        a, b = np.round(a, 6), np.round(b, 6)
    out["psi"].append({"a": a.tolist(), "b": b.tolist(), "psi": psi(a, b, 10)})
out["psi"].append({"a": [5.0] * 20, "b": [5.0] * 10 + [6.0] * 10, "psi": psi(np.array([5.0] * 20), np.array([5.0] * 10 + [6.0] * 10), 10)})
for n in (1, 5, 40):
    p = np.round(rng.uniform(size=n) ** 3, 8)
    out["bh"].append({"p": p.tolist(), "adjusted": stats.false_discovery_control(p, method="bh").tolist()})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drift.json")
with open(path, "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
