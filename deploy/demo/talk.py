"""The clients inside a Pod or Node: opens the connections of a plan until SIGTERM, then ends them properly.

talk.py PLAN.json: a list of talks (traffic.py). Every connection has a source port of its own that this run does not
use again, so a 5-tuple names one connection.
"""

import json
import math
import os
import signal
import socket
import struct
import sys
import threading
import time

STOP = threading.Event()


class Talk:
    def __init__(self, entry):
        self.protocol = entry["protocol"]  # tcp, udp, ping, probe
        self.source, self.destination = entry["source"], entry["destination"]
        self.port = entry["port"]
        self.first_port, self.port_count = entry["first_port"], entry["port_count"]
        self.lasts = entry["lasts"]  # seconds per connection; 0: one exchange; null: until the end
        self.every = entry["every"]  # seconds from one connection to the next
        self.family = socket.AF_INET6 if ":" in self.destination else socket.AF_INET
        self.used = 0

    def next_port(self):
        port = self.first_port + self.used % self.port_count
        self.used += 1
        return port

    def over(self, began):
        return STOP.is_set() or (self.lasts is not None and time.monotonic() - began >= self.lasts)

    def run(self):
        STOP.wait(self.every * (self.first_port % 10) / 10)  # not all at once
        while not STOP.is_set():
            began = time.monotonic()
            try:
                {"tcp": tcp, "udp": udp, "ping": ping, "probe": probe}[self.protocol](self, began)
            except OSError as error:
                print(f"{self.protocol} {self.source} -> {self.destination} port {self.port}: {error}", flush=True)
            STOP.wait(max(0.2, self.every - (time.monotonic() - began)))


def _size(seed, round_number, smallest, largest):
    """Rises and falls over half a minute, so that rates are worth looking at."""
    wave = (1 + math.sin(seed + round_number / 10)) / 2
    return int(smallest + (largest - smallest) * wave)


def _bound(talk, kind, protocol=0, port=None):
    sock = socket.socket(talk.family, kind, protocol)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(5)
    sock.bind((talk.source, talk.next_port() if port is None else port))
    return sock


def _read(sock, count):
    while count > 0:
        piece = sock.recv(min(count, 65536))
        if not piece:
            raise OSError("the server closed the connection")
        count -= len(piece)


def tcp(talk, began):
    with _bound(talk, socket.SOCK_STREAM) as sock:
        sock.connect((talk.destination, talk.port))
        round_number = 0
        while True:
            up = _size(talk.first_port, round_number, 100, 8000)
            down = _size(talk.port, round_number, 400, 20000)  # bursts that no queue on the way overflows on
            sock.sendall(struct.pack("!II", up, down) + bytes(up))
            _read(sock, down)
            round_number += 1
            if talk.over(began):
                return
            STOP.wait(0.2)


def udp(talk, began):
    with _bound(talk, socket.SOCK_DGRAM) as sock:
        sock.connect((talk.destination, talk.port))
        round_number = 0
        while True:
            sock.send(struct.pack("!I", _size(talk.port, round_number, 50, 1200)).ljust(
                _size(talk.first_port, round_number, 40, 1200), b"\0"))
            sock.recv(2048)
            round_number += 1
            if talk.over(began):
                return
            STOP.wait(0.2)


def ping(talk, began):
    """Echo requests with an identifier of our own; the kernel of the other side answers."""
    v6 = talk.family == socket.AF_INET6
    identifier = talk.next_port()
    protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    with _bound(talk, socket.SOCK_RAW, protocol, port=0) as sock:
        sequence = 0
        while True:
            sequence += 1
            body = bytes(56)
            header = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, identifier, sequence & 0xFFFF)
            if not v6:  # ICMPv6's is the kernel's to fill in
                header = header[:2] + struct.pack("!H", _checksum(header + body)) + header[4:]
            sock.sendto(header + body, (talk.destination, 0))
            if talk.over(began):
                return
            STOP.wait(0.5)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def probe(talk, _):
    """A connection attempt that a policy drops: it has to time out."""
    with _bound(talk, socket.SOCK_STREAM) as sock:
        sock.settimeout(1.5)
        try:
            sock.connect((talk.destination, talk.port))
        except TimeoutError:
            return
        print(f"probe {talk.source} -> {talk.destination} port {talk.port}: was let through", flush=True)


def main(plan):
    with open(plan) as file:
        talks = [Talk(entry) for entry in json.load(file)]
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    threads = [threading.Thread(target=t.run, daemon=True) for t in talks]
    for thread in threads:
        thread.start()
    while any(t.is_alive() for t in threads) and os.getppid() != 1:
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
