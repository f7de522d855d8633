"""What the programs share that talk inside a namespace."""

import socket


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def receive_exactly(connection, size):
    """EOFError: the other side has closed."""
    while size > 0:
        data = connection.recv(min(size, 65536))
        if not data:
            raise EOFError
        size -= len(data)
