"""Many UDP sockets that take turns, run inside a namespace: `rounds.py ADDRESS PORT SOCKETS ROUNDS PAUSE`.

In each round each socket sends one datagram to an echoing server and waits for the answer; PAUSE seconds between rounds."""

import socket
import sys
import time


def main():
    address, port, sockets, rounds, pause = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
    talking = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
    for one in talking:
        one.settimeout(10)
        one.connect((address, port))
    for number in range(rounds):
        if number:
            time.sleep(pause)
        for one in talking:
            one.send(b"x" * 100)
            one.recv(65536)


main()
