# clients.py URL ROWS.jsonl VERDICTS.csv - asks for the same rows with the real tritonclient, as JSON, as raw tensors and mixed, and compares with `model predict`.
# Prints one line a way of asking: "NAME rows N differing N".
import asyncio
import csv
import json
import sys

import numpy
import tritonclient.http as triton
import tritonclient.http.aio as aio

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
for packing in ("gzip", "deflate"):
    packed = [client.infer("parts", inputs(rows, binary), outputs=both(binary), request_compression_algorithm=packing, response_compression_algorithm=packing) for binary in (True, False)]
    compare(packing, packed[:1])
    compare(packing + " of JSON", packed[1:])
assert client.infer("parts", inputs(rows[:1], True), request_id="q8").get_response()["id"] == "q8"
for name, version, wrong in (("prats", "", inputs(rows[:1], True)), ("parts", "9", inputs(rows[:1], True)), ("parts", "", inputs(rows[:1], True)[:1] * 2)):
    try:
        client.infer(name, wrong, model_version=version)
        print("accepted", name, version)
    except triton.InferenceServerException as e:
        assert e.status() in ("400", "404"), e
# what Triton has beyond the protocol
config = client.get_model_config("parts", "1")
assert config["name"] == "parts" and [i["data_type"] for i in config["input"]] == ["TYPE_FP64"] * 3 + ["TYPE_STRING"] and config["max_batch_size"] > 0, config
assert {(m["name"], m["state"]) for m in client.get_model_repository_index()} == {("parts", "READY"), ("plain", "READY")}
statistics = client.get_inference_statistics("parts", "1")["model_stats"]
assert len(statistics) == 1 and statistics[0]["inference_stats"]["success"]["count"] > 50 and statistics[0]["inference_count"] > 2000, statistics
parts = statistics[0]["inference_stats"]
assert sum(parts[k]["ns"] for k in ("queue", "compute_input", "compute_infer", "compute_output")) <= parts["success"]["ns"], parts
assert parts["fail"]["count"] > 0 and 0 < statistics[0]["execution_count"] <= parts["success"]["count"]
assert len(client.get_inference_statistics()["model_stats"]) == 2
assert client.get_system_shared_memory_status() == [] and client.get_cuda_shared_memory_status() == []
client.unregister_system_shared_memory()


def refused(status, asks, *words, **named):
    try:
        asks(*words, **named)
        print("accepted", asks.__name__)
    except triton.InferenceServerException as e:
        assert e.status() == status and len(str(e)) > 20, e


refused("403", client.load_model, "parts")
refused("403", client.unload_model, "parts")
refused("404", client.get_model_config, "prats")
refused("404", client.get_inference_statistics, "prats")
refused("404", client.get_trace_settings)
refused("404", client.update_log_settings, {"log_verbose_level": 1})
refused("404", client.register_system_shared_memory, "a", "/a", 8)
refused("400", client.infer, "parts", inputs(rows[:1], True), outputs=[triton.InferRequestedOutput("probability", class_count=2)])
refused("400", client.infer, "parts", inputs(rows[:1], True), outputs=[triton.InferRequestedOutput("verdict")])
body, size = triton.InferenceServerClient.generate_request_body(inputs(rows[:1], True))
assert 0 < size < len(body)
client.close()


async def asynchronous():
    async with aio.InferenceServerClient(url.split("//")[1]) as c:
        assert await c.is_server_live() and await c.is_model_ready("parts")
        compare("aio", await asyncio.gather(*[c.infer("parts", inputs(rows[i : i + 10], True), response_compression_algorithm="gzip") for i in range(0, 100, 10)]))


asyncio.run(asynchronous())
