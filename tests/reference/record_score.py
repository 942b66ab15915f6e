#!/usr/bin/env python3
"""Records tests/reference/score.json: values of scikit-learn, SciPy, NumPy and SDMetrics that src/score must reproduce.

Needs numpy, scipy, scikit-learn, sdmetrics, mpmath. Missing values are null in the file.   python3 tests/reference/record_score.py
"""
import json
import math
import os
import warnings

import mpmath
import numpy as np
import pandas as pd
import scipy
import sdmetrics
import sklearn
from scipy import stats
from scipy.spatial.distance import cdist, jensenshannon
from sdmetrics.column_pairs import CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20260301)


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (np.integer, int)) and not isinstance(value, bool):
        return int(value)
    value = float(value)
    return None if math.isnan(value) else value


def classification():
    cases = []

    def add(name, label, score, threshold=0.5):
        label, score = np.asarray(label), np.asarray(score, dtype=float)
        predicted = (score >= threshold).astype(int)
        tn, fp, fn, tp = metrics.confusion_matrix(label, predicted, labels=[0, 1]).ravel()
        both = 0 < label.sum() < len(label)
        zero = {"zero_division": 0}
        specificity = metrics.recall_score(label, predicted, pos_label=0, **zero)
        recall = metrics.recall_score(label, predicted, **zero)
        cases.append({
            "name": name, "label": label, "score": score, "threshold": threshold, "confusion": [tn, fp, fn, tp],
            "metrics": {
                "accuracy": metrics.accuracy_score(label, predicted),
                "precision": metrics.precision_score(label, predicted, **zero),
                "recall": recall,
                "f1": metrics.f1_score(label, predicted, **zero),
                "f2": metrics.fbeta_score(label, predicted, beta=2, **zero),
                "gmean": math.sqrt(recall * specificity),
                # without positives average precision is undefined; scikit-learn answers 0 with a warning
                "pr_auc": metrics.average_precision_score(label, score) if label.sum() else math.nan,
                "roc_auc": metrics.roc_auc_score(label, score) if both else math.nan,
                "brier": float(np.mean((score - label) ** 2)),
            }})

    label = (rng.random(400) < 0.15).astype(int)
    score = 1 / (1 + np.exp(-(rng.normal(size=400) + 1.5 * label - 1.5)))
    add("continuous", label, score)
    add("continuous, low threshold", label, score, 0.1)
    add("ties: one decimal", label, np.round(score, 1))
    add("ties: two decimals", label, np.round(score, 2), 0.2)
    add("all scores equal", label[:50], np.full(50, 0.5))
    add("perfect", [0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9])
    add("inverted", [1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.8, 0.9])
    add("positives only", [1, 1, 1], [0.2, 0.6, 0.6])
    add("negatives only", [0, 0, 0], [0.2, 0.6, 0.6])
    add("one positive", [0, 0, 1, 0, 0, 0], [0.2, 0.6, 0.6, 0.1, 0.7, 0.6])
    add("nothing predicted", [0, 1, 1], [0.1, 0.2, 0.3])
    add("margins, negative and zero", [0, 1, 0, 1, 1, 0], [-2.5, -0.0, 0.0, 3.5, -1e-300, -7.0], 0.0)
    return cases


def exact_upper(k, n, confidence, guess):
    """The root of P(X <= k) = 1 - confidence in 30 digits; SciPy's own inverse has 9 correct digits at n = 1e9."""
    mpmath.mp.dps = 30
    tail = lambda p: sum(mpmath.binomial(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1)) - (1 - mpmath.mpf(confidence))
    return float(mpmath.findroot(tail, (guess * (1 - 1e-7), guess * (1 + 1e-7)))) if k < 20 else guess


def limits():
    out = []
    for k, n in [(0, 43), (43, 43), (1, 43), (0, 1), (1, 1), (5, 10), (3, 1100), (172, 172), (171, 172), (500, 1000), (1, 10**6),
                 (999999, 10**6), (123456, 10**7), (0, 10**9), (7, 10**9)]:
        for confidence in (0.95, 0.975, 0.5, 0.999):
            upper = 1.0 if k == n else exact_upper(k, n, confidence, stats.beta.ppf(confidence, k + 1, n - k))
            lower = 0.0 if k == 0 else stats.beta.ppf(1 - confidence, k, n - k + 1)
            out.append({"k": k, "n": n, "confidence": confidence, "upper": upper, "lower": lower})
    return out


