# mqtt_broker.py OUT [USER PASSWORD] - just enough of an MQTT 3.1.1 broker to receive messages of quality of service 1, strictly, and to misbehave: every 9th
# message is lost with its connection before it is kept, every 11th after it was kept but not acknowledged. One JSON line a kept message: [topic, payload].
import json
import socket
import sys

from mqtt_packet import receive

out = open(sys.argv[1], "a")
wanted = sys.argv[2:4]
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
seen = 0


def text(data):
    n = int.from_bytes(data[:2], "big")
    return data[2 : 2 + n].decode(), data[2 + n :]


while True:
    c, _ = server.accept()
    try:
        kind, body = receive(c)
        name, rest = text(body)
        assert kind == 0x10 and name == "MQTT" and rest[0] == 4 and not rest[1] & 1, body
        flags = rest[1]
        client, rest = text(rest[4:])
        given = []
        for bit in (0x80, 0x40):
            if flags & bit:
                word, rest = text(rest)
                given.append(word)
        assert rest == b"", rest
        if given != wanted:
            c.sendall(b"\x20\x02\x00\x04")
            continue
        c.sendall(b"\x20\x02\x00\x00")
        while True:
            kind, body = receive(c)
            if kind == 0xE0: break
            if kind == 0xC0:
                assert body == b"", body
                c.sendall(b"\xd0\x00")
                continue
            assert kind == 0x32, kind
            topic, rest = text(body)
            number, payload = rest[:2], rest[2:]
            assert number != b"\0\0"
            seen += 1
            if seen % 9 == 0: break
            print(json.dumps([topic, json.loads(payload)]), file=out, flush=True)
            if seen % 11 == 0: break
            c.sendall(b"\xd0\x00" + b"\x40\x02" + number)  # something else first: passed over
    except ConnectionError:
        pass
    finally:
        c.close()
