"""The bridge is deleted and made anew while flows live, on the userspace datapath, whose connection tracking goes with it:
once with the same Pods, once with others at the same addresses. No flow ends by the deletion, none gets a wrong Pod, in
flow/list and in the records, and exporter/status says where the bridge is."""

import sys

from harness import BIN, Exporter, Testbed, expect, recorded, wait_for
from userspace_pods import UserspacePods

PORT = 47393
CONFIG = f"""
flowCollectorAddr: "127.0.0.1:{PORT}:tcp"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter: {{metadataSocket: /nonexistent/metadata.sock}}
"""
FIRST, SECOND = (6001, 6002, 6003), (7001, 7002, 7003)  # source ports before and after the Pods changed
SENDER = """
import socket, sys, time
sockets = []
for port in sys.argv[1:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.78.0.1", int(port)))
    sockets.append(s)
while True:
    for s in sockets: s.sendto(b"hello", ("10.78.0.2", 5301))
    time.sleep(0.2)
"""


class Bridge:
    def __init__(self, testbed):
        self.testbed, self.pods = testbed, UserspacePods(testbed)
        self.vsctl = self.pods.database.vsctl
        self.records = testbed.folder / "records.jsonl"
        testbed.start(BIN / "ipfix-dump", "--listen", f"tcp:127.0.0.1:{PORT}", namespace=self.pods.node,
                      log=self.records.name)
        self.exporter = Exporter(testbed, self.pods.database.rundir, CONFIG, namespace=self.pods.node)

    def send(self, ports):
        return self.testbed.start("python3", "-c", SENDER, *ports, namespace=self.pods.pods[0][0], log=f"sender-{ports[0]}")

    def make(self, names):
        arguments = ["add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "fail_mode=secure"]
        for index, name in enumerate(names, 1):
            arguments += ["--", "add-port", "br-int", f"p{index}", "--", "set", "interface", f"p{index}",
                          f"ofport_request={index}", f"external_ids:pod-name={name}", "external_ids:pod-namespace=tests",
                          f'external_ids:ip-address="10.78.0.{index}"']
        self.vsctl(*arguments)
        self.pods.install_rules()

    def delete(self):
        """And what is in the store when it is gone."""
        self.vsctl("del-br", "br-int")
        wait_for("the bridge to be gone", lambda: not self.exporter.status()["ovs"]["bridgeFound"])
        expect(self.exporter.status()["conntrack"]["source"] == "none" and "is gone from OVSDB" in self.exporter.log(),
               "exporter/status and the log say that the bridge is gone")

    def names(self, ports, state="live"):
        return {flow["original"]["sourcePort"]: (flow["sourcePod"], flow["destinationPod"])
                for flow in self.exporter.flows("proto=udp", f"state={state}", "limit=1000")
                if flow["original"]["sourcePort"] in ports}

    def wait_for_names(self, ports, names):
        pods = tuple(f"tests/{name}" for name in names)
        wait_for(f"flows between {pods}", lambda: self.names(ports) == {port: pods for port in ports}, seconds=60)

    def polls_on(self):
        polls = self.exporter.status()["conntrack"]["polls"] if self.exporter.status()["ovs"]["bridgeFound"] else 0
        wait_for("polls", lambda: self.exporter.status()["conntrack"]["polls"] >= polls + 3, seconds=60)
        expect(self.exporter.status()["conntrack"]["lastError"] == "", "connection tracking is read")


def check(bridge):
    sender = bridge.send(FIRST)
    bridge.wait_for_names(FIRST, ("pod1", "pod2"))
    before = bridge.names(FIRST)
    bridge.delete()
    expect(bridge.names(FIRST) == before, "no flow ends by it")
    bridge.make(("pod1", "pod2"))
    bridge.polls_on()
    bridge.wait_for_names(FIRST, ("pod1", "pod2"))
    expect(True, "the same Pods: their flows go on")

    bridge.delete()
    bridge.testbed.stop(sender)
    bridge.make(("new1", "new2"))
    sender = bridge.send(SECOND)
    bridge.wait_for_names(SECOND, ("new1", "new2"))
    wait_for("the old flows to end", lambda: not bridge.names(FIRST), seconds=60)
    expect(True, "other Pods at the same addresses: the old flows end, the new ones have the new Pods")
    bridge.polls_on()
    bridge.testbed.stop(sender)

    def pods_of(ports):
        return [(r["sourcePodName"], r["destinationPodName"]) for r in recorded(bridge.records)
                if r.get("sourceTransportPort") in ports]

    wait_for("records of both", lambda: pods_of(FIRST) and pods_of(SECOND), seconds=60)
    expect(set(pods_of(FIRST)) == {("pod1", "pod2")} and set(pods_of(SECOND)) == {("new1", "new2")},
           f"{len(pods_of(FIRST))} and {len(pods_of(SECOND))} records, each with the Pods of its time")


def main():
    testbed = Testbed("anew")
    bridge = Bridge(testbed)
    check(bridge)
    expect(testbed.stop(bridge.exporter.process) == 0, "SIGTERM ends with 0")
    return 0


sys.exit(main())
