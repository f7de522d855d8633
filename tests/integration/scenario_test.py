"""The scenario, counted by the exporter and by nftables: scenario_test.py [userspace|exact|kernel].

kernel: every connection is exact. exact (the userspace datapath with exactAccounting): IPv4 TCP and UDP are. Otherwise
each is exact or marked, and together the connections have what their datapath flows counted. None is silently wrong."""

import sys
import time

from conntrack_lab import shown
from harness import BIN, Exporter, Testbed, expect, recorded, wait_for
from scenario import TCP, UDP, Scenario
from scenario_judge import PROTOCOLS, Truth, judge_all, within

PORT = 4739
CONFIG = """
flowExporter:
  flowCollectorAddr: "127.0.0.1:%d:tcp"
  flowPollInterval: %s
  activeFlowExportTimeout: 2s
  idleFlowExportTimeout: 1h
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, exactAccounting: %s}
"""
STILL_S = 3  # without a poll: of an interval of a second none is coming, then


class Run:
    def __init__(self, testbed, kind):
        self.testbed, self.kind = testbed, kind
        self.scenario = Scenario(testbed, "system" if kind == "kernel" else "netdev")
        self.pods = self.scenario.pods
        self.scenario.wait_until_datapath_forgot()  # what the Pods' kernels said when their interfaces came up
        self.seen = {}  # by client: also flows that have ended since
        self.collector = testbed.start(BIN / "ipfix-dump", "--listen", f"tcp:127.0.0.1:{PORT}",
                                       namespace=self.pods.node, log="records.jsonl")
        self.exporter = Exporter(testbed, self.pods.database.rundir, self.config("1s"), namespace=self.pods.node)
        self.wait_for_polls(2)
        if kind == "exact":
            wait_for("exact accounting", lambda: self.exporter.status()["exactAccounting"]["state"] == "active")

    def config(self, interval):
        return CONFIG % (PORT, interval, "true" if self.kind == "exact" else "false")

    def polls(self):
        return self.exporter.status()["conntrack"]["polls"]

    def wait_for_polls(self, count):
        before = self.polls()
        wait_for(f"{count} polls", lambda: self.polls() >= before + count, seconds=60)

    def counted_alone(self, connection):
        """By conntrack, or by NetFlow."""
        return self.kind == "kernel" or (self.kind == "exact" and connection.ipv4 and connection.protocol in (TCP, UDP))

    def must_be_exact(self, connection):
        """NetFlow does not say of which connection a packet's second and further fragments are."""
        return self.counted_alone(connection) and not (self.kind == "exact" and connection.fragmented)

    def truth(self):
        return Truth(self.pods.referee, reassembled=self.kind == "kernel")

    def flows(self):
        """By client, as the scenario names its connections."""
        return {(tuple_of["source"], PROTOCOLS[flow["protocol"]], tuple_of.get("sourcePort", tuple_of.get("id"))): flow
                for flow in self.exporter.flows() for tuple_of in (flow["original"],)}

    def sums_that_differ(self, flows):
        """{(input port, Ethernet type): (what its connections have together, what its datapath flows counted)}; of the
        client what is said there comes in, of the server what is said back. Without what NetFlow counts."""
        self.scenario.megaflows.look()
        pairs = {}
        for family in ("0x0800", "0x86dd"):
            by_netflow = (TCP, UDP) if self.kind == "exact" and family == "0x0800" else ()
            counted = [shown(flow) for (client, protocol, _), flow in flows.items()
                       if (":" in client) == (family == "0x86dd") and protocol not in by_netflow]
            for port, first in (("p1", 0), ("p2", 2)):
                together = tuple(sum(each[first + i] for each in counted) for i in (0, 1))
                pairs[port, family] = together, self.scenario.megaflows.sum(port, family, by_netflow)
        return {where: pair for where, pair in pairs.items() if pair[0] != pair[1]}

    def wait_until_counted(self, sums=True):
        """The exporter has all: those that are counted alone to the packet, and (sums) of the others together what the
        datapath's flows counted; each of them no further from the truth than it says."""
        self.wait_for_polls(2)
        left = {}

        def counted():
            truth, flows = self.truth(), self.flows()
            alone = [(one, flows[one.key]) for one in self.scenario.connections
                     if one.key in flows and self.counted_alone(one)]
            left["connections"] = {str(one): (shown(flow), truth.of(one)) for one, flow in alone
                                   if shown(flow) != truth.of(one)}
            self.seen.update(flows)  # what a ping had stays in its datapath flow when conntrack has dropped its entry
            left["sums"] = self.sums_that_differ(self.seen) if sums and self.kind != "kernel" else {}
            return not any(left.values())

        try:
            wait_for("the exporter to have counted all", counted, seconds=30)
        finally:
            if any(left.values()):
                print("   (exporter, truth) that differ:", left, self.exporter.status()["conntrack"], flush=True)
        expect(True, "what is counted alone is so to the packet" + (", the rest adds up to the datapath's flows" if sums
                                                                    and self.kind != "kernel" else ""))
        self.expect_bounds()

    def expect_bounds(self):
        truth, flows = self.truth(), self.flows()
        for one in self.scenario.connections:
            flow = flows.get(one.key)
            if not flow or flow["statistics"] != "estimated":
                continue
            error, real = flow["relativeErrorPercent"], truth.of(one)
            if not within(shown(flow), real, error):
                sys.exit(f"FAILED: {one}: {shown(flow)} with up to {error} %, in truth {real}")

    def hold_polls(self):
        """Returns when none is due for a while: longer than Open vSwitch keeps a flow that idles."""
        self.exporter.configure(self.config("25s"))
        self.exporter.appctl("config/reload")
        last = [self.polls(), time.monotonic()]

        def still():
            if self.polls() != last[0]:
                last[:] = self.polls(), time.monotonic()
            return time.monotonic() - last[1] > STILL_S

        wait_for("the polls to pause", still)
        return last[0]

    def resume_polls(self):
        self.exporter.configure(self.config("1s"))
        self.exporter.appctl("config/reload")


