# mqtt_packet.py - the next MQTT packet of a socket: (first byte, body). ConnectionError: the other side has closed.


def exactly(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more: raise ConnectionError
        data += more
    return data


def receive(c):
    kind, size, shift = exactly(c, 1)[0], 0, 0
    while True:
        byte = exactly(c, 1)[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128: return kind, exactly(c, size)
