"""Traffic between two namespaces with known amounts: run inside a namespace as `talk.py serve|ask …`.

serve ADDRESS PORT: TCP and UDP; a TCP client's first 16 octets say how much it sends and how much it wants back.
ask PROTOCOL ADDRESS PORT SEND RECEIVE COUNT: COUNT connections (or UDP sockets) one after another."""

import socket
import struct
import sys
import threading

from socket_talk import family, receive_exactly

CHUNK = b"x" * 1000
HEAD = struct.Struct("!QQ")


def send_all(connection, head, size):
    """The head with the first part, so that what is short goes in one segment."""
    part = b"x" * min(size, 1 << 20)
    connection.sendall(head + part)
    for at in range(len(part), size, len(part)):
        connection.sendall(part[: size - at])


def serve_tcp(connection):
    with connection:
        head = b""
        while len(head) < HEAD.size:
            head += connection.recv(HEAD.size - len(head))
        coming, wanted = HEAD.unpack(head)
        receive_exactly(connection, coming)
        connection.sendall(b"y" * wanted)
        connection.recv(1)  # until the client closes


def serve(address, port):
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    udp.bind((address, port))

    def echo():
        while True:
            data, peer = udp.recvfrom(65536)
            udp.sendto(data, peer)

    threading.Thread(target=echo, daemon=True).start()
    tcp = socket.create_server((address, port), family=family(address), backlog=128)
    print("serving", flush=True)
    while True:
        connection, _ = tcp.accept()
        threading.Thread(target=serve_tcp, args=(connection,), daemon=True).start()


def ask_tcp(address, port, send, receive):
    with socket.create_connection((address, port), timeout=10) as connection:
        send_all(connection, HEAD.pack(send, receive), send)
        receive_exactly(connection, receive)


def ask_udp(address, port, send, receive):
    del receive  # every datagram is echoed
    with socket.socket(family(address), socket.SOCK_DGRAM) as udp:
        udp.settimeout(10)
        udp.connect((address, port))
        for start in range(0, send, len(CHUNK)):
            udp.send(CHUNK[: min(len(CHUNK), send - start)])
            udp.recv(65536)


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    _, _, protocol, address, port, send, receive, count = sys.argv
    for _ in range(int(count)):
        {"tcp": ask_tcp, "udp": ask_udp}[protocol](address, int(port), int(send), int(receive))


main()
