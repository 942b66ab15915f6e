"""Asks a server for verdicts over several keep-alive connections, and writes down what it was answered.

serve_client.py URL PATH BODIES.jsonl REQUESTS CONNECTIONS OUT.jsonl [PREFIX]
Request i gets line i (in turn) of BODIES as its body and PREFIX-i as its request id. One line of OUT for each: {"request", "status", "body"}; status 0: the
connection broke before an answer (nothing is sent again). A server that takes no more connections ends it.
"""
import http.client
import json
import sys
import threading
import urllib.parse

url, path, bodies, count, connections, out = sys.argv[1:7]
prefix = sys.argv[7] if len(sys.argv) > 7 else "r"
host = urllib.parse.urlsplit(url)
lines = [line.strip() for line in open(bodies) if line.strip()]
answers, lock, following, gone = [], threading.Lock(), iter(range(int(count))), threading.Event()


def ask():
    connection = None
    while True:
        with lock:
            i = next(following, None)
        if i is None or gone.is_set():
            return
        answer = {"request": f"{prefix}-{i}", "status": 0, "body": None}
        try:
            connection = connection or http.client.HTTPConnection(host.hostname, host.port, timeout=30)
            connection.request("POST", path, lines[i % len(lines)], {"X-Request-Id": answer["request"], "Content-Type": "application/json"})
            reply = connection.getresponse()
            answer["body"] = json.loads(reply.read())
            answer["status"] = reply.status
        except (OSError, http.client.HTTPException, ValueError) as why:
            if isinstance(why, ConnectionRefusedError):
                gone.set()
            connection.close()
            connection = None
        with lock:
            answers.append(answer)


threads = [threading.Thread(target=ask) for _ in range(int(connections))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open(out, "w") as file:
    for answer in answers:
        file.write(json.dumps(answer) + "\n")
