#!/usr/bin/env python3
"""One row of 66 features over HTTP keep-alive: `andon serve` (journal on) beside MLServer with scikit-learn, wrk with 20 connections and with one, in
one run. The same table trains both models; the servers take turns, and share the machine's processors with wrk.

usage: python3 bench/serve_http.py [--program build/andon] [--seconds 5] [--repeats 3] [--form v2|rows|binary] [--peers build/peers-mlserver] [--no-peer]
Needs wrk (apt-get install wrk). The peer's packages, mlserver and mlserver-sklearn from PyPI, go into a virtual environment of their own (--peers),
which is made where there is none: 0.6 GB. Prints one JSON line a case; `ratio` above 1 means andon is better. Both servers are asked in the Open Inference Protocol v2 with one matrix of 66 numbers as JSON unless --form
says otherwise for andon: rows by name, or the protocol's binary tensors."""
import argparse
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

FEATURES, ROWS, BODIES = 66, 2000, 64
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
# wrk: the bodies in turn, each with its headers
SCRIPT = """
local bodies, i = {}, 0
init = function() -- not before: wrk knows the Host header from here on
    for line in io.lines("%s/names") do
        local file = io.open(line, "rb")
        local headers = {["Host"] = wrk.headers["Host"], ["Content-Type"] = "%s", ["Inference-Header-Content-Length"] = %s}
        bodies[#bodies + 1] = wrk.format("POST", "%s", headers, file:read("*a"))
        file:close()
    end
end
request = function()
    i = i %% #bodies + 1
    return bodies[i]
end
"""


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} processors"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def table():
    source = random.Random(1)
    rows = []
    for _ in range(ROWS):
        x = [round(source.gauss(20, 5), 4) for _ in range(FEATURES)]
        rows.append((x, int(source.random() < (0.4 if x[0] > 22 else 0.1))))
    return rows


def wait_until_ready(url, process):
    for _ in range(3000):
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None:
            sys.exit(f"bench/serve_http.py: the server ended with {process.returncode}")
        time.sleep(0.005)
    sys.exit(f"bench/serve_http.py: {url} is not ready")


