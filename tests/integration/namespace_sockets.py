"""Sockets of a test's own process inside its network namespaces: a socket stays in the namespace it was made in."""

import contextlib
import ctypes
import os
import socket
import struct

from socket_talk import family, receive_exactly

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace):
    """What is opened within stays in the namespace. Of one thread: the calling one moves there and back."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)


def _enter(namespace):
    if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _made(namespace, kind, address, port):
    with inside(namespace):
        made = socket.socket(family(address), kind)
    made.settimeout(10)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def udp(namespace, address, port=0):
    return _made(namespace, socket.SOCK_DGRAM, address, port)


def listen(namespace, address, port):
    listener = _made(namespace, socket.SOCK_STREAM, address, port)
    listener.listen(64)
    return listener


def connect(namespace, address, port, to, seconds=10):
    client = _made(namespace, socket.SOCK_STREAM, address, port)
    client.settimeout(seconds)
    client.connect(to)
    return client


def reset(connection):
    """Closes with RST: neither end keeps the port in TIME_WAIT."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class UdpTalk:
    """One UDP connection between two bound sockets."""

    def __init__(self, client, server, to=None):
        self.client, self.server = client, server
        self.client.connect(to or server.getsockname()[:2])

    def say(self, packets, octets, answers=0, answer_octets=0):
        """Each packet has arrived before the next goes: none waits in a queue when this returns."""
        for number in range(packets):
            self.client.send(b"q" * octets)
            _, peer = self.server.recvfrom(65536)
            if number < answers:
                self.server.sendto(b"a" * answer_octets, peer)
                self.client.recv(65536)


class TcpTalk:
    """One TCP connection, both ends of it ours."""

    def __init__(self, namespace, address, port, listener, to=None, accept=True):
        self.listener, self.server = listener, None
        self.client = connect(namespace, address, port, to or listener.getsockname()[:2])
        if accept:
            self.accept()

    def accept(self):
        self.server, _ = self.listener.accept()
        self.server.settimeout(10)

    def say(self, octets, answer_octets=0):
        for sender, receiver, amount in ((self.client, self.server, octets), (self.server, self.client, answer_octets)):
            sender.sendall(b"x" * amount)
            receive_exactly(receiver, amount)

    def close(self):
        """The client's FIN first; both have gone when this returns."""
        self.client.shutdown(socket.SHUT_WR)
        assert self.server.recv(1) == b""
        self.server.close()
        assert self.client.recv(1) == b""
        self.client.close()