def student():
    out = []
    for df in (1, 2, 3, 4.5, 9, 29, 100, 1e4, 1e7):
        for p in (1e-10, 1e-4, 0.025, 0.3, 0.4999, 0.5, 0.6, 0.95, 0.975, 0.9999):
            out.append({"p": p, "df": df, "t": stats.t.ppf(p, df)})
    return out


def normal():
    return [{"x": x, "cdf": stats.norm.cdf(x)} for x in (-37.0, -8.3, -3.0, -1.0, -0.1, 0.0, 0.5, 1.96, 4.0, 9.0)]


def resampled():
    out = []
    for values, ratio in [(rng.normal(0.5, 0.03, 10), 1 / 3), ([0.1, math.nan, 0.3, 0.25], 0.25), ([0.4], 1 / 3), ([math.nan], 1 / 3), ([0.5, 0.5, 0.5], 1 / 3)]:
        v = np.asarray(values, dtype=float)
        kept = v[~np.isnan(v)]
        mean = kept.mean() if len(kept) else math.nan
        sd = kept.std(ddof=1) if len(kept) > 1 else math.nan
        half = stats.t.ppf(0.975, len(kept) - 1) * math.sqrt(1 / len(kept) + ratio) * sd if len(kept) > 1 else math.nan
        out.append({"values": v, "ratio": ratio, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half})
    return out


def histogram_shares(values, low, high, bins):
    kept = np.clip(values[~np.isnan(values)], low, high)
    return np.histogram(kept, bins=bins, range=(low, high))[0].astype(float)


def distributions():
    cases = []

    def add(name, a, b, bins=10):
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        x, y = a[~np.isnan(a)], b[~np.isnan(b)]
        case = {"name": name, "a": a, "b": b, "bins": bins, "low": math.nan, "high": math.nan, "wasserstein": math.nan, "js": math.nan}
        case["ks_complement"] = KSComplement.compute(pd.Series(a), pd.Series(b))
        if len(x) and len(y):
            low, high = x.min(), x.max()
            case["low"], case["high"] = low, high
            if high > low:
                case["wasserstein"] = stats.wasserstein_distance((x - low) / (high - low), (y - low) / (high - low))
                case["js"] = jensenshannon(histogram_shares(a, low, high, bins), histogram_shares(b, low, high, bins), base=2)
        cases.append(case)

    a, b = rng.normal(size=300), rng.normal(0.3, 1.2, size=211)
    holes = a.copy()
    holes[::7] = math.nan
    add("normal", a, b)
    add("normal, 37 bins", a, b, 37)
    add("missing values", holes, b)
    add("ties", np.round(a, 1), np.round(b, 1))
    add("integers", rng.integers(0, 5, 100), rng.integers(0, 7, 90), 5)
    add("edges of bins", np.arange(0, 1.05, 0.1), np.arange(0.05, 1.0, 0.05))
    add("identical", a, a)
    add("apart", [0, 1, 2], [10, 11, 12])
    add("below the 14th decimal", [0.1, 0.2, 0.3], [0.1 + 4e-16, 0.2 - 4e-16, 0.3 + 4e-16])
    add("large values", a * 1e9, b * 1e9)
    add("constant real column", [2, 2, 2], [1, 2, 3])
    add("constant both", [2, 2, 2], [2, 2])
    add("empty", [], b)
    add("all missing", [math.nan, math.nan], b)
    add("one value each", [1.0], [2.0])
    return cases


def categories():
    cases = []
    for name, a, b, k in [("three", rng.integers(0, 3, 100), rng.integers(0, 3, 80), 3), ("missing", rng.integers(-1, 3, 100), rng.integers(-1, 2, 80), 3),
                          ("same", [0, 1, 2], [2, 0, 1], 3), ("disjoint", [0, 0], [1, 1], 2), ("unseen in the real", [0, 0, 1], [0, 2, 1], 3)]:
        a, b = np.asarray(a), np.asarray(b)
        n = max(a.max(), b.max()) + 2
        p, q = np.bincount(a + 1, minlength=n) / len(a), np.bincount(b + 1, minlength=n) / len(b)
        named = lambda codes: pd.Series(["missing" if c < 0 else f"c{c}" for c in codes])
        cases.append({"name": name, "a": a, "b": b, "categories": k, "tv_complement": 1 - 0.5 * np.abs(p - q).sum(),
                      # SDMetrics gives categories unseen in the real data a count of 1e-6
                      "sdmetrics": TVComplement.compute(named(a), named(b))})
    return cases