def family(pid):
    """The process and its descendants."""
    parent = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    parent[int(entry)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found = {pid}
    while True:
        more = {p for p, q in parent.items() if q in found} - found
        if not more:
            return found
        found |= more


def resident_mb(pid):
    total = 0
    for p in family(pid):
        try:
            with open(f"/proc/{p}/statm") as f:
                total += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            pass
    return total / 1e6


def started(command, ready, **more):
    """The process, and seconds until it was ready."""
    before = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    wait_until_ready(ready, process)
    return process, time.monotonic() - before


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# ---- andon ------------------------------------------------------------------------------------------------------------


def andon(program, folder, rows):
    program = os.path.abspath(program)
    with open(f"{folder}/rows.csv", "w") as f:
        f.write(",".join(f"press_force_{i + 1}" for i in range(FEATURES)) + ",broken\n")
        for x, y in rows:
            f.write(",".join(map(str, x)) + f",{y}\n")
    for command in (["init", "."], ["data", "import", "press", "rows.csv", "--target", "broken"], ["model", "train", "press", "--data", "press"]):
        subprocess.run([program, *command, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    process, took = started([program, "serve", "--model", "press", "--unapproved", "--port", str(port)], f"http://127.0.0.1:{port}/v2/health/ready", cwd=folder)
    return process, port, took


def body(x, form):
    """Bytes, and how many of them are JSON (0: all)."""
    if form == "rows":
        return json.dumps({f"press_force_{i + 1}": v for i, v in enumerate(x)}).encode(), 0
    tensor = {"name": "input", "shape": [1, FEATURES], "datatype": "FP64"}
    if form == "v2":
        return json.dumps({"inputs": [{**tensor, "data": x}]}).encode(), 0
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": 8 * FEATURES}}], "parameters": {"binary_data_output": True}}).encode()
    return head + struct.pack(f"<{FEATURES}d", *x), len(head)


def script(folder, name, path, rows, form):
    os.makedirs(f"{folder}/{name}")
    head = 0
    with open(f"{folder}/{name}/names", "w") as names:
        for i in range(BODIES):
            text, head = body(rows[i][0], form)
            with open(f"{folder}/{name}/{i}", "wb") as f:
                f.write(text)
            names.write(f"{folder}/{name}/{i}\n")
    text = SCRIPT % (f"{folder}/{name}", "application/octet-stream" if head else "application/json", f'"{head}"' if head else "nil", path)
    with open(f"{folder}/{name}.lua", "w") as f:
        f.write(text)
    return f"{folder}/{name}.lua"


# ---- the peer ------------------------------------------------------------------------------------------------------------


TRAIN = """
import joblib, json, sys
from importlib.metadata import version
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
rows = json.load(open(sys.argv[1]))
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit([x for x, _ in rows], [y for _, y in rows]), sys.argv[2])
print(f"MLServer {version('mlserver')}, scikit-learn {version('scikit-learn')}")
"""


def mlserver(peers, folder, rows):
    if not os.path.exists(f"{peers}/bin/mlserver"):
        subprocess.run([sys.executable, "-m", "venv", peers], check=True)
        subprocess.run([f"{peers}/bin/pip", "install", "-q", "mlserver", "mlserver-sklearn"], check=True)
    folder = f"{folder}/mlserver"
    os.makedirs(folder)
    with open(f"{folder}/rows.json", "w") as f:
        json.dump(rows, f)
    name = subprocess.run([f"{peers}/bin/python", "-c", TRAIN, f"{folder}/rows.json", f"{folder}/model.joblib"], check=True, capture_output=True, text=True).stdout.strip()
    ports = [free_port() for _ in range(3)]
    with open(f"{folder}/settings.json", "w") as f:
        json.dump({"http_port": ports[0], "grpc_port": ports[1], "metrics_port": ports[2], "host": "127.0.0.1", "debug": False, "parallel_workers": 0}, f)
    with open(f"{folder}/model-settings.json", "w") as f:
        json.dump({"name": "press", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}, f)
    process, took = started([f"{peers}/bin/mlserver", "start", folder], f"http://127.0.0.1:{ports[0]}/v2/models/press/ready", cwd=folder)
    return process, ports[0], took, name


# ---- measuring -------------------------------------------------------------------------------------------------------------


def measure(port, lua, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", lua, f"http://127.0.0.1:{port}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Socket errors" in out or "Non-2xx" in out:
        sys.exit(f"bench/serve_http.py: not all requests were answered:\n{out}")

    def quantile(name):
        number, unit = re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(number) * UNITS[unit]

    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "p50": quantile(50), "p99": quantile(99)}


def check(port, path, rows, form):
    """One right answer before anything is measured."""
    text, head = body(rows[0][0], form)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(head)} if head else {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", text, headers), timeout=10) as answer:
        got = answer.read()
    if b"outputs" not in got and b"probability" not in got:
        sys.exit(f"bench/serve_http.py: unexpected answer: {got[:200]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/andon")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--form", choices=["v2", "rows", "binary"], default="v2")
    parser.add_argument("--peers", default="build/peers-mlserver")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("bench/serve_http.py needs wrk: apt-get install wrk")
    rows, infer = table(), "/v2/models/press/infer"
    ours_path = "/api/models/press/predict" if options.form == "rows" else infer
    running, facts, found, peer = {}, {}, {}, "none"
    with tempfile.TemporaryDirectory() as folder:
        try:
            process, port, took = andon(options.program, folder, rows)
            running["ours"] = (process, port, script(folder, "ours", ours_path, rows, options.form))
            facts["ours"] = {"ready": took * 1e3}
            check(port, ours_path, rows, options.form)
            if not options.no_peer:
                process, port, took, peer = mlserver(os.path.abspath(options.peers), folder, rows)
                running["peer"] = (process, port, script(folder, "peer", infer, rows, "v2"))
                facts["peer"] = {"ready": took * 1e3}
                check(port, infer, rows, "v2")
            for connections in (20, 1):
                for _ in range(options.repeats):
                    for who, (process, port, lua) in running.items():
                        found.setdefault((connections, who), []).append(measure(port, lua, connections, options.seconds))
            for who, (process, _, _) in running.items():
                facts[who]["memory"] = resident_mb(process.pid)
        finally:
            for process, _, _ in running.values():
                stop(process)

    def line(case, ours, theirs, unit, higher, goal):
        ratio = None if theirs is None else ours / theirs if higher else theirs / ours
        print(json.dumps({"bench": "serve_http", "case": f"{case}, {options.form}", "ours": round(ours, 3), "peer": None if theirs is None else round(theirs, 3),
                          "peer_name": peer, "unit": unit, "ratio": None if ratio is None else round(ratio, 2), "goal": goal, "machine": machine()}))

    for connections in (20, 1):
        plural = "s" if connections > 1 else ""
        for key, unit, higher, goal in (("rate", "requests/s", True, 10 if connections > 1 else None), ("p50", "ms", False, None), ("p99", "ms", False, None)):
            middle = {who: statistics.median(r[key] for r in found[connections, who]) for who in running}
            line(f"{key}, {connections} connection{plural}", middle["ours"], middle.get("peer"), unit, higher, goal)
    for key, unit in (("memory", "MB"), ("ready", "ms")):
        line({"memory": "memory after the load", "ready": "from start to ready"}[key], facts["ours"][key], facts.get("peer", {}).get(key), unit, False, None)


if __name__ == "__main__":
    main()
