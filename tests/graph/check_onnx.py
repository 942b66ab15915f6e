#!/usr/bin/env python3
"""Runs exported ONNX models with onnxruntime and compares with recorded outputs.

Usage: check_onnx.py FOLDER. For every FOLDER/<name>.onnx there is a FOLDER/<name>.json: {"inputs": {name: {"type", "shape", "values"}}, "outputs": {...},
"tolerance": relative to 1 + |value|, "metadata": {...}}. Exits 77 where onnxruntime is not importable.
"""
import glob
import json
import os
import sys

try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

TYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "str": np.str_}


def array(value):
    numbers = [float("nan") if v is None else v for v in value["values"]]
    return np.array(numbers, dtype=TYPES[value["type"]]).reshape(value["shape"])


def check(path):
    with open(path[:-5] + ".json", encoding="utf-8") as f:
        case = json.load(f)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    got_metadata = session.get_modelmeta().custom_metadata_map
    for key, value in case.get("metadata", {}).items():
        if got_metadata.get(key) != value:
            return "metadata %s is %r, not %r" % (key, got_metadata.get(key), value)
    names = [o.name for o in session.get_outputs()]
    if sorted(names) != sorted(case["outputs"]):
        return "outputs are %s" % names
    results = session.run(names, {name: array(value) for name, value in case["inputs"].items()})
    worst = 0.0
    for name, result in zip(names, results):
        expected = array(case["outputs"][name])
        if result.dtype != expected.dtype or result.shape != expected.shape:
            return "output %s is %s %s, not %s %s" % (name, result.dtype, result.shape, expected.dtype, expected.shape)
        if not (np.isnan(result.astype(np.float64)) == np.isnan(expected.astype(np.float64))).all():
            return "output %s has its NaN elsewhere" % name
        error = np.nan_to_num(np.abs(result.astype(np.float64) - expected) / (1 + np.abs(expected)))
        worst = max(worst, float(error.max(initial=0)))
        if worst > case["tolerance"]:
            at = np.unravel_index(int(error.argmax()), error.shape)
            return "output %s at %s: onnxruntime %r, andon %r" % (name, at, result[at], expected[at])
    print("%s: agrees, largest error %.2g" % (os.path.basename(path), worst))
    return None


def main():
    paths = sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx")))
    failed = 0 if paths else 1
    for path in paths:
        problem = check(path)
        if problem is not None:
            print("%s: %s" % (os.path.basename(path), problem))
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
