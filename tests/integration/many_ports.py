"""One UDP datagram from each of COUNT ports, by a raw socket: many_ports.py SOURCE DESTINATION COUNT, run inside a
Pod's namespace. At 20,000 a second, so that Open vSwitch keeps up."""

import socket
import struct
import sys
import time

RATE, BATCH = 20_000, 100


def main():
    source, destination, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.bind((source, 0))
    raw.connect((destination, 0))
    began = time.monotonic()
    for number in range(count):
        source_port, destination_port = 1024 + number % 60_000, 7000 + number // 60_000
        raw.send(struct.pack("!HHHH", source_port, destination_port, 12, 0) + b"test")  # no checksum: allowed over IPv4
        if number % BATCH == 0:
            time.sleep(max(0, began + number / RATE - time.monotonic()))


main()
