"""What the userspace datapath's connections are counted by: shares of datapath flows, datapath flows that pin them, or
NetFlow to ourselves.

Somebody else's NetFlow row makes megaflows exact on IPv4 5-tuples and is left alone: then a connection's counts are its
entry-stage flows', short of the packets Open vSwitch handled by upcall. With exactAccounting they are complete."""

import pathlib
import sys
import time

from harness import Exporter, Testbed, expect, run, wait_for
from userspace_pods import SERVICE, UserspacePods

HERE = pathlib.Path(__file__).parent
CONFIG = """
flowPollInterval: "1s"
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, exactAccounting: %s}
"""
UPCALLS_PER_DIRECTION = 8  # of a short connection: its first packets, until each stage's flow is installed


def talk(pods, protocol, address, port, send, receive, count):
    run("ip", "netns", "exec", pods.pods[0][0], "python3", HERE / "talk.py", "ask", protocol, address, port, send, receive,
        count)


def counted_by_exporter(flow):
    total = flow["total"]
    return (total["packets"], total["octets"]), (total["reversePackets"], total["reverseOctets"])


def counted_by_referee(counts, flow):
    """The reply is counted as it left the server: before its address is turned back into the Service's."""
    protocol = {"tcp": 6, "udp": 17}[flow["protocol"]]
    there, back = flow["original"], flow["reply"]
    return (counts[there["source"], there["destination"], protocol, there["sourcePort"], there["destinationPort"]],
            counts[back["source"], back["destination"], protocol, back["sourcePort"], back["destinationPort"]])


def shared(exporter, pods):
    """No NetFlow on the bridge: under ordinary rules megaflows are shared."""
    talk(pods, "udp", pods.pods[1][1], 5201, 3000, 0, 1)
    wait_for("a share of what its datapath flows counted",
             lambda: [f for f in exporter.flows("proto=udp") if f["statistics"] == "estimated"])
    expect(exporter.flows("proto=udp")[0]["relativeErrorPercent"] >= 100, "what nothing counts alone is marked as estimated")


def pinned(exporter, pods):
    database = pods.database
    database.vsctl("--", "set", "Bridge", "br-int", "netflow=@nf", "--", "--id=@nf", "create", "NetFlow",
                   'targets="127.0.0.1:9"', "active_timeout=-1")
    known = {(f["original"]["sourcePort"]) for f in exporter.flows()}
    talk(pods, "tcp", SERVICE, 80, 60000, 9000, 2)
    talk(pods, "udp", pods.pods[1][1], 5201, 40000, 0, 1)

    def counted():
        flows = [f for f in exporter.flows() if f["original"]["sourcePort"] not in known]
        return flows if len(flows) == 3 and all(f["statistics"] == "exact" for f in flows) else None

    flows = wait_for("megaflow statistics of three connections", counted)
    time.sleep(2)
    counts = pods.referee.counted()
    for flow in (f for f in exporter.flows() if f["original"]["sourcePort"] not in known):
        for ours, theirs in zip(counted_by_exporter(flow), counted_by_referee(counts, flow)):
            missing = theirs[0] - ours[0]
            expect(0 <= missing <= UPCALLS_PER_DIRECTION and 0 < ours[1] <= theirs[1],
                   f"{flow['protocol']} pinned: {ours} of the referee's {theirs}")
            expect(missing or ours[1] == theirs[1], "octets are those of IP packets")
    expect(len(flows) == 3, "three connections, each counted alone")
    service = [f for f in exporter.flows("dst=" + SERVICE)]
    expect(len(service) == 2 and service[0]["reply"]["source"] == pods.pods[1][1], "the Service's endpoint is known")


def exact(testbed, exporter, pods):
    exporter.configure(CONFIG % "true")
    wait_for("the foreign row to be respected",
             lambda: "somebody else" in exporter.status()["exactAccounting"]["state"])
    expect("127.0.0.1:9" in pods.database.vsctl("list", "netflow"), "somebody else's NetFlow row is left alone")
    pods.database.vsctl("clear", "bridge", "br-int", "netflow")
    wait_for("exact accounting", lambda: exporter.status()["exactAccounting"]["state"] == "active")
    known = {(f["original"]["sourcePort"]) for f in exporter.flows()}
    talk(pods, "tcp", SERVICE, 80, 60000, 9000, 2)
    talk(pods, "udp", pods.pods[1][1], 5201, 1000, 0, 3)  # one packet each way

    def complete():
        counts = pods.referee.counted()
        flows = [f for f in exporter.flows() if f["original"]["sourcePort"] not in known]
        return len(flows) == 5 and all(counted_by_exporter(f) == counted_by_referee(counts, f) for f in flows)

    wait_for("five connections counted exactly as the referee did", complete)
    expect(True, "exact accounting: totals of five connections are the referee's, single packets included")
    expect(testbed.stop(exporter.process) == 0 and pods.database.vsctl("list", "netflow") == "",
           "the NetFlow row goes with the exporter")


def main():
    testbed = Testbed("userspace")
    pods = UserspacePods(testbed)
    serving = testbed.start("python3", HERE / "talk.py", "serve", pods.pods[1][1], "5201", namespace=pods.pods[1][0])
    wait_for("the server", lambda: "serving" in serving.log.read_text())
    exporter = Exporter(testbed, pods.database.rundir, CONFIG % "false", namespace=pods.node)
    wait_for("the first poll", lambda: exporter.status()["conntrack"]["polls"] >= 2)
    shared(exporter, pods)
    pinned(exporter, pods)
    exact(testbed, exporter, pods)
    return 0


sys.exit(main())
