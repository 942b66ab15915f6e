#!/usr/bin/env python3
"""Records tests/reference/profile.json: values of SciPy, and of plain NumPy formulas where SciPy has none, that src/score/capability.c,
association.c, changepoint.c and ordering.c must reproduce.

Needs numpy and scipy.   python3 tests/reference/record_profile.py
"""
import json
import math
import os

import numpy as np
import scipy
from scipy import optimize, special, stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

rng = np.random.default_rng(20260402)
Z = stats.norm.ppf(0.975)
out = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__}}

out["chi2_quantile"] = [[p, df, float(stats.chi2.ppf(p, df))] for p in (0.001, 0.025, 0.5, 0.975, 0.9999) for df in (1, 2.5, 30, 605, 60500.5)]
out["chi2_noncentral"] = [[x, df, nc, float(stats.ncx2.cdf(x, df, nc))] for df in (1, 4, 60) for nc in (0.5, 10, 300, 5000) for x in (0.3 * (df + nc), df + nc, 1.2 * (df + nc) + 3)]


# capability: formulas as in Montgomery (8.2), Bissell (1990), one by one
def indices(mean, sigma, df, n, low, high):
    sides = [s for s in ((high - mean) / (3 * sigma) if high is not None else None, (mean - low) / (3 * sigma) if low is not None else None) if s is not None]
    k = min(sides)
    half = Z * math.sqrt(1 / (9 * n) + k * k / (2 * df))
    both = low is not None and high is not None
    c = (high - low) / (6 * sigma) if both else None
    return [c, c * math.sqrt(stats.chi2.ppf(0.025, df) / df) if both else None, c * math.sqrt(stats.chi2.ppf(0.975, df) / df) if both else None, k, k - half, k + half]


out["capability"] = []
for n, groups, low, high in ((60, 0, 7, 13), (200, 20, 8, 13), (50, 0, None, 12), (90, 18, 6, None)):
    x = np.round(rng.normal(10, 0.8, n), 3)
    code = None
    if groups:
        code = np.sort(rng.integers(0, groups, n))
        squares = sum(((x[code == g] - x[code == g].mean()) ** 2).sum() for g in range(groups) if (code == g).sum() > 0)
        df = sum((code == g).sum() - 1 for g in range(groups) if (code == g).sum() > 1)
        within = math.sqrt(squares / df)
    else:
        within, df = np.abs(np.diff(x)).mean() / (2 / math.sqrt(math.pi)), (n - 1) / (2 * 0.8264)
    overall = x.std(ddof=1)
    out["capability"].append({"x": x.tolist(), "group": None if code is None else code.tolist(), "groups": groups, "low": low, "high": high, "within": within, "overall": overall,
                              "c": indices(x.mean(), within, df, n, low, high), "p": indices(x.mean(), overall, n - 1, n, low, high)})

# the variance of the mean moving range, by simulation: 0.8264 sigma^2 / (n - 1)
draws = rng.normal(size=(200000, 30))
estimate = np.abs(np.diff(draws, axis=1)).mean(axis=1) / (2 / math.sqrt(math.pi))
out["moving_range_variance"] = float(estimate.var() * 29)


def delong(pos, neg):
    """By the matrix of all pairs (DeLong, DeLong and Clarke-Pearson 1988)."""
    psi = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    auc, v10, v01 = psi.mean(), psi.mean(axis=1), psi.mean(axis=0)
    var = v10.var(ddof=1) / len(pos) + v01.var(ddof=1) / len(neg)
    logit, half = math.log(auc / (1 - auc)), Z * math.sqrt(var) / (auc * (1 - auc))
    return auc, special.expit(logit - half), special.expit(logit + half)


out["auc"] = []
for m, n, shift, digits in ((12, 30, 0.8, 6), (40, 200, 0.3, 1), (25, 25, -1, 0), (300, 500, 0.05, 2)):
    pos, neg = np.round(rng.normal(shift, 1, m), digits), np.round(rng.normal(0, 1, n), digits)
    auc, low, high = delong(pos, neg)
    p = stats.mannwhitneyu(pos, neg, use_continuity=False, method="asymptotic").pvalue
    out["auc"].append({"pos": pos.tolist(), "neg": neg.tolist(), "auc": float(auc), "low": float(low), "high": float(high), "p": float(p)})

out["kruskal"] = []
for sizes, digits in (((10, 12, 9), 6), ((30, 5, 40, 20), 0)):
    samples = [np.round(rng.normal(0.4 * k, 1, s), digits) for k, s in enumerate(sizes)]
    r = stats.kruskal(*samples)
    out["kruskal"].append({"samples": [s.tolist() for s in samples], "h": float(r.statistic), "p": float(r.pvalue), "epsilon2": float(r.statistic / (sum(sizes) - 1))})

