"""100,000 real connections that come and go: what does it cost to have a record of each at the collector?"""

import json
import pathlib
import sys

import measure
from conntrack_limits import raised
from harness import BIN, Exporter, OvsDatabase, Testbed, run, wait_for
from records import completeness

HERE = pathlib.Path(__file__).resolve().parent
ROWS = {
    "events_100k": "CPU for 100,000 connections created and destroyed at 20,000/s, records at the collector included, "
                   "against ulogd2 (NFCT, DESTROY only, to IPFIX)",
}
CONNECTIONS, RATE, ZONE, PORT = 100_000, 20_000, 65520, 4739
QUIET_S = 3  # nothing more arrives at the collector for so long: all is there
# The collector's own connection is not tracked, in either's case.
RULES = f"""
table ip bench {{
  chain out {{ type filter hook output priority raw
    udp dport 9999 ct zone set {ZONE}
    udp sport 9999 ct zone set {ZONE}
    tcp dport {PORT} notrack
    tcp sport {PORT} notrack
  }}
}}
"""
EXPORTER = f"""
featureGates: {{FlowExporter: true}}
flowCollectorAddr: "127.0.0.1:{PORT}:tcp"
flowPollInterval: "5s"
ovsFlowExporter:
  zones: [{ZONE}]
  metadataSocket: /nonexistent/metadata.sock
"""
# Without its table of connections, which DESTROY alone does not need; messages as long as ours over UDP.
ULOGD = f"""
[global]
logfile="stdout"
loglevel=3
plugin="/usr/lib/x86_64-linux-gnu/ulogd/ulogd_inpflow_NFCT.so"
plugin="/usr/lib/x86_64-linux-gnu/ulogd/ulogd_output_IPFIX.so"
stack=ct1:NFCT,ipfix1:IPFIX
[ct1]
hash_enable=0
event_mask=0x00000004
netlink_socket_buffer_size=8388608
netlink_socket_buffer_maxsize=16777216
[ipfix1]
oid=1
host="127.0.0.1"
port={PORT}
proto="tcp"
mtu=1400
"""


def cpu_ns(pid):
    """Of all its threads so far, to the nanosecond (first number of schedstat: time on a CPU)."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


class Node:
    """A namespace with a collector that keeps what it gets."""

    def __init__(self):
        self.testbed = Testbed("bench")
        self.namespace = self.testbed.namespace("events")
        self.run("nft", "-f", "-", input=RULES)
        for setting in ("acct", "timestamp", "events"):
            self.run("sysctl", "-q", "-w", f"net.netfilter.nf_conntrack_{setting}=1")
        self.received = self.testbed.folder / "received.ipfix"
        self.received.touch()
        self.testbed.start(sys.executable, HERE.parent / "integration/recorder.py", "tcp", PORT, self.received,
                           namespace=self.namespace)
        wait_for("the collector", lambda: f":{PORT}" in self.run("ss", "-Hltn"))

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.namespace, *command, **options)

    def cpu_of_connections(self, process):
        """CPU nanoseconds of the process for the connections, and what came of them."""
        expected = self.testbed.folder / "expected"
        self.quiet()
        before = cpu_ns(process.pid)
        made = json.loads(self.run(BIN / "conntrack-churn", "--connections", CONNECTIONS, "--rate", RATE,
                                   "--zone", ZONE, "--expected", expected))
        self.quiet()
        spent = cpu_ns(process.pid) - before
        self.testbed.stop(process)
        records = run(BIN / "ipfix-dump", self.received)
        return {"cpu_ns": spent, "rate": made["rate"], **completeness(records, expected.read_text())}

    def quiet(self):
        """Until the collector has got nothing for a while."""
        seen = []

        def unchanged():
            seen.append(self.received.stat().st_size)
            return len(seen) > QUIET_S * 10 and len(set(seen[-QUIET_S * 10:])) == 1

        wait_for("the last record", unchanged, seconds=60)


def exporter():
    node = Node()
    try:
        database = OvsDatabase(node.testbed, node.namespace, "system", vswitchd=False)
        ours = Exporter(node.testbed, database.rundir, EXPORTER, namespace=node.namespace)
        wait_for("the first polls", lambda: ours.status()["conntrack"]["polls"] >= 1)
        return node.cpu_of_connections(ours.process)
    finally:
        node.testbed.close()


def ulogd():
    node = Node()
    try:
        (node.testbed.folder / "ulogd.conf").write_text(ULOGD)
        process = node.testbed.start("ulogd", "-c", node.testbed.folder / "ulogd.conf", namespace=node.namespace,
                                     log="ulogd.log")
        wait_for("ulogd", lambda: "entering main loop" in process.log.read_text() or process.poll() is not None)
        if process.poll() is not None:
            sys.exit(f"FAILED: ulogd ended with {process.returncode}:\n{process.log.read_text()}")
        return node.cpu_of_connections(process)
    finally:
        node.testbed.close()


def events_rows(_, rounds):
    measure.progress("events_100k: 10 s a run")
    with raised(CONNECTIONS * 2):
        values = measure.interleaved(rounds, {"exporter": exporter, "ulogd": ulogd})

    def each(name, key):
        return [value[key] for value in values[name]]

    milliseconds = {name: [ns / 1e6 for ns in each(name, "cpu_ns")] for name in values}
    ours, peer = (min(each(name, "recorded")) for name in ("exporter", "ulogd"))
    exact = min(each("exporter", "exact"))
    line = measure.row("events_100k", "ms of CPU per 100,000 connections", milliseconds["exporter"],
                       "ulogd2 NFCT to IPFIX, DESTROY only", milliseconds["ulogd"], 2, connections=CONNECTIONS,
                       ours_recorded=ours, ours_exact=exact, peer_recorded=peer,
                       rate=min(each("exporter", "rate") + each("ulogd", "rate")),
                       note=f"connections with a record: ours {ours} ({exact} with exact counters), peer's {peer}")
    if exact < CONNECTIONS:
        line.update(ratio=0.0, met=False)  # cheap because it did not do the work
    yield line
