"""Packets that are meant to be dropped, sent from inside a Pod's namespace: nothing waits for an answer.

udp ADDRESS PORT COUNT | udp-port SOURCE_PORT ADDRESS PORT COUNT | udp-from SOURCE ADDRESS PORT COUNT: 20 octets each.
syn ADDRESS PORT COUNT | syn-ack ADDRESS PORT COUNT: bare TCP segments; a SYN and ACK that answers nothing is invalid to
conntrack."""

import socket
import struct
import sys

from socket_talk import family

PAYLOAD = b"x" * 20
SYN, ACK = 0x02, 0x10


def send_udp(address, port, count, source=("", 0)):
    with socket.socket(family(address), socket.SOCK_DGRAM) as udp:
        udp.bind(source)
        for _ in range(count):
            udp.sendto(PAYLOAD, (address, port))


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def send_tcp(address, port, count, flags):
    with socket.socket(family(address), socket.SOCK_DGRAM) as route:
        route.connect((address, port))
        source = route.getsockname()[0]
    segment = struct.pack("!HHIIBBHHH", 31234, port, 1, 1, 0x50, flags, 1000, 0, 0)
    of = family(address)
    pseudo = socket.inet_pton(of, source) + socket.inet_pton(of, address) + struct.pack("!II", len(segment), 6)
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
    with socket.socket(of, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        for _ in range(count):
            raw.sendto(segment, (address, 0))


def main():
    kind, *rest = sys.argv[1:]
    if kind == "udp-port":
        send_udp(rest[1], int(rest[2]), int(rest[3]), ("", int(rest[0])))
    elif kind == "udp-from":
        send_udp(rest[1], int(rest[2]), int(rest[3]), (rest[0], 0))
    elif kind == "udp":
        send_udp(rest[0], int(rest[1]), int(rest[2]))
    else:
        send_tcp(rest[0], int(rest[1]), int(rest[2]), SYN | ACK if kind == "syn-ack" else SYN)


main()
