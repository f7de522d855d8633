"""The whole exporter before a control socket of ovs-vswitchd that sends garbage, wrong lines, half of an answer, an answer to
something else, a line without end, a refusal, or nothing at all: no crash, no flow ends by it, none gets a wrong Pod, the
counters say what happened, and when it answers rightly again all goes on at once."""

import sys

from fake_vswitchd import FakeVswitchd, udp_line
from harness import Exporter, OvsDatabase, Testbed, expect, wait_for

CONNECTIONS = 40
PORTS = range(4000, 4000 + CONNECTIONS)
CONFIG = """
flowPollInterval: "1s"
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, zones: [65520]}
"""
PODS = {"10.78.0.1": "tests/pod1", "10.78.0.2": "tests/pod2"}
# Mode, and what of exporter/status must count it.
MODES = (("garbage", "broken"), ("half", "broken"), ("other", "broken"), ("endless", "broken"), ("refusing", "refused"),
         ("silent", "timeouts"))


def add_pods(database):
    for index, (address, pod) in enumerate(PODS.items(), 1):
        database.vsctl("--no-wait", "add-port", "br-int", f"p{index}", "--", "set", "interface", f"p{index}",
                       f"external_ids:pod-name={pod.split('/')[1]}", "external_ids:pod-namespace=tests",
                       f'external_ids:ip-address="{address}"')


def conntrack(exporter):
    return exporter.status()["conntrack"]


def of_pods(exporter):
    """The flows between the Pods: {source port: when it began}. Garbled lines may have made others."""
    flows = exporter.flows("limit=10000")
    for flow in flows:
        for address, pod in ((flow["original"]["source"], flow["sourcePod"]),
                             (flow["reply"]["source"], flow["destinationPod"])):
            if pod != PODS.get(address, ""):
                sys.exit(f"FAILED: {address} has the Pod {pod!r}: {flow}")
    return {f["original"]["sourcePort"]: f["start"] for f in flows
            if (f["original"]["source"], f["original"]["destination"], f["original"].get("destinationPort")) ==
            ("10.78.0.1", "10.78.0.2", 53) and f["state"] == "live" and f["original"]["sourcePort"] in PORTS}


def hostile(exporter, fake, mode, counter, flows):
    before = conntrack(exporter)["userspace"]["vswitchd"][counter]
    failed = conntrack(exporter)["scansFailed"]
    fake.mode = mode
    wait_for(f"{mode}: counted as {counter}", lambda: conntrack(exporter)["userspace"]["vswitchd"][counter] > before,
             seconds=60)
    wait_for(f"{mode}: failed scans", lambda: conntrack(exporter)["scansFailed"] > failed, seconds=60)
    said = conntrack(exporter)["lastError"]
    expect(said and of_pods(exporter) == flows, f"{mode}: no flow ends; exporter/status: {said[:150]}")
    fake.mode = "right"
    polls = conntrack(exporter)["polls"]
    wait_for(f"{mode}: polls afterwards", lambda: conntrack(exporter)["polls"] >= polls + 2, seconds=60)
    expect(conntrack(exporter)["lastError"] == "" and of_pods(exporter) == flows, f"{mode}: read again afterwards")


def garbled(exporter, fake, flows):
    """Scans of wrong lines are complete: what they lack may end, what they show beside is no Pod's."""
    before = conntrack(exporter)["userspace"]["conntrackLinesUnreadable"]
    fake.mode = "garbled"
    wait_for("unreadable lines", lambda: conntrack(exporter)["userspace"]["conntrackLinesUnreadable"] > before + 50)
    seen = conntrack(exporter)["userspace"]
    expect(seen["lastUnreadableConntrackLine"] != "", f"garbled: {seen['conntrackLinesUnreadable']} lines counted, the last is shown")
    of_pods(exporter)
    fake.mode = "right"
    wait_for("all flows", lambda: set(of_pods(exporter)) == set(flows))
    expect(True, "garbled: all are there afterwards, and none had a wrong Pod")


def main():
    testbed = Testbed("hostile")
    node = testbed.namespace("node")
    database = OvsDatabase(testbed, node, "netdev", vswitchd=False)
    add_pods(database)
    fake = FakeVswitchd(database.rundir, [udp_line("10.78.0.1", "10.78.0.2", port) for port in PORTS])
    exporter = Exporter(testbed, database.rundir, CONFIG, namespace=node)
    flows = wait_for("the flows", lambda: len(of_pods(exporter)) == CONNECTIONS and of_pods(exporter))
    wait_for("two polls", lambda: conntrack(exporter)["polls"] >= 2)
    for mode, counter in MODES:
        hostile(exporter, fake, mode, counter, flows)
    garbled(exporter, fake, flows)
    print(f"   {conntrack(exporter)['userspace']['vswitchd']}; loop: {exporter.status()['loop']}")
    expect(exporter.log().count("\n") < 200, "the log is not flooded")
    fake.connections = []
    wait_for("the flows to end", lambda: not of_pods(exporter))
    expect(testbed.stop(exporter.process) == 0, "SIGTERM ends with 0")
    return 0


sys.exit(main())
