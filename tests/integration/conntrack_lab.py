"""What the tests of conntrack's semantics share: two Pods routed through a Node whose kernel tracks them, an exporter on
that Node, what its collector received, and the kernel's own account. With --polled a test runs without conntrack
events: what it shows must hold by polling alone."""

import itertools
import sys
import xml.etree.ElementTree

from harness import BIN, Exporter, OvsDatabase, Testbed, accepts_connections, expect, recorded, run, wait_for
from routed_pods import RoutedPods

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
IDLE, ACTIVE, END_OF_FLOW, FORCED = 1, 2, 3, 4  # flowEndReason
COUNTS = ("packet", "octet", "reversePacket", "reverseOctet")
CONFIG = """
flowExporter:
  flowCollectorAddr: "127.0.0.1:4739:tcp"
  flowPollInterval: "{poll}"
  activeFlowExportTimeout: "{active}"
  idleFlowExportTimeout: "{idle}"
ovsFlowExporter:
  metadataSocket: {metadata}
  reconnectMaxInterval: 1s
  conntrackEvents: {events}
  zones: {zones}
"""

TIMEOUTS = ("udp_timeout", "udp_timeout_stream", "icmp_timeout", "icmpv6_timeout", "tcp_timeout_syn_sent",
            "tcp_timeout_syn_recv", "tcp_timeout_fin_wait", "tcp_timeout_close_wait", "tcp_timeout_last_ack",
            "tcp_timeout_time_wait", "tcp_timeout_close")


class Lab:
    def __init__(self, name, pods=RoutedPods):
        self.testbed = Testbed(name)
        self.pods = pods(self.testbed)
        self.node, self.referee = self.pods.node, self.pods.referee
        # Entries go when a test says so, not when a busy machine takes longer.
        for kind in TIMEOUTS:
            self.on_node("sysctl", "-qw", f"net.netfilter.nf_conntrack_{kind}=900")
        self.database = OvsDatabase(self.testbed, self.node, "system", vswitchd=False)
        self.metadata = self.testbed.folder / "metadata.sock"
        self.exporter, self.collector, self.records_file = None, None, None
        self._runs = itertools.count(1)

    # --- the exporter ---

    def config(self, poll="1s", active="2s", idle="1h", zones=(65520, 65510), events=None, own=""):
        events = events or ("off" if "--polled" in sys.argv else "auto")
        return CONFIG.format(poll=poll, active=active, idle=idle, zones=list(zones), metadata=self.metadata,
                             events=events) + own

    def export(self, collect=True, environment=None, **settings):
        """An exporter, and a collector of its own; both have met when this returns, and the exporter has polled."""
        self.exporter = Exporter(self.testbed, self.database.rundir, self.config(**settings), namespace=self.node,
                                 environment=environment)
        if collect:
            self.collect()
        wait_for("the first poll", lambda: self.status()["conntrack"]["polls"] >= 1)
        if "conntrackEvents: auto" in self.exporter.config.read_text():
            assert self.status()["conntrack"]["events"]["state"] == "listening", self.status()["conntrack"]["events"]

    def collect(self):
        self.records_file = self.testbed.folder / f"records-{next(self._runs)}.jsonl"
        self.collector = self.testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:4739", namespace=self.node,
                                            log=self.records_file.name)
        wait_for("the collector's session", lambda: self.status()["ipfix"]["collector"]["state"] == "connected")

    def stop(self):
        """The exporter and its collector."""
        expect(self.testbed.stop(self.exporter.process) == 0, "the exporter ends with 0")
        self.testbed.stop(self.collector)

    def status(self):
        return self.exporter.status()

    def polled(self, times=1):
        """Waits for polls that began after this was called."""
        enough = self.status()["conntrack"]["polls"] + 1 + times  # one may be under way
        wait_for("polls", lambda: self.status()["conntrack"]["polls"] >= enough, seconds=60)

    def flow(self, *filters):
        """The one flow that matches; None when there is none yet."""
        flows = self.exporter.flows(*filters)
        assert len(flows) <= 1, flows
        return flows[0] if flows else None

    def start_bridge(self, objects):
        """Names from a file of Kubernetes objects."""
        path = self.testbed.folder / "objects.yaml"
        path.write_text(objects)
        self.testbed.start(BIN / "k8s-bridge", "--static", path, "--node-name", "node-a", "--socket", self.metadata,
                           log="k8s-bridge.log")
        wait_for("k8s-bridge", lambda: accepts_connections(self.metadata))

    # --- the kernel ---

    def on_node(self, *command, check=True, **options):
        return run("ip", "netns", "exec", self.node, *command, check=check, **options)

    def nft(self, rules):
        self.on_node("nft", "-f", "-", input=rules)

    def conntrack(self, *arguments, check=True):
        return self.on_node("conntrack", *arguments, check=check)

    def entries(self, *filters):
        """The kernel's entries as {key: Entry}, a zone's connections having one each."""
        text = self.conntrack("-L", "-o", "xml,id,ktimestamp", *filters, check=False)
        flows = xml.etree.ElementTree.fromstring(text[text.index("<conntrack"):]) if "<conntrack" in text else []
        entries = [Entry(flow) for flow in flows]
        return {(entry.zone, *entry.key): entry for entry in entries}

    # --- what the collector got ---

    def records(self):
        return recorded(self.records_file)

    def connections(self, *wanted):
        """The records of each connection with the key, in the order of their ends: [[record, …], …]. Two connections
        on the same key are told apart by the record that ends the first."""
        series, open_series = [], []
        for record in self.records():
            if key_of(record) != wanted:
                continue
            open_series.append(record)
            if record["flowEndReason"] in (END_OF_FLOW, FORCED):
                series.append(open_series)
                open_series = []
        return series + ([open_series] if open_series else [])

    def ended(self, count, *key):
        """Waits for that many connections on the key to have ended; their records."""
        def found():
            series = self.connections(*key)
            return series if len(series) >= count and series[-1][-1]["flowEndReason"] in (END_OF_FLOW, FORCED) else None
        return wait_for(f"{count} ended connections {key}", found, seconds=30)


