#!/usr/bin/env python3
"""mlflow_log_metric.py ANDON [--count N] - one metric logged again and again: andon against mlflow's own server, in one run.

For each server: time from its start to its first answer, resident memory at the end, and p50/p95 of runs/log-metric by one raw HTTP
connection (keep-alive, http.client) and, where python can import mlflow, by the client's own log_metric. mlflow's server is measured where
`mlflow server` is installed. Both keep metrics in SQLite on the same disk; andon's answer comes after the flush to the disk. The floor is
printed too: 8 KiB written over a file beside the workspaces, and flushed. One JSON document on stdout.
"""
import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def percentile(values, p):
    values = sorted(values)
    return round(1000 * values[min(len(values) - 1, int(p * len(values)))], 3)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, path, process, seconds=120):
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds and process.poll() is None:
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            c.request("GET", path)
            if c.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.002)
    sys.exit(f"no server on port {port}")


def memory_mb(pid):
    """of the process and those it started"""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            with open(f"/proc/{one}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
            with open(f"/proc/{one}/task/{one}/children") as file:
                todo += [int(x) for x in file.read().split()]
        except OSError:
            pass
    return round(total / 1024, 1)


def raw(port, count):
    c = http.client.HTTPConnection("127.0.0.1", port)

    def post(path, body):
        c.request("POST", "/api/2.0/mlflow/" + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = c.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"{path}: {answer.status} {text[:300]}")
        return json.loads(text)

    c.connect()
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    run = post("runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]
    times = []
    for step in range(count + 50):
        begun = time.perf_counter()
        post("runs/log-metric", {"run_id": run, "key": "loss", "value": 1 / (step + 1), "timestamp": 1700000000000 + step, "step": step})
        times.append(time.perf_counter() - begun)
    times = times[50:]
    c.request("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss&max_results=25000")
    seen = len(json.loads(c.getresponse().read())["metrics"])
    if seen != count + 50:
        sys.exit(f"{seen} of {count + 50} metrics are there")
    return times


def by_client(port, count):
    try:
        import mlflow
    except ImportError:
        return None
    client = mlflow.MlflowClient(f"http://127.0.0.1:{port}")
    run = client.create_run("0").info.run_id
    times = []
    for step in range(count + 20):
        begun = time.perf_counter()
        client.log_metric(run, "loss", 1.0, step=step)
        times.append(time.perf_counter() - begun)
    return times[20:]


def measure(name, command, port, path, folder, count):
    begun = time.perf_counter()
    with open(os.path.join(folder, name + ".log"), "w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(port, path, process)
        start = time.perf_counter() - begun
        times, client = raw(port, count), by_client(port, max(50, count // 5))
        result = {"start_ms": round(1000 * start, 1), "raw_p50_ms": percentile(times, 0.5), "raw_p95_ms": percentile(times, 0.95), "memory_mb": memory_mb(process.pid)}
        if client:
            result |= {"client_p50_ms": percentile(client, 0.5), "client_p95_ms": percentile(client, 0.95)}
        return result
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def flush_floor(folder, count):
    """8 KiB written over what is there, and fdatasync: what any durable answer needs at least on this disk"""
    times, fd = [], os.open(os.path.join(folder, "floor"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, b"x" * 8192 * count)
    os.fsync(fd)
    for i in range(count):
        begun = time.perf_counter()
        os.pwrite(fd, b"y" * 8192, i * 8192)
        os.fdatasync(fd)
        times.append(time.perf_counter() - begun)
    os.close(fd)
    return {"p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95)}


def workspace(andon, folder):
    """serve wants a model: a small one"""
    with open(os.path.join(folder, "rows.csv"), "w") as file:
        file.write("a,b,broken\n" + "".join(f"{i % 17},{i % 5},{int(i % 17 > 12)}\n" for i in range(200)))
    for command in (["init", "."], ["data", "import", "t", "rows.csv", "--target", "broken"], ["model", "train", "t", "--data", "t"]):
        subprocess.run([andon, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("andon")
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--folder", help="where the workspaces are made (a real disk, not tmpfs)")
    a = p.parse_args()
    folder = tempfile.mkdtemp(prefix="andon-bench-", dir=a.folder)
    try:
        andon = os.path.abspath(a.andon)
        workspace(andon, folder)
        result = {"count": a.count, "flush": flush_floor(folder, 200)}
        port = free_port()
        command = [andon, "serve", "--model", "t", "--unapproved", "--port", str(port)]
        result["andon"] = measure("andon", command, port, "/health", folder, a.count)
        beside = os.path.join(os.path.dirname(sys.executable), "mlflow")
        mlflow = beside if os.path.exists(beside) else shutil.which("mlflow")
        if mlflow:
            port = free_port()
            command = [mlflow, "server", "--port", str(port), "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db"]
            result["mlflow"] = measure("mlflow", command, port, "/health", folder, min(a.count, 500))
            result["ratio_raw_p50"] = round(result["mlflow"]["raw_p50_ms"] / result["andon"]["raw_p50_ms"], 1)
        else:
            result["mlflow"] = None
        print(json.dumps(result, indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
