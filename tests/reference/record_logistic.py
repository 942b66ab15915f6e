#!/usr/bin/env python3
"""Records tests/reference/logistic.json: coefficients of scikit-learn's LogisticRegression that src/learn/logistic_solver.c must reproduce.

Newton's method with Cholesky's factorisation is used, because L-BFGS stops at a relative change of the objective and leaves six digits; that
both find the same point is checked here. Needs numpy and scikit-learn.   python3 tests/reference/record_logistic.py
"""
import json
import os
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20260302)


def case(name, x, y, c=1.0, balanced=False, weight=None):
    weights = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    if balanced:
        weights = weights * np.where(y == 1, len(y) / (2 * y.sum()), len(y) / (2 * (len(y) - y.sum())))
    options = {"C": c, "tol": 1e-12, "max_iter": 10000}
    model = LogisticRegression(solver="newton-cholesky", **options).fit(x, y, sample_weight=weights)
    other = LogisticRegression(solver="lbfgs", **options).fit(x, y, sample_weight=weights)
    if balanced and weight is None:
        same = LogisticRegression(solver="newton-cholesky", class_weight="balanced", **options).fit(x, y)
        assert np.allclose(model.coef_, same.coef_, atol=1e-9)
    w, b = model.coef_[0], model.intercept_[0]
    assert np.allclose(w, other.coef_[0], atol=2e-3 * max(1, np.abs(w).max())), (name, np.abs(w - other.coef_[0]).max())
    margin = (2 * y - 1) * (x @ w + b)
    return {"name": name, "n": x.shape[0], "d": x.shape[1], "c": c, "x": x.ravel().tolist(), "y": y.tolist(),
            "weight": None if weight is None and not balanced else weights.tolist(), "w": w.tolist(), "intercept": float(b),
            "objective": float(0.5 * w @ w + c * np.sum(weights * np.logaddexp(0, -margin)))}


def drawn(n, d, share, strength=1.0):
    x = np.round(rng.normal(size=(n, d)), 4)
    z = x @ rng.normal(size=d) * strength / np.sqrt(d)
    y = (z + rng.logistic(size=n) > np.quantile(z, 1 - share)).astype(int)
    return x, y


def main():
    cases = []
    x, y = drawn(200, 5, 0.5)
    cases.append(case("balanced classes", x, y))
    x, y = drawn(300, 6, 0.05, 3)
    cases.append(case("rare class", x, y))
    cases.append(case("rare class, balanced weights", x, y, balanced=True))
    cases.append(case("row weights, some zero", x, y, weight=np.round(rng.uniform(0, 3, len(y)) * (rng.random(len(y)) > 0.2), 3)))
    x = np.round(rng.normal(size=(80, 2)), 4)
    y = (x[:, 0] + x[:, 1] > 0.5).astype(int)
    cases.append(case("separable", x, y))
    cases.append(case("separable, weak penalty", x, y, c=1000.0))
    x, y = drawn(120, 4, 0.3)
    cases.append(case("collinear", np.column_stack([x, x[:, 0], 2 * x[:, 1] - x[:, 2], np.ones(len(x)), np.zeros(len(x))]), y))
    x, y = drawn(30, 60, 0.4)
    cases.append(case("more columns than rows", x, y))
    x, y = drawn(150, 3, 0.2)
    cases.append(case("shifted and scaled", np.round(x * [1, 100, 0.01] + [5, 1000, 0], 4), y))
    cases.append(case("strong penalty", x, y, c=1e-4))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "logistic.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}, "cases": cases}, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
