"""A collector that accepts and does not read until it is told to: stalling_collector.py ADDRESS PORT GO OUTPUT. Once the
file GO exists it writes everything it gets into OUTPUT."""

import pathlib
import socket
import sys
import time


def main():
    address, port, go, output = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind((address, port))
        listener.listen()
        print("listening", flush=True)
        connection, _ = listener.accept()
        while not go.exists():
            time.sleep(0.05)
        with open(output, "wb", buffering=0) as file:
            while octets := connection.recv(65536):
                file.write(octets)


main()
