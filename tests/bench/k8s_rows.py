"""Rows of the k8s-bridge: a large cluster's Pods from the API server to an exporter, and finding one of them."""

import contextlib
import os
import pathlib
import secrets
import signal
import socket
import struct
import subprocess

from api_server import ApiServer
from harness import BIN, Testbed, run
from measure import Prompted, interleaved, progress, row

SYNC_ROWS = {"k8s_sync_20k_pods": "CPU of the k8s-bridge from its start until an exporter has 20,000 Pods of a real "
                                  "kube-apiserver, against kubectl get pods -A -o json; its memory"}
LOOKUP_ROWS = {"directory_lookup": "a Pod by address and time among 100,000, against std::unordered_map by address as text"}
PODS, MOST_MEMORY_KIB, LONGEST_LOOKUP_NS = 20_000, 64 << 10, 100
HELLO_OF_THE_CLUSTER = bytes.fromhex("0a0c0801" "1206" + b"node-0".hex() + "1801")
# Tags of proto/metadata.proto: Frame.update, Frame.snapshot_end, Update.pods.
UPDATE, SNAPSHOT_END, POD = 0x1a, 0x22, 0x0a


def length_at(octets, at):
    """(value of the varint there, where it ends)"""
    value = shift = 0
    while True:
        value |= (octets[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if octets[at - 1] < 0x80:
            return value, at


def pods_in(frame):
    if frame[0] != UPDATE:
        return 0
    _, at = length_at(frame, 1)
    pods = 0
    while at < len(frame) and frame[at] & 7 == 2:  # what has a length; the version behind them has none
        pods += frame[at] == POD
        length, at = length_at(frame, at + 1)
        at += length
    return pods


def put_into_etcd(namespace):
    """Past the API server, which would take minutes: it reads JSON as well as what it writes itself."""
    run("ip", "netns", "exec", namespace, "python3", pathlib.Path(__file__).parent / "etcd_pods.py", PODS)


class Cluster:
    def __init__(self, testbed):
        self.testbed, self.namespace = testbed, testbed.namespace("api")
        self.api = ApiServer(testbed, self.namespace, {"bridge": secrets.token_hex(16)})
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "load"}})
        put_into_etcd(self.namespace)
        self.api.kill()
        self.api.start()  # so that its watch cache begins with them
        self.memory_kib = []

    def bridge(self):
        path = self.testbed.folder / "bridge.sock"
        log = open(self.testbed.folder / "bridge.log", "ab")  # kept open by the process
        process = subprocess.Popen(["ip", "netns", "exec", self.namespace, BIN / "k8s-bridge", "--kubeconfig",
                                    self.api.admin, "--node-name", "node-0", "--socket", path, "--remote-pods"], stderr=log)
        pods = self._snapshot(path)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            self.memory_kib.append(int(next(line for line in status if line.startswith("VmHWM")).split()[1]))
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        if pods != PODS:
            raise SystemExit(f"FAILED: k8s_sync_20k_pods: the exporter got {pods} Pods")
        return round((used.ru_utime + used.ru_stime) * 1e9)

    def _snapshot(self, path):
        """How many Pods it has."""
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as exporter:
                exporter.connect(str(path))
                exporter.sendall(struct.pack(">I", len(HELLO_OF_THE_CLUSTER)) + HELLO_OF_THE_CLUSTER)
                with exporter.makefile("rb") as stream:
                    pods = 0
                    while length := stream.read(4):
                        frame = stream.read(struct.unpack(">I", length)[0])
                        pods += pods_in(frame)
                        if frame[0] == SNAPSHOT_END:
                            return pods

    def kubectl(self):
        with open(os.devnull, "wb") as nowhere:
            process = subprocess.Popen(["ip", "netns", "exec", self.namespace, self.api.programs / "kubectl",
                                        "--kubeconfig", self.api.admin, "get", "pods", "-A", "-o", "json"], stdout=nowhere)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit("FAILED: kubectl get pods")
        return round((used.ru_utime + used.ru_stime) * 1e9)


def sync_rows(names, rounds):
    for name in names:
        progress(name)
        cluster = Cluster(Testbed("bench-k8s"))
        values = interleaved(rounds, {"ours": cluster.bridge, "kubectl": cluster.kubectl})
        ours, peer = ([value / 1e6 for value in values[way]] for way in ("ours", "kubectl"))
        least, memory_kib = 5, max(cluster.memory_kib)
        ratio = sorted(peer)[rounds // 2] / sorted(ours)[rounds // 2]
        yield row(name, "ms of CPU", ours, "kubectl get pods -A -o json", peer, least,
                  bar=f"ratio >= {least}, memory <= {MOST_MEMORY_KIB >> 10} MiB",
                  met=ratio >= least and memory_kib <= MOST_MEMORY_KIB, memory_mib=round(memory_kib / 1024, 1),
                  note=f"memory at most {memory_kib / 1024:.1f} MiB")


def lookup_rows(names, rounds):
    for name in names:
        progress(name)
        with contextlib.ExitStack() as stack:
            ways = {way: stack.enter_context(Prompted([BIN.parent / "bench/bench-directory", way])) for way in ("ours", "map")}
            values = interleaved(rounds, {way: program.round for way, program in ways.items()})
        if len({value["sum"] for measured in values.values() for value in measured}) != 1:
            raise SystemExit("FAILED: directory_lookup: the two found different Pods")
        ours, peer = ([value["ns"] for value in values[way]] for way in ("ours", "map"))
        yield row(name, "ns of CPU a lookup", ours, "std::unordered_map<std::string, Pod>", peer, 1,
                  bar=f"ours <= {LONGEST_LOOKUP_NS} ns", met=sorted(ours)[rounds // 2] <= LONGEST_LOOKUP_NS)
