"""Replays model.onnx in onnxruntime on rows that andon scored.

    python3 check_onnx.py model.onnx rows.csv          exit 0: every row agrees; 1: not; 77: no onnxruntime here
    python3 check_onnx.py --can                         exit 0 when onnxruntime and numpy can be imported, else 77

rows.csv: one column per input of the model, an empty cell where missing, and the columns _probability and _label that andon gave.
Agreement: probabilities within 1e-5, labels equal.
"""

import csv
import datetime
import sys


def load():
    try:
        import numpy
        import onnxruntime
    except ImportError:
        sys.exit(77)
    return numpy, onnxruntime


def number(cell):
    """A cell as the model's f64 inputs count it: NaN where missing, 0 and 1 for booleans, seconds since 1970 for times."""
    if cell == "":
        return float("nan")
    if cell in ("true", "false"):
        return float(cell == "true")
    try:
        return float(cell)
    except ValueError:
        return datetime.datetime.fromisoformat(cell.replace("Z", "+00:00")).timestamp()


def main():
    numpy, onnxruntime = load()
    if sys.argv[1] == "--can":
        return 0
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    with open(sys.argv[2], newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)
        columns = dict(zip(names, zip(*reader)))
    feed = {}
    for one in session.get_inputs():
        cells = columns[one.name]
        if one.type == "tensor(string)":
            values = numpy.array(cells, dtype=object)
        elif one.type == "tensor(int64)":
            values = numpy.array([int(c == "true") if c in ("true", "false") else int(c) for c in cells], dtype=numpy.int64)
        else:
            values = numpy.array([number(c) for c in cells])
        feed[one.name] = values.reshape(-1, 1)
    label, probability = session.run(["label", "probability"], feed)
    expected = numpy.array([float(c) for c in columns["_probability"]])
    labels = numpy.array([int(c) for c in columns["_label"]])
    worst = float(numpy.abs(probability.reshape(-1) - expected).max())
    turned = int((label.reshape(-1) != labels).sum())
    shapes = probability.shape == (len(expected), 1) and label.shape == (len(expected), 1)
    print(f"{len(expected)} rows, {len(feed)} inputs, largest difference {worst:.3g}, {turned} labels differ")
    return 0 if shapes and len(expected) > 0 and worst <= 1e-5 and turned == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
