"""The exporter is stopped and started again while connections live on: with ovsFlowExporter.stateFile every octet is in
the records once, without it none is there twice. Kernel conntrack, and nftables as the referee."""

import collections
import pathlib
import stat
import sys

from harness import BIN, Exporter, OvsDatabase, Testbed, expect, recorded, run, wait_for
from held_connection import HeldConnection
from routed_pods import RoutedPods

HERE = pathlib.Path(__file__).parent
COUNTS = ("packet", "octet", "reversePacket", "reverseOctet")
CONFIG = """
flowCollectorAddr: "127.0.0.1:47394:tcp"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
  reconnectMaxInterval: 1s
  exportQueueOctets: 65536
  shutdownGrace: 1s
"""
END_OF_FLOW, FORCED_END = 3, 4


def sum_of_deltas(records):
    return tuple(sum(r[f"{count}DeltaCount"] for r in records) for count in COUNTS)


class Scene:
    """Two Pods, their Node, a collector that may be away, and exporters one after another."""

    def __init__(self):
        self.testbed = Testbed("state-file")
        self.pods = RoutedPods(self.testbed)
        (self.client, self.client_address, _), (server, self.server_address, _) = self.pods.pods
        self.database = OvsDatabase(self.testbed, self.pods.node, "system", vswitchd=False)
        self.file = self.testbed.folder / "state"
        self.records_file = self.testbed.folder / "records.jsonl"
        self.exporter = self.collector = None
        for script, port in (("held_connection.py", 5201), ("talk.py", 5202)):
            serving = self.testbed.start("python3", HERE / script, "serve", self.server_address, port, namespace=server)
            wait_for(script, lambda: "serving" in serving.log.read_text())  # pylint: disable=cell-var-from-loop

    def start_collector(self):
        self.collector = self.testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47394",
                                            namespace=self.pods.node, log=self.records_file.name)

    def start(self, with_file):
        config = CONFIG + (f"  stateFile: {self.file}\n" if with_file else "")
        self.exporter = Exporter(self.testbed, self.database.rundir, config, namespace=self.pods.node)
        wait_for("two polls", lambda: self.exporter.status()["conntrack"]["polls"] >= 2)

    def stop(self, **how):
        return self.testbed.stop(self.exporter.process, **how)

    def hold(self, name):
        return HeldConnection(self.testbed, self.client, self.server_address, 5201, name)

    def referee(self, source_port):
        return self.referee_by_port(6, 5201)[source_port]

    def referee_by_port(self, protocol, port):
        """{source port: (packets, octets, reverse packets, reverse octets)}"""
        counted = self.pods.referee.counted()
        return {sport: counts + counted[destination, source, protocol, port, sport]
                for (source, destination, number, sport, dport), counts in counted.items()
                if (number, dport) == (protocol, port)}

    def wait_until_seen(self, connection):
        """What the referee counted is in the store."""
        def seen():
            flows = self.exporter.flows(f"sport={connection.source_port}", "state=live")
            total = flows[0]["total"] if flows else {}
            return tuple(total.values()) == self.referee(connection.source_port)
        wait_for("the exporter to see what the referee counted", seen)

    def records(self, source_port):
        return self.records_by_port(5201)[source_port]

    def records_by_port(self, port):
        records = collections.defaultdict(list)
        for record in recorded(self.records_file):
            if record["destinationTransportPort"] == port:
                records[record["sourceTransportPort"]].append(record)
        return records

    def deltas(self, source_port):
        return sum_of_deltas(self.records(source_port))

    def wait_for_deltas(self, what, connection):
        wait_for(what, lambda: self.deltas(connection.source_port) == self.referee(connection.source_port))


def restarted_with_the_file(scene):
    lives_on, ends = scene.hold("lives-on"), scene.hold("ends")
    lives_on.exchange(50_000, 3_000)
    ends.exchange(1_000, 2_000)
    scene.wait_until_seen(lives_on)
    scene.wait_until_seen(ends)
    lives_on.exchange(20_000, 1_000)  # perhaps not seen before the stop
    expect(scene.stop() == 0, "SIGTERM ends with 0")
    expect(stat.S_IMODE(scene.file.stat().st_mode) == 0o600, "the state file is there, for us alone")

    lives_on.exchange(100_000, 70_000)
    ends.close()
    run("ip", "netns", "exec", scene.pods.node, "conntrack", "-D", "-w", "65520", "-p", "tcp", "--orig-port-src",
        ends.source_port)
    born = scene.hold("born-while-away")
    born.exchange(7_000, 8_000)
    scene.start(with_file=True)
    expect(not scene.file.exists(), "the state file is read once")
    status = scene.exporter.status()["stateFile"]
    expect(status["loaded"] and status["resumed"] == 2 and status["ignoredReason"] == "", "and both flows taken over")
    wait_for("the end of the one that went", lambda: scene.exporter.status()["stateFile"]["endedMeanwhile"] == 1)
    lives_on.exchange(10_000, 1_000)
    for name, connection in (("lived on", lives_on), ("was born meanwhile", born)):
        scene.wait_for_deltas(f"the deltas of the connection that {name} to sum to the referee's count", connection)
        expect(True, f"a connection that {name}: every packet and octet is in its records once")
    last = scene.records(ends.source_port)[-1]
    expect(last["flowEndReason"] == FORCED_END, "a connection that went meanwhile: no record after that of the stop")
    totals = tuple(last[f"{count}TotalCount"] for count in COUNTS)
    expect(scene.deltas(ends.source_port) == totals, "and its deltas sum to what was seen of it")
    starts = {r["flowStartSeconds"] for r in scene.records(lives_on.source_port)}
    expect(len(starts) == 1, "the records before and after say the same start")
    return lives_on, born


