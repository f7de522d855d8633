"""A control socket where ovs-vswitchd's is looked for, which answers as a Mode says: rightly, wrongly, or never."""

import json
import os
import random
import socket
import threading

PID = 4242  # of a pidfile; no process has to have it


def udp_line(source, destination, sport):
    return (f"udp,orig=(src={source},dst={destination},sport={sport},dport=53),"
            f"reply=(src={destination},dst={source},sport=53,dport={sport}),id=0,zone=65520,status=0,timeout=58\n")


def garbled(text, seed):
    """The text with one octet in 100 replaced, line ends too."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.randrange(256)) if chosen.random() < 0.01 else c for c in text)


class FakeVswitchd:
    """mode: "right", "garbage" (octets), "garbled" (a right answer of wrong lines), "half" (of an answer, then it hangs
    up), "other" (an answer to another question), "endless" (a line without end), "refusing", "silent"."""

    def __init__(self, rundir, connections):
        self.mode, self.connections, self.asked = "right", connections, 0
        (rundir / "ovs-vswitchd.pid").write_text(f"{PID}\n")
        self._listen(rundir / f"ovs-vswitchd.{PID}.ctl", self._control)
        self._listen(rundir / "br-int.mgmt", lambda connection: connection.sendall(os.urandom(3000)))

    @staticmethod
    def _listen(path, serve):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def one(connection):
            with connection:
                try:
                    serve(connection)
                except OSError:
                    pass  # it has left

        def accept():
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _control(self, connection):
        text, decoder = "", json.JSONDecoder()
        while data := connection.recv(65536):
            text += data.decode()
            while text:
                try:
                    request, end = decoder.raw_decode(text)
                except ValueError:
                    break  # more of it is to come
                text = text[end:].lstrip()
                if not self._answer(connection, request):
                    return

    def _answer(self, connection, request):
        """False: hang up."""
        self.asked += 1
        mode = self.mode
        result = self._result(request["method"])
        if mode == "garbled":
            result = garbled(result, self.asked)
        right = json.dumps({"id": request["id"] + (mode == "other"), "result": result, "error": None}).encode()
        if mode == "refusing":
            right = json.dumps({"id": request["id"], "result": None, "error": "no\n"}).encode()
        octets = {"garbage": os.urandom(5000), "silent": b"", "half": right[: len(right) // 2],
                  "endless": right[: right.index(b'"result"')] + b'"result": "' + b"x" * (3 << 20)}.get(mode, right)
        connection.sendall(octets)
        return mode != "half"

    def _result(self, method):
        return {"upcall/show": "netdev@ovs-netdev:\n  flows         : (current 0) (avg 1)\n",
                "dpctl/dump-flows": "flow-dump from the main thread:\n",
                "dpctl/ct-get-nconns": f"{len(self.connections)}\n",
                "dpctl/ct-stats-show": f"Connections Stats:\n    Total: {len(self.connections)}\n",
                "dpctl/dump-conntrack": "".join(self.connections)}.get(method, "")
