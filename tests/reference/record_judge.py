"""Records values of SDMetrics, SciPy and imbalanced-learn for tests/synth: python3 record_judge.py > judge.h

The judged case has numbers with ties and gaps, a category and a boolean. The SMOTE cases hold the mean and standard deviation of every
column of 200,000 generated rows, and the correlation of the first two.
"""
import warnings

import numpy as np
import pandas as pd
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from sdmetrics.column_pairs import CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240611)


def rows(n, shift):
    force = rng.normal(40 + shift, 3, n)
    work = 0.5 * force + rng.normal(0, 1, n)
    torque = np.round(12 + rng.normal(0, 1 + shift / 4, n), 1)
    torque[rng.random(n) < 0.1] = np.nan
    kind = rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2] if shift == 0 else [0.3, 0.3, 0.4])
    flag = rng.random(n) < (0.2 if shift == 0 else 0.35)
    return pd.DataFrame({"force": np.round(force, 6), "work": np.round(work, 6), "torque": torque, "kind": kind, "flag": flag})


def js(a, b, low, high, bins):
    edges = np.linspace(low, high, bins + 1)
    p = np.histogram(np.clip(a, low, high), edges)[0]
    q = np.histogram(np.clip(b, low, high), edges)[0]
    return jensenshannon(p, q, base=2)


def literal(values):
    return ", ".join("NAN" if isinstance(v, float) and np.isnan(v) else repr(float(v)) for v in values)


def judged():
    real, made = rows(40, 0), rows(55, 1.5)
    print("enum { JUDGE_REAL = %d, JUDGE_MADE = %d };" % (len(real), len(made)))
    for name, t in (("real", real), ("made", made)):
        for c in ("force", "work", "torque"):
            print("static const double judge_%s_%s[] = { %s };" % (name, c, literal(t[c])))
        print('static const char judge_%s_kind[] = "%s";' % (name, "".join(t["kind"])))
        print("static const unsigned char judge_%s_flag[] = { %s };" % (name, ", ".join(str(int(v)) for v in t["flag"])))
    shape, earth, divergence = [], [], []
    for c in ("force", "work", "torque"):
        a, b = real[c].dropna().to_numpy(), made[c].dropna().to_numpy()
        low, high = a.min(), a.max()
        shape.append(KSComplement.compute(real[c], made[c]))
        earth.append(wasserstein_distance((a - low) / (high - low), (b - low) / (high - low)))
        divergence.append(js(a, b, low, high, 20))
    for c in ("kind", "flag"):
        shape.append(TVComplement.compute(real[c], made[c]))
        values = sorted(real[c].unique())
        divergence.append(jensenshannon([(real[c] == v).sum() for v in values], [(made[c] == v).sum() for v in values], base=2))
    pairs = [("force", "work"), ("force", "torque"), ("work", "torque")]
    similar = [CorrelationSimilarity.compute(real[[a, b]], made[[a, b]]) for a, b in pairs]
    print("static const double judge_shape[] = { %s };" % literal(shape))
    print("static const double judge_wasserstein[] = { %s };" % literal(earth))
    print("static const double judge_js[] = { %s };" % literal(divergence))
    print("static const double judge_correlation = %r;" % float(np.mean(similar)))


def smotes():
    n, broken = 60, 16
    x = np.column_stack([rng.normal(0, 1, n), rng.normal(0, 10, n), rng.normal(0, 0.1, n)])
    x[:, 1] += 6 * x[:, 0]
    x[:broken] += [1.2, 5, 0.05]
    x = np.round(x, 6)
    y = (np.arange(n) < broken).astype(int)
    print("enum { SMOTE_ROWS = %d, SMOTE_BROKEN = %d };" % (n, broken))
    print("static const double smote_rows[] = { %s };" % literal(x.ravel()))
    mean, sd = x.mean(0), x.std(0)
    cases = (
        ("smote", SMOTE(random_state=1, sampling_strategy={1: 200_000})),
        ("borderline1", BorderlineSMOTE(random_state=1, sampling_strategy={1: 200_000}, kind="borderline-1")),
        ("adasyn", ADASYN(random_state=1, sampling_strategy={1: 200_000})),
    )
    for name, sampler in cases:
        out, _ = sampler.fit_resample((x - mean) / sd, y)
        new = out[n:] * sd + mean
        r = np.corrcoef(new[:, 0], new[:, 1])[0, 1]
        print("static const double smote_%s[] = { %s };" % (name, literal(list(new.mean(0)) + list(new.std(0)) + [r])))


print("/* judge.h - recorded by record_judge.py: values of SDMetrics, SciPy and imbalanced-learn. */")
print("#ifndef ANDON_TESTS_REFERENCE_JUDGE_H\n#define ANDON_TESTS_REFERENCE_JUDGE_H\n\n#include <math.h>\n")
judged()
smotes()
print("\n#endif")