def stopped_without_collector(scene, connection):
    """More flows than the queue takes: some go over as records, the others as flows."""
    scene.testbed.stop(scene.collector)
    wait_for("the broken session", lambda: scene.exporter.status()["ipfix"]["collector"]["state"] != "connected")
    connection.exchange(30_000, 30_000)
    run("ip", "netns", "exec", scene.client, "python3", HERE / "talk.py", "ask", "udp", scene.server_address, 5202,
        2_000, 0, 800)
    scene.wait_until_seen(connection)
    counted = scene.referee_by_port(17, 5202)
    wait_for(f"{len(counted)} flows",
             lambda: len(scene.exporter.flows("proto=udp", "dport=5202", "limit=2000")) == len(counted))
    scene.stop()
    expect("not exported and" in scene.exporter.log(), "the log says that flows and records were left")

    connection.exchange(5_000, 4_000)
    run("ip", "netns", "exec", scene.pods.node, "conntrack", "-D", "-w", "65520", "-p", "udp", "--orig-port-dst", 5202)
    scene.start_collector()
    scene.start(with_file=True)
    status = scene.exporter.status()["stateFile"]
    expect(status["unsentRecords"] > 0 and status["resumed"] > 600, "records and flows are taken over")
    scene.wait_for_deltas("the deltas of the connection", connection)
    expect(True, "a collector away at the stop: every packet and octet is in the records once")

    expect(len(counted) > 600, f"{len(counted)} connections that the collector had not heard of when they went")

    def all_ended():
        records = scene.records_by_port(5202)
        ended = [port for port, of_port in records.items() if of_port[-1]["flowEndReason"] in (END_OF_FLOW, FORCED_END)]
        return records if ended == list(records) and records.keys() == counted.keys() else None

    records = wait_for("the last record of each", all_ended)
    for port, counts in counted.items():
        if sum_of_deltas(records[port]) != counts:
            sys.exit(f"FAILED: port {port}: {sum_of_deltas(records[port])} are not {counts}")
    expect(True, "are all in the records, every packet and octet once")
    reasons = {of_port[-1]["flowEndReason"] for of_port in records.values()}
    expect(reasons == {END_OF_FLOW, FORCED_END}, "as records of the stop, or as flows found to have ended")


def restarted_without_a_file(scene, connection, how, number):
    scene.wait_until_seen(connection)
    before = scene.deltas(connection.source_port)
    scene.stop(number=number)
    connection.exchange(40_000, 40_000)
    expect(not scene.file.exists(), f"{how}: no state file")
    scene.start(with_file=number != 15)
    connection.exchange(10_000, 1_000)
    scene.wait_until_seen(connection)
    wait_for("what the new process counted", lambda: scene.deltas(connection.source_port) > before)
    scene.exporter.appctl("exporter/flush")
    wait_for("its record", lambda: scene.records(connection.source_port)[-1]["octetTotalCount"] ==
             scene.referee(connection.source_port)[1])
    counted, exported = scene.referee(connection.source_port), scene.deltas(connection.source_port)
    expect(all(e <= c for e, c in zip(exported, counted)), f"{how}: {exported} of {counted} exported, nothing twice")


def damaged_file(scene, connection):
    scene.stop()
    text = scene.file.read_bytes()
    scene.file.write_bytes(text[: len(text) // 2])
    scene.start(with_file=True)
    status = scene.exporter.status()["stateFile"]
    expect(not status["loaded"] and "is cut" in status["ignoredReason"], "a cut file is not used, and the status says why")
    expect(f"state file {scene.file} is cut" in scene.exporter.log(), "the log names file and reason")
    scene.wait_until_seen(connection)
    scene.stop()
    counted, exported = scene.referee(connection.source_port), scene.deltas(connection.source_port)
    expect(all(e <= c for e, c in zip(exported, counted)), "and nothing is counted twice")


def main():
    scene = Scene()
    scene.start_collector()
    scene.start(with_file=True)
    lives_on, born = restarted_with_the_file(scene)
    stopped_without_collector(scene, lives_on)
    restarted_without_a_file(scene, born, "killed", 9)
    damaged_file(scene, born)
    scene.file.unlink()
    scene.start(with_file=False)
    restarted_without_a_file(scene, lives_on, "without the setting", 15)
    return 0


sys.exit(main())
