#!/usr/bin/env python3
"""ipfix-dump as a process: exit codes, files, datagrams, listening on loopback. Usage: ipfix_dump_test.py IPFIX_DUMP"""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

IPFIX_DUMP = ""
TEMPLATE = struct.pack(">HHHHHHHH", 2, 20, 256, 3, 8, 4, 12, 4) + struct.pack(">HH", 4, 1)
EXPORT_TIME = 1795341600  # 2026-11-22T10:00:00Z


def message(body, sequence=0, domain=7, version=10, length=None):
    return struct.pack(">HHIII", version, 16 + len(body) if length is None else length, EXPORT_TIME, sequence,
                       domain) + body


def data(*protocols):
    records = b"".join(bytes([192, 0, 2, 1, 192, 0, 2, 2, protocol]) for protocol in protocols)
    return struct.pack(">HH", 256, 4 + len(records)) + records


def record(protocol):
    return {"sourceIPv4Address": "192.0.2.1", "destinationIPv4Address": "192.0.2.2", "protocolIdentifier": protocol}


MALFORMED = message(struct.pack(">HH", 256, 3))


def run(*arguments, stdin=b""):
    done = subprocess.run([IPFIX_DUMP, *arguments], input=stdin, capture_output=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_stream_of_messages(self):
        path = self.file("a", message(TEMPLATE + data(6)) + message(data(17, 1), sequence=1))
        self.assertEqual(run(path), (0, [record(6), record(17), record(1)], ""))

    def test_each_stream_is_a_session_of_its_own(self):
        first = self.file("a", message(TEMPLATE))
        second = self.file("b", message(data(6)))
        code, records, errors = run(first, second)
        self.assertEqual((code, records), (0, []))
        self.assertIn("held_data_set_dropped", errors)
        self.assertIn("template 256 of domain 7", errors)

    def test_standard_input(self):
        self.assertEqual(run("-", stdin=message(TEMPLATE + data(6))), (0, [record(6)], ""))

    def test_empty_file_is_well_formed(self):
        self.assertEqual(run(self.file("a", b"")), (0, [], ""))

    def test_malformed_message_is_left_out_and_named(self):
        path = self.file("a", message(TEMPLATE + data(6)) + MALFORMED + message(data(17), sequence=1))
        code, records, errors = run(path)
        self.assertEqual((code, records), (2, [record(6), record(17)]))
        self.assertIn(f"{path}: octet {16 + 20 + 13 + 16}: set_length_below_header (malformed)", errors)

    def test_what_follows_a_broken_header_is_not_read(self):
        path = self.file("a", message(TEMPLATE + data(6)) + message(b"", version=9) + message(data(17)))
        code, records, errors = run(path)
        self.assertEqual((code, records), (2, [record(6)]))
        self.assertIn("wrong_version", errors)

    def test_cut_file(self):
        code, records, errors = run(self.file("a", message(TEMPLATE + data(6)) + message(data(17))[:-1]))
        self.assertEqual((code, records), (2, [record(6)]))
        self.assertIn("message_cut", errors)

    def test_datagrams_are_one_session(self):
        files = [self.file("a", message(TEMPLATE)), self.file("b", message(data(6)))]
        self.assertEqual(run("--datagrams", *files), (0, [record(6)], ""))

    def test_malformed_datagram_is_named_and_the_others_decoded(self):
        files = [self.file("a", message(TEMPLATE)), self.file("b", MALFORMED), self.file("c", message(data(6)) + b"x"),
                 self.file("d", b""), self.file("e", message(data(6)))]
        code, records, errors = run("--datagrams", *files)
        self.assertEqual((code, records), (2, [record(6)]))
        self.assertIn(f"{files[1]}: octet 16: set_length_below_header", errors)
        self.assertIn(f"{files[2]}: octet 0: octets_after_message", errors)
        self.assertIn(f"{files[3]}: octet 0: message_cut", errors)

    def test_datagram_longer_than_any_message(self):
        code, _, errors = run("--datagrams", self.file("a", message(b"", length=65535) + bytes(100000)))
        self.assertEqual(code, 2)
        self.assertIn("octets_after_message", errors)

    def test_unreadable_file(self):
        sound = self.file("a", message(TEMPLATE + data(6)))
        for flags in ([], ["--datagrams"]):
            for wrong in (os.path.join(self.folder.name, "absent"), self.folder.name):
                code, records, errors = run(*flags, wrong, sound)
                self.assertEqual((code, records), (1, [record(6)]))
                self.assertIn(wrong, errors)

    def test_meta(self):
        path = self.file("a", message(TEMPLATE + data(6), sequence=41))
        meta = {"_exporter": path, "_domain": 7, "_template": 256, "_sequence": 41,
                "_exportTime": "2026-11-22T10:00:00Z"}
        self.assertEqual(run("--meta", path), (0, [meta | record(6)], ""))

    def test_elements(self):
        elements = self.file("e.csv", b"id,name,type,enterprise\n1,vendorCount,unsigned32,4711\n")
        vendor = struct.pack(">HHHHHHI", 2, 16, 256, 1, 0x8001, 2, 4711) + struct.pack(">HHH", 256, 6, 77)
        path = self.file("a", message(vendor))
        self.assertEqual(run(path), (0, [{"enterprise4711_1": "004d"}], ""))
        self.assertEqual(run("--elements", elements, path), (0, [{"vendorCount": 77}], ""))
        code, records, errors = run("--elements", self.file("bad.csv", b"id,name,type\n1,a,nonsense\n"), path)
        self.assertEqual((code, records), (1, []))
        self.assertIn("bad.csv:2", errors)

    def test_errors_are_limited(self):
        code, _, errors = run(self.file("a", MALFORMED * 1000))
        self.assertEqual(code, 2)
        self.assertLess(len(errors.splitlines()), 50)
        self.assertIn("980 more of set_length_below_header", errors)

    def test_output_that_nobody_takes(self):
        path = self.file("a", message(TEMPLATE + data(6)))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([IPFIX_DUMP, path], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)


class Usage(unittest.TestCase):
    def test_help_shows_an_example(self):
        done = subprocess.run([IPFIX_DUMP, "--help"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"ipfix-dump --listen tcp:0.0.0.0:4739", done.stdout)

    def test_wrong_usage(self):
        for arguments in ([], ["--nonsense"], ["--listen", "tcp:127.0.0.1:0", "file"], ["--listen", "4739"],
                          ["--listen", "tcp:127.0.0.1"], ["--listen", "sctp:127.0.0.1:0"],
                          ["--listen", "tcp:localhost:0"], ["--listen", "tcp:::1:0"],
                          ["--listen", "tcp:127.0.0.1:65536"], ["--listen", "tcp:192.0.2.1:0"]):
            code, records, errors = run(*arguments)
            self.assertEqual((code, records), (1, []), arguments)
            self.assertNotEqual(errors, "", arguments)


class Listening(unittest.TestCase):
    def start(self, *where, options=()):
        arguments = [part for one in where for part in ("--listen", one)]
        self.process = subprocess.Popen([IPFIX_DUMP, *arguments, *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.addCleanup(self.kill)
        self.ports = []
        for _ in where:
            line = self.process.stderr.readline().decode()
            self.ports.append(int(re.fullmatch(r"ipfix-dump: listening on (?:tcp|udp):.*:(\d+)\n", line).group(1)))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def lines(self, count):
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        output, errors = self.process.communicate()
        return self.process.returncode, [json.loads(line) for line in output.splitlines()], errors.decode()

    def connect(self, port=None):
        client = socket.create_connection(("127.0.0.1", port or self.ports[0]))
        self.addCleanup(client.close)
        return client

    def test_tcp(self):
        self.start("tcp:127.0.0.1:0", options=["--meta"])
        client = self.connect()
        client.sendall(message(TEMPLATE + data(6)))
        got = self.lines(1)[0]
        self.assertEqual(got["protocolIdentifier"], 6)
        self.assertEqual(got["_exporter"], "127.0.0.1:%d" % client.getsockname()[1])
        code, records, errors = self.end()
        self.assertEqual((code, records), (0, []))
        self.assertIn("1 messages, 1 records, 0 malformed, 0 lost by sequence", errors)

    def test_udp_and_ipv6(self):
        self.start("udp:127.0.0.1:0", "udp:[::1]:0", "tcp:[::1]:0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(message(TEMPLATE), ("127.0.0.1", self.ports[0]))
            client.sendto(message(data(6)), ("127.0.0.1", self.ports[0]))
            self.assertEqual(self.lines(1), [record(6)])
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.sendto(message(TEMPLATE + data(17)), ("::1", self.ports[1]))
            self.assertEqual(self.lines(1), [record(17)])
        with socket.create_connection(("::1", self.ports[2])) as client:
            client.sendall(message(TEMPLATE + data(1)))
            self.assertEqual(self.lines(1), [record(1)])
        self.assertEqual(self.end(signal.SIGINT)[0], 0)

    def test_message_in_pieces(self):
        self.start("tcp:127.0.0.1:0")
        client = self.connect()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in message(TEMPLATE + data(6)):
            client.sendall(bytes([octet]))
        self.assertEqual(self.lines(1), [record(6)])

    def test_malformed_message_closes_its_connection_only(self):
        self.start("tcp:127.0.0.1:0")
        bad, good = self.connect(), self.connect()
        good.sendall(message(TEMPLATE))
        bad.sendall(message(TEMPLATE + data(6)) + MALFORMED + message(data(17), sequence=1))
        self.assertEqual(bad.recv(1), b"")
        good.sendall(message(data(1)))
        self.assertEqual(self.lines(2), [record(6), record(1)])
        code, records, errors = self.end()
        self.assertEqual((code, records), (2, []))
        self.assertIn("set_length_below_header (malformed)", errors)

    def test_many_clients_at_once(self):
        self.start("tcp:127.0.0.1:0")
        clients = [self.connect() for _ in range(200)]
        reader = threading.Thread(target=lambda: setattr(self, "got", self.lines(400)))
        reader.start()
        for client in clients:
            client.sendall(message(TEMPLATE + data(6)))
        for client in clients:
            client.sendall(message(data(17), sequence=1))
            client.close()
        reader.join()
        self.assertEqual(sorted(r["protocolIdentifier"] for r in self.got), [6] * 200 + [17] * 200)
        self.assertEqual(self.end()[0], 0)

    def test_sessions_are_bounded(self):
        self.start("tcp:127.0.0.1:0", options=["--max-sessions", "2"])
        kept = [self.connect(), self.connect()]
        for client in kept:
            client.sendall(message(TEMPLATE + data(6)))
        self.lines(2)
        self.assertEqual(self.connect().recv(1), b"")
        kept[0].close()
        for _ in range(1000):  # until the end of the first has been noticed
            late = self.connect()
            late.sendall(message(TEMPLATE + data(17)))
            late.settimeout(0.02)
            try:
                if late.recv(1) == b"":
                    continue
            except (socket.timeout, ConnectionResetError) as outcome:
                if isinstance(outcome, socket.timeout):
                    break
        self.assertEqual(self.lines(1), [record(17)])

    def test_what_has_arrived_before_the_signal_is_read(self):
        self.start("udp:127.0.0.1:0")
        self.process.send_signal(signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(message(TEMPLATE + data(6)), ("127.0.0.1", self.ports[0]))
            client.sendto(message(data(17), sequence=4), ("127.0.0.1", self.ports[0]))
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGCONT)
        code, records, errors = self.end()
        self.assertEqual((code, records), (0, [record(6), record(17)]))
        self.assertIn("2 messages, 2 records, 0 malformed, 3 lost by sequence", errors)

    def test_noise(self):
        self.start("tcp:127.0.0.1:0", "udp:127.0.0.1:0")
        client = self.connect()
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        self.assertEqual(client.recv(1), b"")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(500):
                sender.sendto(message(b"", version=9), ("127.0.0.1", self.ports[1]))
        code, records, errors = self.end()
        self.assertEqual((code, records), (2, []))
        self.assertLess(len(errors.splitlines()), 60)

    def test_address_in_use(self):
        self.start("tcp:127.0.0.1:0")
        code, _, errors = run("--listen", "tcp:127.0.0.1:%d" % self.ports[0])
        self.assertEqual(code, 1)
        self.assertIn("Address already in use", errors)


if __name__ == "__main__":
    IPFIX_DUMP = sys.argv.pop(1)
    unittest.main()
