"""Stations that speak at once: many connections send messages about the same part, and every verdict on it must be one and the same.

parts_client.py URL ROUNDS CONNECTIONS
Prints a line for each kind of message: NAME parts N wrong N verdicts {...}. Wrong: two verdicts on one part, none or more than one that is no repetition, or a
verdict that GET does not know.
"""
import collections
import http.client
import json
import sys
import threading
import urllib.parse

host = urllib.parse.urlsplit(sys.argv[1])
rounds, connections = int(sys.argv[2]), int(sys.argv[3])
whole = {"torque": 5.5, "angle": 41, "force": 2, "kind": "A"}
names = list(whole)
kinds = {
    "the same message": lambda i: whole,
    "a feature each": lambda i: {names[i % 4]: whole[names[i % 4]]},
    "stations that disagree": lambda i: {"torque": 5.5, "angle": 41} if i % 2 else {"torque": 5.6, "force": 2, "kind": "A"},
}


def ask(method, serial, body=None):
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
    connection.request(method, "/api/parts/" + urllib.parse.quote(serial, safe=""), body and json.dumps(body))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


for name, features in kinds.items():
    wrong, verdicts = 0, collections.Counter()
    for k in range(rounds):
        serial, answers = f"{name} {k}/50 %2F ä", [None] * connections
        together = threading.Barrier(connections)

        def station(i):
            together.wait()
            answers[i] = ask("POST", serial, {"features": features(i)})

        threads = [threading.Thread(target=station, args=(i,)) for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        decided = [a for a in answers if a["state"] == "decided"]
        first = sum("repeated" not in a for a in decided)
        known = ask("GET", serial)["attempts"]
        same = {json.dumps({**a, "repeated": True}, sort_keys=True) for a in decided}
        kept = known[0].get("decided") == decided[0]["decided"] and known[0]["verdict"] == decided[0]["verdict"]
        wrong += not (len(same) == 1 and first == 1 and len(known) == 1 and kept)
        verdicts[decided[0]["verdict"]] += 1
    print(name, "parts", rounds, "wrong", wrong, "verdicts", dict(verdicts))
