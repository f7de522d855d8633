"""What forwarding on ovs-vswitchd's main thread suffers by reading 100,000 connections of the userspace datapath."""

import statistics
import subprocess
import time

import measure
from harness import Exporter, Testbed, wait_for
from many_connections import ManyConnections

ROWS = {
    "forwarding_stall": "p99 of pings through the userspace datapath while the exporter reads 100,000 connections at its "
                        "adaptive rate, against dpctl/dump-conntrack every 5 s",
}
CONNECTIONS, PEER_INTERVAL_S, PEER_DUMPS, CYCLES = 100_000, 5, 6, 2
CONFIG = "ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock}\n"  # nothing but defaults


class Measured:
    """Pings from the end of one dump to the end of another: whole cycles, or a dump more or less decides."""

    def __init__(self):
        self.testbed = Testbed("bench")
        self.pods = ManyConnections(self.testbed, CONNECTIONS)
        self.intervals_ms = []

    def undisturbed(self):
        pings = self.pods.start_pings()
        time.sleep(5)
        return self.pods.round_trips(pings)

    def exporter(self):
        ours = Exporter(self.testbed, self.pods.database.rundir, CONFIG, namespace=self.pods.node)

        def polls():
            status = ours.status()
            return status["conntrack"]["polls"] if status["store"]["flows"] >= CONNECTIONS else 0

        first = wait_for("the first poll", polls, seconds=60)
        pings = self.pods.start_pings()
        wait_for("two more polls", lambda: polls() >= first + CYCLES, seconds=240)
        seen = self.pods.round_trips(pings)
        self.intervals_ms.append(ours.status()["conntrack"]["userspace"]["share"]["pollIntervalMs"])
        self.testbed.stop(ours.process)
        return seen

    def dumps(self):
        pings = self.pods.start_pings()
        for _ in range(PEER_DUMPS):
            began = time.monotonic()
            subprocess.run(["ovs-appctl", "-t", self.pods.control(), "dpctl/dump-conntrack"], check=True,
                           stdout=subprocess.DEVNULL)
            time.sleep(max(0.0, began + PEER_INTERVAL_S - time.monotonic()))
        return self.pods.round_trips(pings)


def stall_rows(_, rounds):
    measure.progress("forwarding_stall: 100,000 connections, about 3 minutes a round")
    measured = Measured()
    try:
        values = measure.interleaved(rounds, {"none": measured.undisturbed, "ours": measured.exporter,
                                              "peer": measured.dumps})
    finally:
        measured.testbed.close()
    p99 = {name: [seen.p99 for seen in each] for name, each in values.items()}
    longest = {name: max(seen.values[-1] for seen in each) for name, each in values.items()}
    lost = {name: sum(seen.lost for seen in each) for name, each in values.items()}
    interval_s = statistics.median(measured.intervals_ms) / 1000
    yield measure.row("forwarding_stall", "ms, p99 of a ping", p99["ours"], f"dpctl/dump-conntrack every {PEER_INTERVAL_S} s",
                      p99["peer"], 5, connections=CONNECTIONS, undisturbed=round(statistics.median(p99["none"]), 3),
                      longest_ms=longest, lost=lost, ours_poll_interval_s=interval_s,
                      note=f"a poll every {interval_s:.0f} s; undisturbed {statistics.median(p99['none']):.2f} ms; longest "
                           f"ping {longest['ours']:.0f} against {longest['peer']:.0f} ms; lost {lost['ours']} against "
                           f"{lost['peer']}")
