"""A collector that hangs up again and again: closing_collector.py PORT FOLDER OCTETS. Takes so many octets of a connection
at most, then closes it; a file a session, cut after its last whole message. It reads what had come before it closes, and
says how many sessions there were when told to end."""

import pathlib
import random
import socket
import sys


def whole_messages(data):
    end = 0
    while len(data) - end >= 4:
        length = int.from_bytes(data[end + 2:end + 4], "big")
        if length < 16 or end + length > len(data):
            break
        end += length
    return data[:end]


def main():
    port, folder, most = int(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", port))
    number = 0
    while True:
        connection, _ = listener.accept()
        data, enough = b"", random.randrange(most // 10, most)
        while len(data) < enough and (more := connection.recv(65536)):
            data += more
        connection.close()
        (folder / f"{number:06}.part").write_bytes(whole_messages(data))
        (folder / f"{number:06}.part").rename(folder / f"{number:06}.ipfix")
        number += 1


main()
