"""onnx_agrees.py MODEL.onnx VERDICTS.csv POSITIVE - do onnxruntime and andon say the same of every row?

VERDICTS.csv is what `andon model predict` wrote: the input's columns with label, probability, threshold and out_of_range. The model has one input [n,1] per
feature, by column name, and the outputs `label` (1: the value POSITIVE) and `probability`. Exit 0 where every probability agrees to 1e-5 and every label is the same."""
import csv
import sys

import numpy
import onnxruntime

MISSING = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-", "#N/A"}


def main():
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    with open(sys.argv[2], newline="", encoding="utf-8-sig") as f:
        header = f.readline().rstrip("\n")
        mark = next(d for d in ",;\t| " if "probability" in header.split(d))  # predict writes with the marks of its input
        f.seek(0)
        rows = list(csv.DictReader(f, delimiter=mark))
    feeds = {}
    for node in session.get_inputs():
        values = [row[node.name] for row in rows]
        if node.type == "tensor(string)":
            feeds[node.name] = numpy.array([["" if v in MISSING else v] for v in values], dtype=object)
        elif node.type == "tensor(int64)":
            feeds[node.name] = numpy.array([[int(v)] for v in values], dtype=numpy.int64)
        else:
            kind = numpy.float64 if node.type == "tensor(double)" else numpy.float32
            feeds[node.name] = numpy.array([[float("nan") if v in MISSING else float(v)] for v in values], dtype=kind)
    label, probability = session.run(["label", "probability"], feeds)
    label, probability = numpy.asarray(label).reshape(len(rows), -1), numpy.asarray(probability, dtype=float).reshape(len(rows), -1)[:, -1]
    mine = numpy.array([float(row["probability"]) for row in rows])
    away = numpy.abs(mine - probability)
    other = [i for i, row in enumerate(rows) if (label[i][0] == 1) != (row["label"] == sys.argv[3])]
    if other: print("row", other[0], "label", label[other[0]], "is", rows[other[0]]["label"])
    print(f"{len(rows)} rows, {len(feeds)} inputs; largest difference {away.max():.3g} in row {int(away.argmax())}; {len(other)} labels differ {other[:5]}")
    return 0 if away.max() <= 1e-5 and not other else 1


sys.exit(main())
