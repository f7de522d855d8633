"""Exact accounting where datapath flows cannot be: a connection of more than 4 GiB (NetFlow counts octets in 32 bits),
more connections than Open vSwitch may have datapath flows for (flow-limit), and datapath flows that expire several times
between two polls. Totals of each connection, and what its records add up to, are nftables'."""

import collections
import pathlib
import sys

from harness import BIN, Exporter, Testbed, expect, recorded, run, wait_for
from userspace_pods import UserspacePods

HERE = pathlib.Path(__file__).parent
CONFIG = """
flowCollectorAddr: "127.0.0.1:47402:tcp"
flowPollInterval: "%s"
flowExportFrequency: 1
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, exactAccounting: true}
"""
MORE_THAN_4_GIB = (1 << 32) + 100_000_000
JUMBO = 9000  # so that four gigabytes do not take minutes on one core
PROTOCOLS = {6: "tcp", 17: "udp"}
COUNTERS = ("packets", "octets", "reversePackets", "reverseOctets")
TOTALS = ("packetTotalCount", "octetTotalCount", "reversePacketTotalCount", "reverseOctetTotalCount")
DELTAS = ("packetDeltaCount", "octetDeltaCount", "reversePacketDeltaCount", "reverseOctetDeltaCount")


def in_pod(pods, *command):
    run("ip", "netns", "exec", pods.pods[0][0], "python3", *command)


def of_first_pod(collector):
    """(protocol, source port) and record of the first Pod's connections."""
    for record in recorded(collector.log):
        if record.get("sourceIPv4Address") == "10.78.0.1" and record["protocolIdentifier"] in (6, 17):
            yield (PROTOCOLS[record["protocolIdentifier"]], record["sourceTransportPort"]), record


def counted(exporter, collector):
    """{(protocol, source port): totals} of connections that live, and those of the last record of what has ended."""
    totals = {key: tuple(record[name] for name in TOTALS) for key, record in of_first_pod(collector)}
    for flow in exporter.flows("src=10.78.0.1", "limit=2000"):
        totals[flow["protocol"], flow["original"]["sourcePort"]] = tuple(flow["total"][name] for name in COUNTERS)
    return totals


def true_counts(pods):
    counts = pods.referee.counted()
    return {(PROTOCOLS[protocol], sport): there + counts.get((destination, source, protocol, dport, sport), (0, 0))
            for (source, destination, protocol, sport, dport), there in counts.items() if source == "10.78.0.1"}


def agree(exporter, collector, pods, older, what):
    def differences():
        ours = counted(exporter, collector)
        return {key: (ours.get(key), counts) for key, counts in true_counts(pods).items()
                if key not in older and ours.get(key) != counts}

    last = {}

    def same():
        last["differences"] = differences()
        return not last["differences"]

    try:
        wait_for("the exporter's totals to be the referee's", same, seconds=60)
    finally:
        for key, (ours, truth) in list(last["differences"].items())[:5]:
            print(f"   {key}: {ours}, in truth {truth}")
    expect(True, f"{what}: {len(true_counts(pods).keys() - older)} connections counted as by the referee")


def more_than_4_gib(exporter, collector, pods):
    older = set(true_counts(pods))
    for namespace, device in ((pods.node, "p1"), (pods.node, "p2"), (pods.pods[0][0], "eth0"), (pods.pods[1][0], "eth0")):
        run("ip", "-n", namespace, "link", "set", device, "mtu", JUMBO)
    # What is under way fits into Open vSwitch's packet sockets: what overflows those the referee would count, and it not.
    run("ip", "netns", "exec", pods.pods[1][0], "sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65536 65536")
    in_pod(pods, HERE / "talk.py", "ask", "tcp", pods.pods[1][1], 5201, MORE_THAN_4_GIB, 1000, 1)
    agree(exporter, collector, pods, older, "more than 4 GiB in one connection")
    expect(any(octets > 1 << 32 for _, octets, _, _ in counted(exporter, collector).values()), "and it is that large")


def more_than_flow_limit(exporter, collector, pods):
    older = set(true_counts(pods))
    pods.database.vsctl("set", "Open_vSwitch", ".", "other_config:flow-limit=100")
    in_pod(pods, HERE / "rounds.py", pods.pods[1][1], 5201, 400, 5, 0.2)
    agree(exporter, collector, pods, older, "400 connections under a flow-limit of 100")
    pods.database.vsctl("remove", "Open_vSwitch", ".", "other_config", "flow-limit")


def expiry_between_polls(exporter, collector, pods):
    older = set(true_counts(pods))
    pods.database.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=500")
    exporter.configure(CONFIG % "10s")
    wait_for("the longer interval", lambda: "flowPollInterval: 10s" in exporter.appctl("config/show"))
    in_pod(pods, HERE / "rounds.py", pods.pods[1][1], 5201, 10, 6, 1.3)
    agree(exporter, collector, pods, older, "datapath flows that expired five times between two polls")


def records_add_up(testbed, exporter, pods, collector):
    truth = true_counts(pods)
    expect(testbed.stop(exporter.process) == 0, "the exporter ends")
    sums = collections.defaultdict(lambda: (0, 0, 0, 0))
    for key, record in of_first_pod(collector):
        # A record that is due before Open vSwitch has told anything says so; the deltas of those after it make up for it.
        if "relativeError" in record and any(record[name] for name in TOTALS):
            sys.exit(f"FAILED: exact counters are marked: {record}")
        sums[key] = tuple(before + record[name] for before, name in zip(sums[key], DELTAS))
    different = {key: (sums[key], truth[key]) for key in truth if sums[key] != truth[key]}
    expect(not different, f"the deltas of the records of {len(truth)} connections add up to what was counted{different or ''}")


def main():
    testbed = Testbed("exact")
    pods = UserspacePods(testbed)
    serving = testbed.start("python3", HERE / "talk.py", "serve", pods.pods[1][1], "5201", namespace=pods.pods[1][0])
    wait_for("the server", lambda: "serving" in serving.log.read_text())
    collector = testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47402", namespace=pods.node,
                              log="records.jsonl")
    exporter = Exporter(testbed, pods.database.rundir, CONFIG % "1s", namespace=pods.node)
    wait_for("exact accounting", lambda: exporter.status()["exactAccounting"]["state"] == "active")
    more_than_flow_limit(exporter, collector, pods)
    more_than_4_gib(exporter, collector, pods)
    expiry_between_polls(exporter, collector, pods)
    records_add_up(testbed, exporter, pods, collector)
    return 0


sys.exit(main())
