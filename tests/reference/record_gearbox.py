"""How hard the simulated gearbox line is for scikit-learn: logistic regression, C = 1, standardised, stratified 75/25, threshold 0.5.

    for s in $(seq 1 10); do andon sim gearbox --seed $s --out gearbox_$s.csv; done
    python3 tests/reference/record_gearbox.py gearbox_?.csv gearbox_10.csv

Prints the means and standard deviations over files and four splits each, on the data as they are and with class weights.
docs/gearbox-line.md holds what it printed.
"""
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, fbeta_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MEANINGLESS = ["serial", "line", "bearing_input_force_max", "remark", "export_ms"]
NAMES = ["accuracy", "precision", "recall", "f1", "f2", "roc_auc"]

found = {None: [], "balanced": []}
single = []
for path in sys.argv[1:]:
    data = pd.read_csv(path)
    y = data.pop("broken").to_numpy()
    x = pd.get_dummies(data.drop(columns=MEANINGLESS)).astype(float)
    single.append(max(max(a, 1 - a) for a in (roc_auc_score(y, x[c]) for c in x)))
    for split in range(4):
        a, b, ya, yb = train_test_split(x.to_numpy(), y, test_size=0.25, stratify=y, random_state=split)
        for weight, rows in found.items():
            model = make_pipeline(StandardScaler(), LogisticRegression(C=1, max_iter=5000, class_weight=weight)).fit(a, ya)
            p = model.predict_proba(b)[:, 1]
            said = p > 0.5
            rows.append([accuracy_score(yb, said), precision_score(yb, said), recall_score(yb, said),
                         fbeta_score(yb, said, beta=1), fbeta_score(yb, said, beta=2), roc_auc_score(yb, p)])

for weight, rows in found.items():
    print("class weights" if weight else "plain")
    for name, mean, sd in zip(NAMES, np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1)):
        print(f"  {name:10s} {mean:.3f} +- {sd:.3f}")
print(f"best single measurement: ROC-AUC {np.mean(single):.3f}, at most {np.max(single):.3f}")
