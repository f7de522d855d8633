"""A server inside a Pod or Node: answers as many octets as it is asked for.  serve.py tcp:PORT udp:PORT …

A TCP message is its payload's length and the length of the wanted answer (two 32-bit numbers), then the payload. A UDP
message is one datagram that begins with the length of the wanted answer. IPv4 and IPv6 on every port.
"""

import socket
import struct
import sys
import threading

MAX_OCTETS = 1 << 20


def _read(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 65536))
        if not piece:
            return None
        data += piece
    return data


def _tcp_connection(connection):
    with connection:
        connection.settimeout(60)
        try:
            while (header := _read(connection, 8)) is not None:
                length, answer = struct.unpack("!II", header)
                if max(length, answer) > MAX_OCTETS or _read(connection, length) is None:
                    return
                connection.sendall(bytes(answer))
        except OSError:
            pass  # the client is gone


def _tcp(family, port):
    listener = socket.create_server(("", port), family=family, backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_tcp_connection, args=(connection,), daemon=True).start()


def _answer_datagrams(udp, any_source):
    """Answers from the address that was asked: on a Node the kernel would choose another."""
    while True:
        data, control, _, client = udp.recvmsg(2048, 256)
        if len(data) < 4:
            continue
        source = [(level, kind, value) for level, kind, value in control if kind == any_source[1]]
        (answer,) = struct.unpack_from("!I", data)
        udp.sendmsg([bytes(min(answer, 1200))], source, 0, client)


def _udp(family, port):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        wanted = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        wanted = (socket.IPPROTO_IP, 8)  # IP_PKTINFO
        udp.setsockopt(*wanted, 1)
    udp.bind(("", port))
    _answer_datagrams(udp, wanted)


def main(arguments):
    threads = []
    for argument in arguments:
        protocol, port = argument.split(":")
        for family in (socket.AF_INET, socket.AF_INET6):
            threads.append(threading.Thread(target={"tcp": _tcp, "udp": _udp}[protocol], args=(family, int(port)),
                                            daemon=True))
            threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1:])
