"""Keeps what an exporter sends, as it came: recorder.py tcp PORT FILE (one stream a connection, appended), or
recorder.py udp PORT FOLDER [FORWARD_PORT…] (one file a datagram, passed on to 127.0.0.1:FORWARD_PORT)."""

import pathlib
import socket
import sys

SO_RCVBUFFORCE = 33  # asm-generic/socket.h: beyond net.core.rmem_max, for root


def record_tcp(port, path):
    listener = socket.create_server(("127.0.0.1", port))
    with open(path, "ab", buffering=0) as out:
        while True:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    out.write(data)


def record_udp(port, folder, forward):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    receiver.bind(("127.0.0.1", port))
    number = 0
    while True:
        data, _ = receiver.recvfrom(65536)
        (pathlib.Path(folder) / f"{number:06}.bin").write_bytes(data)
        number += 1
        for other in forward:
            receiver.sendto(data, ("127.0.0.1", other))


if sys.argv[1] == "tcp":
    record_tcp(int(sys.argv[2]), sys.argv[3])
else:
    record_udp(int(sys.argv[2]), sys.argv[3], [int(port) for port in sys.argv[4:]])
