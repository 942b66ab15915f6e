#!/usr/bin/env python3
"""Small keep-alive requests a second: the HTTP core of andon against nginx (one worker, a constant answer), wrk with 20 connections, in one run.

Server and wrk share the same two processors; the servers take turns, so that what else the machine does touches both alike.
usage: python3 bench/wire_http.py [--program build/bench_wire_http] [--seconds 4] [--repeats 3] [--connections 20]
Needs wrk and nginx (apt-get install wrk nginx-light). Prints one JSON line a case; `ratio` above 1 means andon is better."""
import argparse
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 "Hello, World!"; }} }}
}}
"""
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


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


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"bench/wire_http.py: nobody listens on port {port}")


def cpu_seconds(pid):
    """Processor seconds of a process and its children that live (nginx: master and worker)."""
    total = 0.0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(entry) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def measure(port, pid, connections, seconds):
    before = cpu_seconds(pid)
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before
    if "Socket errors" in out or "Non-2xx" in out:
        sys.exit(f"bench/wire_http.py: not all requests were answered:\n{out}")
    total = int(re.search(r"(\d+) requests in", out).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "p99": float(number) * UNITS[unit], "cpu": used / total * 1e6}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_wire_http")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, default=20)
    options = parser.parse_args()
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            sys.exit(f"bench/wire_http.py needs {tool}: apt-get install wrk nginx-light")
    nginx_program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    with tempfile.TemporaryDirectory() as folder:
        ours = subprocess.Popen([options.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        our_port, peer_port = int(ours.stdout.readline()), free_port()
        with open(f"{folder}/nginx.conf", "w") as f:
            f.write(NGINX.format(folder=folder, port=peer_port))
        peer = subprocess.Popen([nginx_program, "-e", f"{folder}/error.log", "-p", folder, "-c", f"{folder}/nginx.conf"])
        try:
            wait_for(our_port)
            wait_for(peer_port)
            results = {"ours": [], "peer": []}
            for _ in range(options.repeats):
                results["ours"].append(measure(our_port, ours.pid, options.connections, options.seconds))
                results["peer"].append(measure(peer_port, peer.pid, options.connections, options.seconds))
        finally:
            peer.terminate()
            ours.stdin.close()
            ours.wait()
            peer.wait()
    cases = [("rate", "requests/s", True, None, "requests a second"), ("p99", "ms", False, None, "99th percentile of the latency"),
             ("cpu", "us", False, None, "processor time of the server a request")]
    for key, unit, higher, goal, name in cases:
        mine = statistics.median(r[key] for r in results["ours"])
        theirs = statistics.median(r[key] for r in results["peer"])
        ratio = mine / theirs if higher else theirs / mine
        print(json.dumps({"bench": "wire_http", "case": f"{name}, {options.connections} connections", "ours": round(mine, 3), "peer": round(theirs, 3),
                          "peer_name": "nginx, one worker", "unit": unit, "ratio": round(ratio, 3), "goal": goal, "machine": machine()}))


if __name__ == "__main__":
    main()