def correlations():
    cases = []

    def add(name, a, b):
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        scores = []
        for i in range(a.shape[1]):
            for j in range(i):
                try:
                    scores.append(CorrelationSimilarity.compute(pd.DataFrame(a[:, [i, j]]), pd.DataFrame(b[:, [i, j]])))
                except Exception:  # constant columns
                    scores.append(math.nan)
        scores = np.asarray(scores)
        value = np.nanmean(scores) if np.any(~np.isnan(scores)) else math.nan
        cases.append({"name": name, "d": a.shape[1], "a": a.ravel(), "b": b.ravel(), "similarity": value})

    mix = rng.normal(size=(5, 5))
    a, b = rng.normal(size=(60, 5)) @ mix, rng.normal(size=(45, 5)) @ (mix + 0.5 * rng.normal(size=(5, 5)))
    add("five columns", a, b)
    add("shifted", a + 1e6, b - 1e5)
    holes = a.copy()
    holes[3:20:4, 1] = math.nan
    holes[10, 3] = math.nan
    add("missing values", holes, b)
    constant = a.copy()
    constant[:, 2] = 0.1
    add("constant column", constant, b)
    add("constant in the other", b, constant)
    add("all constant", np.ones((4, 3)), np.ones((4, 3)))
    return cases


def quantiles():
    v = np.round(rng.normal(size=101), 2)
    w = np.array([3.0, 1.0, 2.0, math.nan])
    out = [{"values": v, "q": q, "value": np.quantile(v, q)} for q in (0, 0.025, 0.1, 0.333, 0.5, 0.975, 1)]
    out += [{"values": w, "q": q, "value": np.nanquantile(w, q)} for q in (0.25, 0.5, 0.9)]
    return out + [{"values": [7.5], "q": 0.3, "value": 7.5}, {"values": [], "q": 0.5, "value": math.nan}]


def nearest():
    a, b = rng.normal(size=(30, 7)), rng.normal(size=(53, 7))
    b[5] = a[3]
    own = cdist(b, b)
    np.fill_diagonal(own, np.inf)
    return {"d": 7, "a": a.ravel(), "b": b.ravel(), "to_other": cdist(a, b).min(axis=1), "own": own.min(axis=1)}


def components():
    cases = []
    for name, x, k in [("tall", rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 3, 4), ("wide", rng.normal(size=(7, 20)), 5), ("square", rng.normal(size=(6, 6)), 2)]:
        model = PCA(n_components=k, svd_solver="full").fit(x)
        axes = model.components_.copy()
        axes *= np.sign(axes[np.arange(k), np.abs(axes).argmax(axis=1)])[:, None]
        cases.append({"name": name, "n": x.shape[0], "d": x.shape[1], "k": k, "x": x.ravel(), "mean": model.mean_, "axes": axes.ravel(),
                      "explained": model.explained_variance_ratio_, "projected": ((x - model.mean_) @ axes.T).ravel()})
    return cases


def clusters():
    centers = np.array([[0, 0, 0], [8, 0, 1], [0, 9, -1], [7, 7, 7]])
    x = np.concatenate([c + rng.normal(size=(25, 3)) for c in centers])
    x = x[rng.permutation(len(x))]
    return [{"n": len(x), "d": 3, "k": k, "x": x.ravel(), "inertia": KMeans(k, n_init=50, tol=0, random_state=1).fit(x).inertia_} for k in (1, 2, 3, 4)]


def main():
    out = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__, "sdmetrics": sdmetrics.__version__},
    }
    rest = {
        "classification": classification(), "limits": limits(), "student": student(), "normal": normal(), "resampled": resampled(),
        "distributions": distributions(), "categories": categories(), "correlations": correlations(), "quantiles": quantiles(), "nearest": nearest(),
        "pca": components(), "kmeans": clusters(),
    }

    def named(value):
        if isinstance(value, dict):
            return {k: (v if isinstance(v, str) else named(v)) for k, v in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [named(v) for v in value]
        return plain(value)

    out.update(named(rest))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "score.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
