# clients.py URL ROWS.jsonl VERDICTS.csv - asks for the same rows with the real tritonclient, as JSON, as raw tensors and mixed, and compares with `model predict`.
# Prints one line a way of asking: "NAME rows N differing N".
import csv
import json
import sys

import numpy
import tritonclient.http as triton

url, rows_file, verdicts_file = sys.argv[1:4]
rows = [json.loads(line) for line in open(rows_file)]
wanted = [(r["label"], float(r["probability"])) for r in csv.DictReader(open(verdicts_file))]
client = triton.InferenceServerClient(url.split("//")[1], concurrency=2)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("parts")
assert not client.is_model_ready("prats")
meta = client.get_model_metadata("parts")
assert [i["name"] for i in meta["inputs"]] == ["torque", "angle", "force", "kind"], meta
assert client.get_server_metadata()["name"] == "andon"


def inputs(part, binary):
    made = []
    for i in meta["inputs"]:
        name, kind = i["name"], i["datatype"]
        values = [r[name] for r in part]
        if kind == "BYTES":
            array = numpy.array([[v.encode()] for v in values], dtype=object)
        else:
            array = numpy.array([[numpy.nan if v is None else v] for v in values], dtype=numpy.float64)
        t = triton.InferInput(name, list(array.shape), kind)
        t.set_data_from_numpy(array, binary_data=binary)
        made.append(t)
    return made


def compare(name, answers):
    got = []
    for a in answers:
        labels = a.as_numpy("label").reshape(-1)
        got += [(x.decode() if isinstance(x, bytes) else str(x), float(p)) for x, p in zip(labels, a.as_numpy("probability").reshape(-1))]
    print(name, "rows", len(got), "differing", sum(g != w for g, w in zip(got, wanted)))


def both(binary):
    return [triton.InferRequestedOutput(n, binary_data=binary) for n in ("label", "probability")]


compare("binary", [client.infer("parts", inputs(rows, True))])  # no outputs named: all of them, raw
compare("json", [client.infer("parts", inputs(rows, False), outputs=both(False))])
compare("mixed", [client.infer("parts", inputs(rows, True), outputs=both(False), model_version="1", request_id="q7")])
compare("single", [client.infer("parts", inputs([r], True), timeout=5000000) for r in rows[:50]])
waiting = [client.async_infer("parts", inputs(rows[i : i + 10], True)) for i in range(0, 100, 10)]
compare("async", [w.get_result() for w in waiting])
compare("gzip", [client.infer("parts", inputs(rows, False), response_compression_algorithm="gzip")])
assert client.infer("parts", inputs(rows[:1], True), request_id="q8").get_response()["id"] == "q8"
for name, version, wrong in (("prats", "", inputs(rows[:1], True)), ("parts", "9", inputs(rows[:1], True)), ("parts", "", inputs(rows[:1], True)[:1] * 2)):
    try:
        client.infer(name, wrong, model_version=version)
        print("accepted", name, version)
    except triton.InferenceServerException as e:
        assert e.status() in ("400", "404"), e
client.close()
