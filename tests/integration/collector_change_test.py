"""The collector is taken out of the settings, or changed, while records for it wait: they go to the collector they were
for, the records after them to the one that is set then, and the exporter lives."""

import pathlib
import signal
import sys

from harness import BIN, Exporter, OvsDatabase, Testbed, expect, listens, recorded, run, wait_for
from routed_pods import RoutedPods

HERE = pathlib.Path(__file__).parent
CONFIG = """
flowPollInterval: "1s"
flowExportFrequency: 1
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
  reconnectMaxInterval: 1s
"""
FIRST, SECOND, THIRD, SPOOLED = 47395, 47396, 47397, 47398
SERVICE = 5203


class Scene:
    def __init__(self):
        self.testbed = Testbed("collector-change")
        self.pods = RoutedPods(self.testbed)
        (self.client, _, _), (server, self.address, _) = self.pods.pods
        for timeout in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):  # they live to the end
            run("ip", "netns", "exec", self.pods.node, "sysctl", "-qw", f"net.netfilter.{timeout}=600")
        database = OvsDatabase(self.testbed, self.pods.node, "system", vswitchd=False)
        serving = self.testbed.start("python3", HERE / "talk.py", "serve", self.address, SERVICE, namespace=server)
        wait_for("the server", lambda: "serving" in serving.log.read_text())
        self.exporter = Exporter(self.testbed, database.rundir, self.config(FIRST), namespace=self.pods.node)

    @staticmethod
    def config(port):
        return (f'flowCollectorAddr: "127.0.0.1:{port}:tcp"\n' if port else "") + CONFIG

    def listen(self, port):
        collector = self.testbed.start(BIN / "ipfix-dump", "--listen", f"tcp:127.0.0.1:{port}",
                                       namespace=self.pods.node, log=f"records-{port}.jsonl")
        wait_for(f"a listener on port {port}", lambda: listens(self.pods.node, port))
        return collector

    def records(self, port):
        return [r for r in recorded(self.testbed.folder / f"records-{port}.jsonl")
                if r["destinationTransportPort"] == SERVICE]

    def ipfix(self):
        return self.exporter.status()["ipfix"]

    def wait_for_queued(self):
        """Records of every flow wait for a collector that refuses."""
        accepted = self.ipfix()["collector"]["recordsAccepted"]
        wait_for("queued records", lambda: self.ipfix()["collector"]["recordsAccepted"] >= accepted + 50)
        wait_for("refused connections", lambda: "refused" in self.ipfix()["collector"]["lastError"].lower())

    def change_while_held(self, to_port, listening_port):
        """The exporter finds the new settings and the late collector at the same moment, and the settings first."""
        self.exporter.process.send_signal(signal.SIGSTOP)
        self.exporter.configure(self.config(to_port))
        collector = self.listen(listening_port)
        self.exporter.process.send_signal(signal.SIGCONT)
        return collector

    def ports_at(self, port):
        return {r["sourceTransportPort"] for r in self.records(port)}


def one_with_a_spool_goes(scene):
    folder = scene.testbed.folder / "spool"
    with_spool = scene.config(THIRD) + f"  spool: {{path: {folder}}}\n"
    scene.exporter.configure(with_spool + f'  collectors: ["127.0.0.1:{SPOOLED}:tcp"]\n')
    wait_for("records for one that refuses", lambda: any(one["spool"]["waitingOctets"] > 0 for one in
                                                         scene.ipfix().get("collectors", []) if one.get("spool")))
    scene.exporter.configure(with_spool)
    left = f"wait in {folder}/127.0.0.1_{SPOOLED}_tcp"
    wait_for("a word about what was left", lambda: left in scene.exporter.log())
    expect(True, "what waits in the spool of a collector taken out is said, with its folder")
    expect(f"{folder}/flowCollectorAddr" not in scene.exporter.log(), "of one that stays nothing is")


def main():
    scene = Scene()
    run("ip", "netns", "exec", scene.client, "python3", HERE / "talk.py", "ask", "udp", scene.address, SERVICE, 2_000, 0,
        50)
    ports = {sport for (_, _, protocol, sport, dport) in scene.pods.referee.counted()
             if (protocol, dport) == (17, SERVICE)}
    wait_for("the flows", lambda: len(scene.exporter.flows("proto=udp", f"dport={SERVICE}")) == len(ports))
    expect(len(ports) > 30, f"{len(ports)} flows")
    scene.wait_for_queued()

    scene.change_while_held(None, FIRST)
    wait_for("what waited for the first collector", lambda: scene.ports_at(FIRST) == ports)
    expect(True, "a collector taken out of the settings gets what waited for it, at its own address")
    expect(scene.ipfix()["collector"] == "none", "and is not set any more")
    wait_for("records that nobody is there to take", lambda: scene.ipfix()["withoutCollector"] > 0)

    scene.exporter.configure(scene.config(SECOND))
    scene.wait_for_queued()
    third = scene.listen(THIRD)
    scene.change_while_held(THIRD, SECOND)
    wait_for("what waited for the second collector", lambda: scene.ports_at(SECOND) == ports)
    expect(True, "a collector that was replaced gets what waited for it")
    wait_for("records at the third collector", lambda: scene.ports_at(THIRD) == ports)
    wait_for("its session", lambda: scene.ipfix()["collector"]["peer"] == f"127.0.0.1:{THIRD}")
    expect(third.poll() is None, "and the new one what came after")
    first_count, second_count = len(scene.records(FIRST)), len(scene.records(SECOND))
    scene.exporter.appctl("exporter/flush")
    third_count = len(scene.records(THIRD))
    wait_for("more records at the third", lambda: len(scene.records(THIRD)) > third_count)
    expect((len(scene.records(FIRST)), len(scene.records(SECOND))) == (first_count, second_count), "and nobody else")
    one_with_a_spool_goes(scene)
    expect(scene.testbed.stop(scene.exporter.process) == 0, "the exporter lived through all of it")
    return 0


sys.exit(main())
