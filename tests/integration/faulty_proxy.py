"""A proxy in front of a real API server that breaks its answers, run inside a test's network namespace:
  faulty_proxy.py PORT SERVER:PORT AUTHORITY CERTIFICATE KEY SEED
SIGUSR1 begins the faults, SIGUSR2 ends them and prints what was done so far, as JSON. An answer is passed on in chunks of
the proxy's own, so that it can end in the middle of a chunk, or in the middle of an object with a clean last chunk."""

import collections
import http.server
import json
import random
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading

# Of a hundred answers; the rest pass whole. Octets of the body until it happens: lists have more than watches.
FAULTS = {"cut in a chunk": 25, "reset in a chunk": 15, "ended cleanly in an object": 25, "cut before the header": 5,
          "stalled, then cut": 5, "429": 5, "500": 4, "503": 4, "410": 2, "no JSON": 5}
IN_THE_BODY = ("cut in a chunk", "reset in a chunk", "ended cleanly in an object", "stalled, then cut")
FURTHEST = 6_000
STALL_S = 0.05
IDLE_S, LOOK_S = 0.2, 0.05  # a watch that says nothing for so long is broken, too


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port, server, authority, certificate, key, seed):
        super().__init__(("127.0.0.1", port), Handler)
        self.api, self.random, self.lock = server, random.Random(seed), threading.Lock()
        self.faulty, self.counts = False, collections.Counter()
        self.front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.front.load_cert_chain(certificate, key)
        self.back = ssl.create_default_context(cafile=authority)

    def draw(self):
        """(fault or None, octets of the body before it)"""
        with self.lock:
            if not self.faulty:
                return None, 0
            faults, weights = [*FAULTS, None], [*FAULTS.values(), 100 - sum(FAULTS.values())]
            return self.random.choices(faults, weights)[0], self.random.randrange(self.random.choice((40, 400, FURTHEST)))

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def handle_error(self, *_):
        pass  # a client that went away is none


class Upstream:
    """One request to the API server, and what comes back as it comes."""

    def __init__(self, context, address, request):
        self.socket = context.wrap_socket(socket.create_connection(address), server_hostname=address[0])
        self.socket.sendall(request)
        self.socket.settimeout(LOOK_S)
        self.waiting = b""  # received, not given out
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split()[1])
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        self.chunked, self.length = "transfer-encoding" in fields, int(fields.get("content-length", 0))

    def _receive(self):
        """False: nothing came in a while."""
        try:
            octets = self.socket.recv(65536)
        except TimeoutError:
            return False
        if not octets:
            raise EOFError
        self.waiting += octets
        return True

    def _until(self, mark):
        while mark not in self.waiting:
            self._receive()
        found, self.waiting = self.waiting.split(mark, 1)
        return found

    def pieces(self):
        """Of the body, without the server's own chunks; None whenever nothing came in a while."""
        if not self.chunked:
            while len(self.waiting) < self.length:
                self._receive()
            yield self.waiting[:self.length]
            return
        while True:
            while b"\r\n" not in self.waiting:
                if not self._receive():
                    yield None
            size = int(self._until(b"\r\n"), 16)
            while len(self.waiting) < size + 2:
                self._receive()
            piece, self.waiting = self.waiting[:size], self.waiting[size + 2:]
            if not size:
                return
            yield piece

    def close(self):
        self.socket.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.request.settimeout(30)
        self.request = self.server.front.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def do_GET(self):  # pylint: disable=invalid-name
        self.close_connection = True
        fault, after = self.server.draw()
        if fault is not None and fault.isdigit():
            return self.refuse(int(fault))
        if fault == "cut before the header":
            return self.server.count(fault)
        upstream = Upstream(self.server.back, self.server.api, (
            f"GET {self.path} HTTP/1.1\r\nHost: api\r\nAuthorization: {self.headers.get('Authorization', '')}\r\n"
            "Accept: application/json\r\nConnection: close\r\n\r\n").encode())
        try:
            self.pass_on(upstream, fault, after)
        finally:
            upstream.close()

    def refuse(self, status):
        body = json.dumps({"kind": "Status", "code": status, "message": "a fault of the test's"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.count(str(status))

    def pass_on(self, upstream, fault, after):
        self.send_response(upstream.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if fault == "no JSON":
            self.chunk(b"<html>a proxy's error page</html>\n")
            self.wfile.write(b"0\r\n\r\n")
            return self.server.count(fault)
        passed = idle = 0
        for piece in upstream.pieces():
            if fault not in IN_THE_BODY:  # a watch from before the faults began
                fault, after = self.server.draw()
                after += passed
            if piece is None:
                idle += 1
                if fault in IN_THE_BODY and idle * LOOK_S > IDLE_S:
                    return self.server.count("an idle watch cut")
                continue
            if fault in IN_THE_BODY and passed + len(piece) > after:
                return self.break_off(fault, piece, after - passed)
            self.chunk(piece)
            passed, idle = passed + len(piece), 0
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, octets):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(octets), octets))

    def break_off(self, fault, piece, keep):
        self.server.count(fault)
        if fault == "ended cleanly in an object":
            if keep:
                self.chunk(piece[:keep])
            self.wfile.write(b"0\r\n\r\n")
            return
        self.wfile.write(b"%x\r\n%s" % (len(piece), piece[:keep]))
        if fault == "stalled, then cut":
            threading.Event().wait(STALL_S)
        if fault == "reset in a chunk":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket.close(self.request)


def main():
    port, server, authority, certificate, key, seed = sys.argv[1:]
    host, api_port = server.rsplit(":", 1)
    proxy = Proxy(int(port), (host, int(api_port)), authority, certificate, key, int(seed))

    def begin(*_):
        proxy.faulty = True

    def end(*_):
        proxy.faulty = False
        print(json.dumps(proxy.counts), flush=True)

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    proxy.serve_forever(poll_interval=0.05)


main()
