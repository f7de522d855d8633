"""Pings at fixed times, answered or not: ping_steadily.py DESTINATION INTERVAL_MS OUTPUT, until SIGTERM or SIGINT.

Writes "SENT_S ROUND_TRIP_MS" a line, monotonic time; an unanswered one has the round trip "lost". ping(8) sends more
slowly while answers are outstanding, and so leaves out the very packets that a standstill delays."""

import array
import os
import select
import signal
import socket
import struct
import sys
import time

WAIT_S = 5  # for the last answers


def checksum(data):
    total = sum(array.array("H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def request(identifier, number):
    """An echo request of 64 octets, as ping's."""
    body = struct.pack("!I", number) + bytes(52)
    sum_ = checksum(struct.pack("!BBHHH", 8, 0, 0, identifier, number & 0xffff) + body)
    return struct.pack("!BB", 8, 0) + struct.pack("=H", sum_) + struct.pack("!HH", identifier, number & 0xffff) + body


def answered(packet, identifier):
    """The number of the request that this answers, or None."""
    header = (packet[0] & 15) * 4
    kind, _, _, theirs = struct.unpack_from("!BBHH", packet, header)
    return struct.unpack_from("!I", packet, header + 8)[0] if kind == 0 and theirs == identifier else None


class Pings:
    def __init__(self, destination):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setblocking(False)
        self.socket.connect((destination, 0))
        self.identifier = os.getpid() & 0xffff
        self.sent, self.round_trips = [], {}

    def send(self):
        self.sent.append(time.monotonic())
        try:
            self.socket.send(request(self.identifier, len(self.sent) - 1))
        except OSError:
            pass  # counts as lost

    def receive(self, until):
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return
            number = answered(self.socket.recv(2048), self.identifier)
            if number is not None:
                self.round_trips.setdefault(number, (time.monotonic() - self.sent[number]) * 1000)


def main():
    destination, interval_s, output = sys.argv[1], float(sys.argv[2]) / 1000, sys.argv[3]
    stopped = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True))
    pings = Pings(destination)
    next_s = time.monotonic()
    while not stopped:
        pings.send()
        next_s += interval_s
        pings.receive(next_s)
    pings.receive(time.monotonic() + 0.1)
    end = time.monotonic() + WAIT_S
    while len(pings.round_trips) < len(pings.sent) and time.monotonic() < end:
        pings.receive(min(end, time.monotonic() + 0.1))
    with open(output, "w", encoding="ascii") as out:
        for number, sent in enumerate(pings.sent):
            out.write(f"{sent:.6f} {pings.round_trips.get(number, 'lost')}\n")


main()
