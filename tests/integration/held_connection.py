"""A TCP connection that lives as long as a test wants and carries what it is told to, when it is told to.

Run inside a namespace as `held_connection.py serve ADDRESS PORT` or `held_connection.py hold ADDRESS PORT CONTROL`; a
test speaks to the latter through HeldConnection."""

import pathlib
import socket
import struct
import sys
import threading

from harness import accepts_connections, wait_for
from socket_talk import family, receive_exactly


def answer(connection):
    """Each request says how many octets follow and how many are wanted back."""
    with connection:
        while True:
            head = connection.recv(8, socket.MSG_WAITALL)
            if len(head) < 8:
                return
            coming, wanted = struct.unpack("!II", head)
            try:
                receive_exactly(connection, coming)
            except EOFError:
                return
            connection.sendall(b"y" * wanted)


def serve(address, port):
    listener = socket.create_server((address, port), family=family(address), backlog=128)
    print("serving", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def hold(address, port, control):
    listener = socket.socket(socket.AF_UNIX)
    with socket.create_connection((address, port), timeout=10) as connection:
        print(connection.getsockname()[1], flush=True)
        listener.bind(control)
        listener.listen()
        while True:
            teller, _ = listener.accept()
            with teller:
                words = teller.recv(100).split()
                if not words:
                    continue
                send, receive = map(int, words)
                connection.sendall(struct.pack("!II", send, receive) + b"x" * send)
                receive_exactly(connection, receive)
                teller.sendall(b"done")


class HeldConnection:
    def __init__(self, testbed, namespace, address, port, name):
        self.testbed = testbed
        self.control = testbed.folder / f"{name}.sock"
        self.process = testbed.start("python3", pathlib.Path(__file__), "hold", address, port, self.control,
                                     namespace=namespace, log=f"{name}.log")
        wait_for(f"connection {name}", lambda: accepts_connections(self.control))
        self.source_port = int(self.process.log.read_text())

    def exchange(self, send, receive):
        with socket.socket(socket.AF_UNIX) as teller:
            teller.connect(str(self.control))
            teller.sendall(b"%d %d" % (send, receive))
            teller.settimeout(20)
            if teller.recv(10) != b"done":
                sys.exit("FAILED: the connection was lost")

    def close(self):
        self.testbed.stop(self.process)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    hold(sys.argv[2], int(sys.argv[3]), sys.argv[4])