out["spearman"] = []
for n, slope in ((8, 1), (60, 0.3), (400, -0.1)):
    x = rng.normal(size=n)
    r = stats.spearmanr(x, slope * x + rng.normal(size=n))
    rho = float(r.statistic)
    half = Z * math.sqrt((1 + rho * rho / 2) / (n - 3))
    out["spearman"].append([rho, n, math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half), float(r.pvalue)])

out["table"] = []
for table in ([[30, 10], [12, 40]], [[10, 20, 30], [12, 18, 33]], [[100, 5, 3], [4, 80, 9], [2, 7, 60], [10, 10, 10]], [[500, 480], [490, 505]]):
    t = np.array(table)
    r = stats.chi2_contingency(t, correction=False)
    k, n = min(t.shape) - 1, t.sum()
    limits = []
    for wanted in (0.975, 0.025):
        f = lambda nc: stats.ncx2.cdf(r.statistic, r.dof, nc) - wanted if nc > 0 else stats.chi2.cdf(r.statistic, r.dof) - wanted
        limits.append(math.sqrt((optimize.brentq(f, 0, 10 * r.statistic + 100, xtol=1e-12) + r.dof) / (n * k)) if f(0) > 0 else 0.0)
    out["table"].append({"table": table, "statistic": float(r.statistic), "p": float(r.pvalue), "v": float(stats.contingency.association(t, method="cramer")), "low": limits[0],
                         "high": min(1.0, limits[1])})


def yue_wang(x):
    n = len(x)
    s = sum(np.sign(x[i + 1 :] - x[i]).sum() for i in range(n))
    _, t = np.unique(x, return_counts=True)
    var = (n * (n - 1) * (2 * n + 5) - (t * (t - 1) * (2 * t + 5)).sum()) / 18
    slope = stats.theilslopes(x, np.arange(n))[0]
    e = x - slope * np.arange(n)
    e = e - e.mean()
    r = (e[:-1] * e[1:]).sum() / (e * e).sum()
    factor = 1 + 2 * sum((1 - k / n) * r**k for k in range(1, n)) if r > 0 else 1
    z = (s - np.sign(s)) / math.sqrt(var * factor)
    return float(s / (n * (n - 1) / 2)), float(slope), float(2 * stats.norm.sf(abs(z)))


out["trend"] = []
for n, slope, ar, digits in ((20, 0.05, 0, 6), (60, 0.02, 0.5, 6), (100, 0, 0.7, 1), (40, -0.3, 0, 0)):
    e = rng.normal(size=n)
    for i in range(1, n):
        e[i] += ar * e[i - 1]
    x = np.round(e + slope * np.arange(n), digits)
    tau, s, p = yue_wang(x)
    out["trend"].append({"x": x.tolist(), "tau": tau, "slope": s, "p": p})


def partition(x, noise, shortest):
    """Optimal partitioning without pruning."""
    n, v = len(x), x / noise
    best, from_ = [-3 * math.log(n)] + [math.inf] * n, [0] * (n + 1)
    for end in range(shortest, n + 1):
        for start in range(0, end - shortest + 1):
            if best[start] == math.inf:
                continue
            seg = v[start:end]
            cost = best[start] + ((seg - seg.mean()) ** 2).sum() + 3 * math.log(n)
            if cost < best[end]:
                best[end], from_[end] = cost, start
    at, end = [], n
    while from_[end] > 0:
        at.append(from_[end])
        end = from_[end]
    return at[::-1]


out["steps"] = []
for levels in ([0] * 60, [0] * 40 + [2] * 50, [5] * 20 + [4] * 30 + [7] * 10 + [5] * 60, [0] * 100 + [0.9] * 100):
    x = np.round(np.array(levels, float) + rng.normal(0, 0.7, len(levels)), 6)
    out["steps"].append({"x": x.tolist(), "noise": 0.7, "shortest": 4, "at": partition(x, 0.7, 4)})

out["clusters"] = []
for d, cut in ((8, 0.3), (25, 0.5), (60, 0.6)):
    base = rng.normal(size=(40, d // 3 + 1))
    x = base[:, rng.integers(0, base.shape[1], d)] + rng.normal(0, 0.6, (40, d))
    distance = np.round(1 - np.abs(np.corrcoef(x.T)), 9)
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0)
    tree = hierarchy.linkage(squareform(distance, checks=False), "average")
    out["clusters"].append({"d": d, "cut": cut, "distance": distance.ravel().tolist(), "cluster": hierarchy.fcluster(tree, cut, "distance").tolist()})

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "profile.json"), "w") as f:
    json.dump(out, f)
    f.write("\n")