class Entry:
    """One of conntrack's lines."""

    def __init__(self, flow):
        original, reply, own = flow.findall("meta")
        self.original, self.reply = _tuple(original), _tuple(reply)
        self.counters = _counters(original) + _counters(reply)
        self.counted = original.find("counters") is not None
        self.zone = int(own.findtext("zone", "0"))
        self.state = own.findtext("state", "")
        self.replied = own.find("unreplied") is None
        self.key = key_of_tuples(self.original, self.reply)


def _tuple(meta):
    layer3, layer4 = meta.find("layer3"), meta.find("layer4")
    numbers = {name: int(layer4.findtext(name, "0")) for name in ("sport", "dport", "type", "code", "id")}
    return {"src": layer3.findtext("src"), "dst": layer3.findtext("dst"), "protocol": int(layer4.get("protonum")),
            **numbers}


def _counters(meta):
    counters = meta.find("counters")
    return (0, 0) if counters is None else (int(counters.findtext("packets")), int(counters.findtext("bytes")))


def key_of_tuples(original, reply):
    """As a record of the connection has it: the endpoint after DNAT is who replies; ICMP has an identifier."""
    if original["protocol"] in (ICMP, ICMPV6):
        ports = original["id"], original["type"] * 256 + original["code"]
    else:
        ports = original["sport"], reply["sport"]
    return (original["src"], reply["src"], original["protocol"], *ports)


def key_of(record):
    family = "IPv4" if "sourceIPv4Address" in record else "IPv6"
    return (record[f"source{family}Address"], record[f"destination{family}Address"], record["protocolIdentifier"],
            record["sourceTransportPort"], record["destinationTransportPort"])


def totals(record):
    return tuple(record[f"{count}TotalCount"] for count in COUNTS)


def deltas(records):
    return tuple(sum(record[f"{count}DeltaCount"] for record in records) for count in COUNTS)


def shown(flow):
    total = flow["total"]
    return total["packets"], total["octets"], total["reversePackets"], total["reverseOctets"]


def difference(after, before):
    return tuple(a - b for a, b in zip(after, before))


def expect_exact(records, truth, what):
    """A connection whose birth was seen: totals and the sum of its deltas are what the referee counted, and its times
    are in order."""
    expect(totals(records[-1]) == truth, f"{what}: totals {totals(records[-1])} are the referee's {truth}")
    expect(deltas(records) == truth, f"{what}: deltas of {len(records)} records sum to {deltas(records)}")
    expect_times_in_order(records, what)


def expect_times_in_order(records, what):
    for record in records:
        assert record["flowStartSeconds"] <= record["flowEndSeconds"], (what, record)
