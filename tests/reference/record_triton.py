"""Records the bytes that the real tritonclient sends, for tests/serve/test_infer_binary.c.

    pip install 'tritonclient[http]' ml_dtypes
    python3 tests/reference/record_triton.py > tests/reference/triton.h

Each case is a body and the size of its JSON part (SIZE_MAX where the client sends no Inference-Header-Content-Length).
"""

from importlib.metadata import version

import ml_dtypes
import numpy as np
import tritonclient.http as http

ROWS = 3
FORCE = np.array([[20.5], [np.nan], [0.1]])
TORQUE = np.array([[1.5], [2.25], [1e-300]])
TURNS = np.array([[3], [8], [0]])
HOT = np.array([[True], [False], [True]])
VARIANT = np.array([["A"], ["Zürich"], [""]], dtype=object)
STAMP = np.array([["2026-03-01T07:05:09.25Z"], ["2026-03-01T08:05:09+01:00"], [""]], dtype=object)


def tensor(name, values, datatype, binary):
    t = http.InferInput(name, list(values.shape), datatype)
    t.set_data_from_numpy(values, binary_data=binary)
    return t


def mixed(binary, float_type=np.float64, int_type=np.int64, names=("FP64", "INT64")):
    return [
        tensor("force", FORCE.astype(float_type), names[0], binary),
        tensor("turns", TURNS.astype(int_type), names[1], binary),
        tensor("hot", HOT, "BOOL", binary),
        tensor("variant", VARIANT, "BYTES", binary),
        tensor("stamp", STAMP, "BYTES", binary),
        tensor("torque", TORQUE.astype(float_type), names[0], binary),
    ]


def half():
    inputs = mixed(True)
    inputs[0] = tensor("force", np.array([[20.5], [np.nan], [-6e-8]], dtype=np.float16), "FP16", True)
    inputs[5] = tensor("torque", np.array([[1.5], [2.25], [0.0]], dtype=ml_dtypes.bfloat16), "BF16", True)
    return inputs


def numbers():
    return [tensor("input", np.hstack([FORCE, TORQUE]), "FP64", True)]


def finite(inputs):
    """JSON has no NaN: the client would write it all the same, and servers refuse it."""
    inputs[0] = tensor("force", np.array([[20.5], [7.0], [0.1]]), "FP64", False)
    return inputs


def some_binary():
    inputs = finite(mixed(False))
    inputs[3] = tensor("variant", VARIANT, "BYTES", True)
    inputs[5] = tensor("torque", TORQUE, "FP64", True)
    return inputs


OUTPUTS = [http.InferRequestedOutput("probability", binary_data=False), http.InferRequestedOutput("label", binary_data=True)]
CASES = {
    "binary": dict(inputs=mixed(True), request_id="part 17"),
    "binary32": dict(inputs=mixed(True, np.float32, np.int32, ("FP32", "INT32"))),
    "binary16": dict(inputs=half()),
    "unsigned8": dict(inputs=mixed(True, np.float64, np.uint8, ("FP64", "UINT8"))),
    "json": dict(inputs=finite(mixed(False)), outputs=[http.InferRequestedOutput("label", binary_data=False)]),
    "json_nan": dict(inputs=mixed(False)),
    "some": dict(inputs=some_binary(), outputs=OUTPUTS, timeout=250000),
    "matrix": dict(inputs=numbers()),
}


def main():
    print("/* triton.h - written by record_triton.py: requests as tritonclient %s sends them. */" % version("tritonclient"))
    print("#ifndef ANDON_TESTS_REFERENCE_TRITON_H\n#define ANDON_TESTS_REFERENCE_TRITON_H\n\n#include <stddef.h>\n")
    print("typedef struct triton_case {\n    const char *name, *body;\n    size_t size, json_bytes;\n} triton_case;\n")
    print("static const triton_case triton_cases[] = {")
    for name, arguments in CASES.items():
        body, json_size = http.InferenceServerClient.generate_request_body(**arguments)
        size = "(size_t)-1" if json_size is None else json_size
        print('    { "%s",' % name)
        for i in range(0, len(body), 24):
            print('      "%s"' % "".join("\\%03o" % b for b in body[i : i + 24]))
        print("      , %d, %s }," % (len(body), size))
    print("};\n\n#endif")


if __name__ == "__main__":
    main()
