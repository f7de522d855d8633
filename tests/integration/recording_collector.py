"""A collector that writes down what it reads: recording_collector.py PORT FOLDER, a file a session."""

import pathlib
import socket
import sys
import threading


def record(connection, path):
    with open(path, "wb", buffering=0) as file:
        try:
            while octets := connection.recv(262144):
                file.write(octets)
        except ConnectionResetError:
            pass


def main():
    port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        print("listening", flush=True)
        while True:
            connection, peer = listener.accept()
            threading.Thread(target=record, args=(connection, folder / f"session-{peer[1]}.ipfix"), daemon=True).start()


main()
