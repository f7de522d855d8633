"""Connections of the userspace datapath that share datapath flows: parallel ones, IPv6, two pings, without exact
accounting. Each is exact or marked, none silently wrong, and together they have what their datapath flows counted."""

import pathlib
import sys

from entry_megaflows import Megaflows
from harness import BIN, Exporter, Testbed, expect, recorded, run, wait_for
from userspace_pods import SERVICE, UserspacePods

HERE = pathlib.Path(__file__).parent
UPCALLS_PER_DIRECTION = 12  # of all connections under one datapath flow: first packets, until each stage is installed


def summed(flows, family, direction):
    names = ("packets", "octets") if direction == "there" else ("reversePackets", "reverseOctets")
    return tuple(sum(f["total"][name] for f in flows if (":" in f["original"]["source"]) == (family == "0x86dd"))
                 for name in names)


def talk(testbed, pods):
    """Three TCP connections at once over IPv6, three to the Service, UDP over both, and two pings at once."""
    asking = []
    for port, address in ((5201, pods.pods[1][2]), (80, SERVICE)):
        for size in (20000, 60000, 90000):
            asking.append(testbed.start("python3", HERE / "talk.py", "ask", "tcp", address, port, size, size // 2, 1,
                                        namespace=pods.pods[0][0]))
    for address in (pods.pods[1][1], pods.pods[1][2]):
        asking.append(testbed.start("python3", HERE / "talk.py", "ask", "udp", address, 5201, 30000, 0, 1,
                                    namespace=pods.pods[0][0]))
        for count in (5, 9):
            asking.append(testbed.start("ping", "-n", "-i", "0.2", "-c", count, address, namespace=pods.pods[0][0]))
    return asking


def counted_flows(exporter, pods):
    return [f for f in exporter.flows() if f["original"]["source"] in pods.pods[0][1:]]


def parallel(testbed, exporter, pods):
    megaflows = Megaflows(pods)
    asking = talk(testbed, pods)

    def finished():
        megaflows.look()
        return all(process.poll() is not None for process in asking)

    wait_for("the traffic", finished, seconds=60)
    expect(all(process.returncode == 0 for process in asking), "three connections at once each, UDP, and pings")
    megaflows.look()
    expect(len(counted_flows(exporter, pods)) >= 12, "the exporter knows all twelve connections")

    def differences():
        """What each port's entry flows counted, against the connections that came in there."""
        flows = counted_flows(exporter, pods)
        pairs = {(port, family): (summed(flows, family, direction), megaflows.sum(port, family))
                 for family in ("0x0800", "0x86dd") for port, direction in (("p1", "there"), ("p2", "back"))}
        return {where: pair for where, pair in pairs.items() if pair[0] != pair[1]}

    def joined():
        left.update({"by": differences()})
        return not left["by"]

    left = {}
    try:
        wait_for("the sums over the connections to be the datapath flows'", joined, seconds=30)
    finally:
        print(f"   (connections, datapath flows) that differ: {left['by']}; exporter/status: "
              f"{exporter.status()['conntrack']['userspace']['megaflowJoin']}")
    flows = counted_flows(exporter, pods)
    for family in ("0x0800", "0x86dd"):
        print(f"   {family}: {summed(flows, family, 'there')} there, {summed(flows, family, 'back')} back; "
              f"datapath flows {megaflows.sum('p1', family)}, {megaflows.sum('p2', family)}")
    expect(True, "the connections of each datapath flow have together exactly what it counted")
    return flows


def none_silently_wrong(flows, pods):
    """Against nftables: marked ones may differ by what they say, exact ones by packets handled by upcalls."""
    truth = pods.referee.counted()
    seen = {"exact": 0, "estimated": 0, "none": 0}
    for flow in flows:
        seen[flow["statistics"]] += 1
        protocol = {"tcp": 6, "udp": 17}.get(flow["protocol"])
        if protocol is None:
            continue
        for names, ends in ((("packets", "octets"), flow["original"]), (("reversePackets", "reverseOctets"), flow["reply"])):
            packets, octets = truth[ends["source"], ends["destination"], protocol, ends["sourcePort"],
                                    ends["destinationPort"]]
            ours = flow["total"][names[0]], flow["total"][names[1]]
            if flow["statistics"] == "exact":
                expect(0 <= packets - ours[0] <= UPCALLS_PER_DIRECTION, f"exact: {ours} of {packets, octets}")
            elif flow["statistics"] == "estimated":
                error = flow["relativeErrorPercent"] / 100
                upcalls = 1500 * UPCALLS_PER_DIRECTION
                expect(ours[1] * (1 - error) - 1 <= octets <= ours[1] * (1 + error) + upcalls,
                       f"{flow['protocol']} marked: {ours} with up to {100 * error:.0f} %, in truth {packets, octets}")
    expect(seen["estimated"] >= 8 and seen["none"] == 0, f"each is exact or marked: {seen}")


def main():
    testbed = Testbed("megaflow-join")
    pods = UserspacePods(testbed)
    collector = testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47401", namespace=pods.node,
                              log="records.jsonl")
    for address in pods.pods[1][1:]:
        serving = testbed.start("python3", HERE / "talk.py", "serve", address, "5201", namespace=pods.pods[1][0])
        wait_for("the server", lambda process=serving: "serving" in process.log.read_text())
    exporter = Exporter(testbed, pods.database.rundir, """
flowCollectorAddr: "127.0.0.1:47401:tcp"
flowPollInterval: "1s"
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock}
""", namespace=pods.node)
    wait_for("the first polls", lambda: exporter.status()["conntrack"]["polls"] >= 2)
    flows = parallel(testbed, exporter, pods)
    none_silently_wrong(flows, pods)
    join = exporter.status()["conntrack"]["userspace"]["megaflowJoin"]
    expect(join["shared"] > 0 and join["apportionedPackets"] > 0, f"exporter/status says how: {join}")
    expect(testbed.stop(exporter.process) == 0, "the exporter ends")
    marked = wait_for("the last records", lambda: (found := [r for r in recorded(collector.log)
                                                              if r.get("relativeError") is not None]) and found)
    expect(len(marked) >= 8, f"{len(marked)} records carry relativeError")
    return 0


sys.exit(main())
