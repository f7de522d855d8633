"""Exact accounting on the userspace datapath: what it costs Open vSwitch (datapath flows, upcalls, throughput; printed), that
the cost goes when it is switched off, and what becomes of the NetFlow row of an exporter that was killed."""

import json
import pathlib
import re
import signal
import statistics
import sys
import time

from harness import Exporter, Testbed, expect, run, wait_for
from userspace_pods import UserspacePods

HERE = pathlib.Path(__file__).parent
CONNECTIONS, SHORT, PORT, IPERF_PORT, RUNS, SECONDS = 1000, 500, 5201, 5202, 3, 6
CONFIG = """
flowPollInterval: "1s"
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, exactAccounting: %s}
"""
# UDP connections that go on, a datagram a second each; every one is answered.
SENDER = f"""
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range({CONNECTIONS})]
for s in sockets: s.connect(("10.78.0.2", {PORT}))
began, number = time.monotonic(), 0
while True:
    sockets[number % {CONNECTIONS}].send(b"hello")
    number += 1
    time.sleep(max(0, began + number / {CONNECTIONS} - time.monotonic()))
"""


class Cost:
    def __init__(self, testbed):
        self.testbed, self.pods = testbed, UserspacePods(testbed)
        self.client, (self.server, self.address, _) = self.pods.pods[0][0], self.pods.pods[1]
        testbed.start("python3", HERE / "talk.py", "serve", self.address, PORT, namespace=self.server, log="serve.log")
        testbed.start("iperf3", "--server", "--port", IPERF_PORT, namespace=self.server, log="iperf3.log")
        wait_for("the servers", lambda: all(f":{port}" in run("ip", "netns", "exec", self.server, "ss", "-Hltn")
                                            for port in (PORT, IPERF_PORT)))
        self.sender = testbed.start("python3", "-c", SENDER, namespace=self.client, log="sender.log")

    def vswitchd(self, *command):
        database = self.pods.database
        return run("ovs-appctl", "-t", database.rundir / f"ovs-vswitchd.{database.vswitchd.pid}.ctl", *command)

    def megaflows(self):
        return int(re.search(r"current (\d+)", self.vswitchd("upcall/show")).group(1))

    def lookups(self):
        """(missed, lost): each miss is an upcall."""
        missed, lost = re.search(r"missed:(\d+) lost:(\d+)", self.vswitchd("dpctl/show", "netdev@ovs-netdev")).groups()
        return int(missed), int(lost)

    def upcalls_of_a_second(self):
        missed = self.lookups()[0]
        time.sleep(1)
        return self.lookups()[0] - missed

    def throughput(self):
        done = run("ip", "netns", "exec", self.client, "iperf3", "--client", self.address, "--port", IPERF_PORT, "--time",
                   SECONDS, "--json")
        return json.loads(done)["end"]["sum_received"]["bits_per_second"] / 1e6

    def measure(self, what):
        missed, lost = self.lookups()
        began = time.monotonic()
        mbit = [self.throughput() for _ in range(RUNS)]
        steady = (self.lookups()[0] - missed) / (time.monotonic() - began)
        missed, began = self.lookups()[0], time.monotonic()
        run("ip", "netns", "exec", self.client, "python3", HERE / "talk.py", "ask", "tcp", self.address, PORT, 2000, 2000,
            SHORT)
        each_ms = (time.monotonic() - began) * 1000 / SHORT
        per_connection = (self.lookups()[0] - missed - steady) / SHORT
        flows = self.megaflows()
        print(f"   {what}: {flows} datapath flows with {CONNECTIONS} UDP connections and {SHORT} short TCP ones; "
              f"{steady:.1f} upcalls/s with the former, {per_connection:.2f} for each of the latter, which takes {each_ms:.1f} ms; iperf3 "
              f"{statistics.median(mbit):.0f} Mbit/s ({min(mbit):.0f} to {max(mbit):.0f}); lost {self.lookups()[1] - lost}",
              flush=True)
        return flows, per_connection, mbit


def rows(pods):
    return json.loads(pods.database.vsctl("--format=json", "--columns=_uuid,targets,external_ids", "list", "netflow"))["data"]


def state(exporter):
    return exporter.status()["exactAccounting"]["state"]


def start(testbed, pods, exact):
    return Exporter(testbed, pods.database.rundir, CONFIG % ("true" if exact else "false"), namespace=pods.node)


def cost(testbed, measured):
    wait_for("the connections", lambda: int(measured.vswitchd("dpctl/ct-get-nconns", "netdev@ovs-netdev")) >= CONNECTIONS)
    exporter = start(testbed, measured.pods, False)
    without = measured.measure("without exact accounting")
    exporter.configure(CONFIG % "true")
    wait_for("exact accounting", lambda: state(exporter) == "active")
    wait_for("datapath flows for each connection and direction",
             lambda: measured.megaflows() >= 2 * CONNECTIONS and measured.upcalls_of_a_second() == 0)
    exact = measured.measure("with exact accounting")
    expect(without[0] < 100, f"{without[0]} datapath flows without")
    expect(statistics.median(exact[2]) > statistics.median(without[2]) / 2, "throughput of a connection is of the same order")
    exporter.configure(CONFIG % "false")
    wait_for("the row to go", lambda: not rows(measured.pods))
    print(f"   switched off again: {measured.megaflows()} datapath flows while the connections go on")
    testbed.stop(measured.sender)
    wait_for("the flows to be few again", lambda: measured.megaflows() < 100, seconds=60)
    expect(True, "switched off, the datapath has few flows again when their connections are idle")
    return exporter


def killed(testbed, measured, exporter):
    pods = measured.pods
    testbed.start("python3", "-c", SENDER, namespace=measured.client, log="sender.log")
    exporter.configure(CONFIG % "true")
    wait_for("exact accounting", lambda: state(exporter) == "active")
    left = rows(pods)
    testbed.stop(exporter.process, signal.SIGKILL)
    expect(len(left) == 1 and rows(pods) == left, "a killed exporter leaves its NetFlow row, marked")

    exporter = start(testbed, pods, True)
    wait_for("exact accounting again", lambda: state(exporter) == "active")
    seen = rows(pods)
    expect(len(seen) == 1 and seen[0][0] == left[0][0] and seen[0][2] == left[0][2], "the next exporter takes the row over")
    expect(seen[0][1] != left[0][1], "and has it point to itself")
    wait_for("records to it", lambda: [f for f in exporter.flows("proto=udp") if f["statistics"] == "exact"], seconds=60)
    testbed.stop(exporter.process, signal.SIGKILL)

    exporter = start(testbed, pods, False)
    wait_for("the row to go", lambda: not rows(pods))
    expect(state(exporter) == "off", "an exporter without exact accounting removes the row of the one before")
    pods.database.vsctl("--", "set", "Bridge", "br-int", "netflow=@nf", "--", "--id=@nf", "create", "NetFlow",
                        'targets="127.0.0.1:9"')
    testbed.stop(exporter.process, signal.SIGKILL)
    exporter = start(testbed, pods, False)
    wait_for("the first polls", lambda: exporter.status()["conntrack"]["polls"] >= 2)
    expect(len(rows(pods)) == 1, "and leaves alone what is somebody else's")


def main():
    testbed = Testbed("exact-cost")
    measured = Cost(testbed)
    killed(testbed, measured, cost(testbed, measured))
    return 0


sys.exit(main())
