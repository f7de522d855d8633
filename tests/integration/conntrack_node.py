"""A Node of which only the kernel's connection tracking is there: a namespace whose loopback traffic is tracked in zone
65520, an exporter beside an ovsdb-server, a collector, and programs that make connections by the hundred thousand."""

import json
import pathlib

from harness import BIN, Exporter, OvsDatabase, expect, is_flow, run, wait_for

ZONE = 65520
PORT = 47392
RULES = """
table ip node {
  chain before { type filter hook output priority raw; udp dport != 47392 ct zone set 65520; }
}
"""
CONFIG = """
flowCollectorAddr: "127.0.0.1:{port}:tcp"
flowPollInterval: "{poll}"
flowExportFrequency: 1000
ovsFlowExporter: {{metadataSocket: /nonexistent/metadata.sock, maxFlows: 3000000, shutdownGrace: 0s, logLevel: info,
  exportQueueOctets: 268435456, zones: [65520]}}
"""
LIMITS = (pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max"),
          pathlib.Path("/sys/module/nf_conntrack/parameters/hashsize"))


class RaisedLimits:
    """Room for so many entries in the whole machine's table, and as it was afterwards."""

    def __init__(self, entries):
        self.entries, self.before = entries, []

    def __enter__(self):
        for path in LIMITS:
            self.before.append((path, path.read_text()))
            path.write_text(str(max(self.entries, int(path.read_text()))))

    def __exit__(self, *_):
        for path, value in self.before:
            path.write_text(value)


class ConntrackNode:
    def __init__(self, testbed, poll):
        self.testbed, self.namespace = testbed, testbed.namespace("node")
        run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", input=RULES)
        for setting in ("acct", "timestamp", "events"):
            self.run("sysctl", "-q", "-w", f"net.netfilter.nf_conntrack_{setting}=1")
        self.records_file = testbed.folder / "records.jsonl"
        testbed.start(BIN / "ipfix-dump", "--listen", f"tcp:127.0.0.1:{PORT}", namespace=self.namespace,
                      log=self.records_file.name)
        self.database = OvsDatabase(testbed, self.namespace, "system", vswitchd=False)
        self.poll = poll
        self.exporter = None

    def start_exporter(self):
        self.exporter = Exporter(self.testbed, self.database.rundir, CONFIG.format(port=PORT, poll=self.poll),
                                 namespace=self.namespace)
        wait_for("the first poll", lambda: self.status()["conntrack"]["polls"] >= 1, 60)
        status = self.status()["conntrack"]
        expect(status["events"]["state"] == "listening" and not status["events"]["problem"], "events are followed")

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.namespace, *command, **options)

    def fill(self, entries):
        self.run(BIN / "conntrack-fill", "--entries", entries, "--zone", ZONE)

    def churn(self, connections, rate, seed):
        """A process; finish() waits for it."""
        expected = self.testbed.folder / f"expected-{seed}"
        process = self.testbed.start(BIN / "conntrack-churn", "--connections", connections, "--rate", rate, "--zone",
                                     ZONE, "--seed", seed, "--expected", expected, namespace=self.namespace,
                                     log=f"churn-{seed}")
        process.expected = expected
        return process

    def finish(self, churn, seconds=300):
        """(its summary, {five-tuple: its counters})"""
        expect(churn.wait(seconds) == 0, f"{churn.log.read_text().strip()}")
        expected = {}
        for line in churn.expected.read_text().splitlines():
            source, destination, *numbers = line.split()
            protocol, sport, dport, *counters = map(int, numbers)
            expected[source, destination, protocol, sport, dport] = tuple(counters)
        return json.loads(churn.log.read_text()), expected

    def status(self):
        return self.exporter.status()

    def entries(self):
        return int(self.run("conntrack", "-C"))

    def records_of(self, expected):
        """{five-tuple: its records} of the connections expected."""
        found = {}
        with self.records_file.open() as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break
                record = json.loads(line)
                if not is_flow(record):
                    continue
                key = (record.get("sourceIPv4Address"), record.get("destinationIPv4Address"),
                       record["protocolIdentifier"], record["sourceTransportPort"], record["destinationTransportPort"])
                if key in expected:
                    found.setdefault(key, []).append(record)
        return found


def counters(record, what):
    return tuple(record[f"{name}{what}Count"] for name in ("packet", "octet", "reversePacket", "reverseOctet"))


def differences(expected, found):
    """Connections whose one record does not say what was sent, in words; those without any record are not among them."""
    wrong = []
    for key, records in found.items():
        said = [(counters(record, "Total"), counters(record, "Delta")) for record in records]
        if said != [(expected[key], expected[key])]:
            wrong.append(f"{key}: sent {expected[key]}, records (totals, deltas) {said}")
    return wrong