def speak_for_the_first_time(this):
    this.scenario.open_connections()
    this.scenario.speak(2)
    this.scenario.probe_once(43001)
    this.scenario.refused(41040)
    this.scenario.denied()
    this.scenario.ping()


def speak_after_datapath_forgot(this):
    """The exporter looks on: every flow is seen once more before it idles out."""
    this.scenario.wait_until_datapath_forgot()
    this.scenario.speak(1)


def speak_unseen(this):
    """Flows come, idle out and come again between two polls. Without fragments: with exact accounting it can be told
    whose they are only while no flow goes unseen, and every connection between the same addresses would be marked."""
    polls = this.hold_polls()
    this.scenario.speak(1, fragments=False)
    this.scenario.probe_once(43002)
    this.scenario.wait_until_datapath_forgot()
    this.scenario.speak(1, fragments=False)
    this.scenario.probe_once(43003)
    expect(this.polls() == polls, "the datapath's flows went and came again between two polls")
    this.resume_polls()


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else "userspace"
    testbed = Testbed(f"scenario-{kind}")
    this = Run(testbed, kind)
    began = time.monotonic()
    speak_for_the_first_time(this)
    this.wait_until_counted()
    speak_after_datapath_forgot(this)
    this.wait_until_counted()
    speak_unseen(this)
    this.wait_for_polls(2)
    this.scenario.speak(1)
    this.scenario.close()
    this.wait_until_counted(sums=False)  # what went unseen is in no connection: those under shared flows say so
    print(f"   {time.monotonic() - began:.0f} s of traffic", flush=True)
    lost = this.scenario.lost()
    expect(lost and not any(lost), f"no packet was lost on its way to ovs-vswitchd: {lost}")
    truth = this.truth()
    expect(testbed.stop(this.exporter.process) == 0, "the exporter ends")
    testbed.stop(this.collector)
    problems = judge_all(this.scenario.connections, recorded(this.collector.log), truth, this.must_be_exact)
    print(*problems, sep="\n", end="\n" if problems else "")
    expect(not problems, "each connection is exact or marked, none is silently wrong")
    return 0


sys.exit(main())
