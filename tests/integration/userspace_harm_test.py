"""Userspace datapath with 100,000 connections: what forwarding sees of the exporter while it runs, stands still in the
middle of an answer, and after it was killed there. Pings, iperf3 and ovs-vswitchd's memory are held against the same
without any exporter, measured before and after; what these differ by among themselves is the noise."""

import json
import pathlib
import signal
import statistics
import sys
import time

from harness import Exporter, Testbed, expect, run, wait_for
from many_connections import ManyConnections

CONNECTIONS, SERVER_PORT = 100_000, 5201
BASELINES, SECONDS = 3, 6
CONFIG = "ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock}\n"  # nothing but defaults
# ovs-vswitchd has a dump in memory three times over while it sends it: as text, as a JSON string, serialised.
COPIES_OF_ANSWER, MALLOC_SLACK = 3, 8 << 20


def rss_octets(process):
    pages = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096


def main_thread_ns(process):
    return int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/schedstat").read_text().split()[0])


class Harm:
    def __init__(self, testbed):
        self.testbed = testbed
        self.pods = ManyConnections(testbed, CONNECTIONS)
        self.exporter = None
        server, address, _ = self.pods.pods[1]
        testbed.start("iperf3", "--server", "--port", SERVER_PORT, namespace=server, log="iperf3.log")
        self.address = address
        wait_for("iperf3", lambda: f":{SERVER_PORT}" in run("ip", "netns", "exec", server, "ss", "-Hltn"))
        self.rows = {}

    def throughput(self, seconds):
        """Mbit/s of one TCP connection through both stages of the pipeline."""
        done = run("ip", "netns", "exec", self.pods.pods[0][0], "iperf3", "--client", self.address, "--port", SERVER_PORT,
                   "--time", seconds, "--json", timeout=seconds + 60)
        return json.loads(done)["end"]["sum_received"]["bits_per_second"] / 1e6

    def measure(self, what, whole_cycle=False):
        """Pings for a while, or from the begin of a dump to that of the next, then iperf3 as long; the memory. A dump that
        took long is followed by a longer pause: only with that is it within the exporter's share."""
        pings, began, end = self.pods.start_pings(), time.monotonic(), float("inf")
        if whole_cycle:
            began = self.begin_of_dump()
            self.end_of_poll()
            end = self.begin_of_dump()
        else:
            time.sleep(SECONDS)
        seen, elapsed = self.pods.round_trips(pings, began, end), min(end, time.monotonic()) - began
        mbit = self.throughput(round(elapsed))
        rss = rss_octets(self.pods.database.vswitchd)
        print(f"   {what:24} {seen}; iperf3 {mbit:.0f} Mbit/s; ovs-vswitchd {rss / 1e6:.1f} MB", flush=True)
        self.rows.setdefault(what, []).append((seen, mbit, rss))

    def start_exporter(self):
        self.exporter = Exporter(self.testbed, self.pods.database.rundir, CONFIG, namespace=self.pods.node)
        wait_for("all flows", lambda: self.exporter.status()["store"]["flows"] >= CONNECTIONS, seconds=60)

    def polls(self):
        return self.exporter.status()["conntrack"]["polls"]

    def share(self):
        return self.exporter.status()["conntrack"]["userspace"]["share"]

    def end_of_poll(self):
        polls = self.polls()
        wait_for("a poll", lambda: self.polls() > polls, seconds=120)

    def is_dumping(self):
        """When ovs-vswitchd was busy for 15 of the last 50 ms it is making an answer: nothing else takes it so long here."""
        before = main_thread_ns(self.pods.database.vswitchd)
        time.sleep(0.05)
        return main_thread_ns(self.pods.database.vswitchd) - before > 15e6

    def begin_of_dump(self):
        """Monotonic time, at most a tenth of a second early."""
        wait_for("the next dump", self.is_dumping, seconds=180, interval=0)
        return time.monotonic() - 0.1

    def stop_in_the_middle_of_an_answer(self):
        self.begin_of_dump()
        self.exporter.process.send_signal(signal.SIGSTOP)
        wait_for("ovs-vswitchd to have made it", lambda: not self.is_dumping())

    def limits(self):
        """(p99 in ms, Mbit/s, octets) that the baselines' own differences allow. A dump of 100,000 connections that
        comes often enough to be seen in p99 adds 100 ms and more."""
        baselines = self.rows["without"]
        p99 = [seen.p99 for seen, _, _ in baselines]
        mbit = [value for _, value, _ in baselines]
        slack = max(max(mbit) - min(mbit), 0.1 * statistics.median(mbit))
        return 3 * max(p99) + 20, min(mbit) - slack, max(rss for _, _, rss in baselines)

    def within_noise(self, what, more_rss):
        p99_ms, mbit, rss = self.limits()
        rows = self.rows[what]
        lost = sum(seen.lost for seen, _, _ in rows)
        expect(lost == 0, f"{what}: no ping is lost")
        median = statistics.median(seen.p99 for seen, _, _ in rows)
        expect(median <= p99_ms, f"{what}: p99 of pings {median:.2f} ms (at most {p99_ms:.2f})")
        median = statistics.median(value for _, value, _ in rows)
        expect(median >= mbit, f"{what}: iperf3 {median:.0f} Mbit/s (at least {mbit:.0f})")
        most = max(value for _, _, value in rows)
        expect(most <= rss + more_rss, f"{what}: ovs-vswitchd's memory {most / 1e6:.1f} MB (at most "
               f"{(rss + more_rss) / 1e6:.1f})")


def check(harm):
    for _ in range(BASELINES):
        harm.measure("without")
    harm.start_exporter()
    answers = harm.exporter.status()["conntrack"]["userspace"]["vswitchd"]["answerOctets"]  # one dump, and little else
    harm.measure("running", whole_cycle=True)
    share = harm.share()
    print(f"   {share}")
    expect(share["longestQuestion"].startswith("dpctl/dump-conntrack") and share["pollIntervalMs"] > 10_000,
           "polls came later for the length of the dump")
    harm.stop_in_the_middle_of_an_answer()
    for _ in range(2):
        harm.measure("stopped")
    harm.exporter.process.send_signal(signal.SIGCONT)
    harm.stop_in_the_middle_of_an_answer()
    harm.testbed.stop(harm.exporter.process, signal.SIGKILL)
    for _ in range(2):
        harm.measure("killed")
    harm.measure("without")
    harm.within_noise("running", MALLOC_SLACK)
    harm.within_noise("stopped", COPIES_OF_ANSWER * answers + MALLOC_SLACK)  # it waits to be sent
    harm.within_noise("killed", MALLOC_SLACK)
    expect(harm.pods.connections() >= CONNECTIONS, "no connection was lost")


def main():
    testbed = Testbed("userspace-harm")
    check(Harm(testbed))
    return 0


sys.exit(main())
