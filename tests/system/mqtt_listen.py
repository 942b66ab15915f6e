# mqtt_listen.py HOST PORT TOPIC OUT [CA CERT KEY] - subscribes at an MQTT 3.1.1 broker, comes back when that was away, and writes one JSON line a message:
# [topic, retained, payload]. The first line on stdout says that it listens. A session of its own name, so that nothing is lost while it is away.
import json
import socket
import ssl
import sys
import time

from mqtt_packet import receive

host, port, topic, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], open(sys.argv[4], "a")


def text(s):
    return len(s.encode()).to_bytes(2, "big") + s.encode()


def packet(kind, body):
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def listen():
    c = socket.create_connection((host, port))
    if len(sys.argv) > 5:
        context = ssl.create_default_context(cafile=sys.argv[5])
        context.load_cert_chain(sys.argv[6], sys.argv[7])
        c = context.wrap_socket(c, server_hostname=host)
    with c:
        c.sendall(packet(0x10, text("MQTT") + b"\x04\x00\x00\x00" + text("listener")))
        kind, body = receive(c)
        assert kind == 0x20 and body[1] == 0, body
        c.sendall(packet(0x82, b"\x00\x01" + text(topic) + b"\x01"))
        while True:
            kind, body = receive(c)
            if kind == 0x90: print("listens", flush=True)
            if kind >> 4 != 3: continue
            n = int.from_bytes(body[:2], "big")
            quality = kind >> 1 & 3
            payload = body[2 + n + (2 if quality else 0) :]
            print(json.dumps([body[2 : 2 + n].decode(), bool(kind & 1), json.loads(payload)]), file=out, flush=True)
            if quality: c.sendall(packet(0x40, body[2 + n : 4 + n]))


while True:
    try:
        listen()
    except OSError:
        time.sleep(0.1)
