"""Two Pods on the userspace datapath with connections by the hundred thousand between them, and what a ping through it
sees: what the tests that look for harm share."""

import pathlib

from harness import run, wait_for
from userspace_pods import UserspacePods

HERE = pathlib.Path(__file__).parent


class ManyConnections(UserspacePods):
    """connections UDP connections in zone 65520, one datagram each, which stay for an hour."""

    def __init__(self, testbed, connections):
        super().__init__(testbed)
        self.testbed = testbed
        self.database.vsctl("--", "--id=@d", "create", "Datapath", "datapath_version=test", "--", "set", "Open_vSwitch",
                            ".", "datapaths:netdev=@d")
        self.database.vsctl("add-zone-tp", "netdev", "zone=65520", "udp_first=3600", "udp_single=3600",
                            "udp_multiple=3600")
        (pod, source, _), (_, destination, _) = self.pods

        def all_there():  # some packets are lost on the way in, so again until all are there
            run("ip", "netns", "exec", pod, "python3", HERE / "many_ports.py", source, destination, connections)
            return self.connections() >= connections

        wait_for(f"{connections} connections in the datapath", all_there, seconds=240)

    def control(self):
        return self.database.rundir / f"ovs-vswitchd.{self.database.vswitchd.pid}.ctl"

    def vswitchd(self, *command):
        """What ovs-vswitchd answers."""
        return run("ovs-appctl", "-t", self.control(), *command)

    def connections(self):
        return int(self.vswitchd("dpctl/ct-get-nconns", "netdev@ovs-netdev"))

    def start_pings(self, interval_ms=5):
        """From the first Pod to the second; round_trips() ends them."""
        output = self.testbed.folder / f"pings-{len(self.testbed.processes)}"
        process = self.testbed.start("python3", HERE / "ping_steadily.py", self.pods[1][1], interval_ms, output,
                                     namespace=self.pods[0][0])
        process.output = output
        return process

    def round_trips(self, process, since_s=0, until_s=float("inf")):
        """Of what was sent in this time (monotonic)."""
        self.testbed.stop(process)
        return RoundTrips(process.output.read_text(), since_s, until_s)


class RoundTrips:
    """Milliseconds, sorted; a ping that was lost took for ever."""

    def __init__(self, text, since_s, until_s):
        pings = [line.split() for line in text.splitlines()]
        words = [took for sent, took in pings if since_s <= float(sent) <= until_s]
        self.values = sorted(float("inf") if word == "lost" else float(word) for word in words)
        self.lost = words.count("lost")

    def quantile(self, share):
        return self.values[min(len(self.values) - 1, int(len(self.values) * share))]

    @property
    def p99(self):
        return self.quantile(0.99)

    def __str__(self):
        return (f"{len(self.values)} pings, {self.lost} lost, p50 {self.quantile(0.5):.2f} ms, p99 {self.p99:.2f} ms, "
                f"longest {self.values[-1]:.0f} ms")
