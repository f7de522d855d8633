"""RFC 5471's tests that need two processes: the exporting process (export_records) and ipfix-dump as the collecting one.
What is compared are the values put in; that others read the same off the wire is shown by referees_test.py."""

import collections
import json
import random
import signal
import sys
import time

import known_records as known
from harness import BIN, Testbed, expect, flow_records, run, wait_for

NAMES = ("packetDeltaCount", "octetDeltaCount", "reversePacketDeltaCount", "reverseOctetDeltaCount", "flowStartMilliseconds",
         "flowEndMilliseconds", "sourcePodName")


def read(log):
    """ipfix-dump's flows in the form of known_records."""
    records = []
    for record in flow_records(log.read_text()):
        family = "IPv4" if "sourceIPv4Address" in record else "IPv6"
        values = [record[name] for name in NAMES]
        values[4:6] = map(known.milliseconds, values[4:6])
        records.append((record[f"source{family}Address"], record[f"destination{family}Address"],
                        record["sourceTransportPort"], record["destinationTransportPort"], record["protocolIdentifier"],
                        *values))
    return records


def has_flows(collector, count):
    """Lines are cheaper to count; there are some of options among them."""
    return collector.log.read_bytes().count(b"\n") >= count and len(read(collector.log)) >= count


class Wire:
    """A namespace with collectors and exporters in it."""

    def __init__(self, testbed):
        self.testbed, self.namespace = testbed, testbed.namespace("wire")
        self.number = 0

    def collector(self, *listening, log=None):
        self.number += 1
        process = self.testbed.start(BIN / "ipfix-dump", *(f"--listen={where}" for where in listening),
                                     namespace=self.namespace, log=log or f"collector-{self.number}.jsonl")
        process.errors = process.log.with_suffix(".errors")
        wait_for("the collector", lambda: process.errors.read_text().count("listening on") >= len(listening))
        return process

    def exporter(self, transport, host, port, records, per_turn=50):
        self.number += 1
        given = self.testbed.folder / f"records-{self.number}"
        given.write_text(known.lines(records))
        return self.testbed.start("sh", "-c", f"exec {known.SENDER} {transport} {port} {per_turn} {host} < {given}",
                                  namespace=self.namespace, log=f"exporter-{self.number}.log")

    def export(self, *arguments, **options):
        process = self.exporter(*arguments, **options)
        wait_for("the exporter to send all", lambda: process.poll() is not None, seconds=40)
        expect(process.returncode == 0, f"the exporter ended: {process.log.read_text().strip()}")
        return json.loads(process.log.read_text())


def summary(collector, testbed):
    testbed.stop(collector)
    return collector.errors.read_text().strip().splitlines()[-1]


def same(injected, got, what):
    missing = collections.Counter(injected) - collections.Counter(got)
    surplus = collections.Counter(got) - collections.Counter(injected)
    expect(not missing and not surplus, f"{what}: {len(got)} records as put in"
           + (f"; {len(missing)} missing, {len(surplus)} surplus {list(surplus)[:1]}" if missing or surplus else ""))


def connectivity(wire, draw):
    """IPv4 and IPv6, UDP and TCP."""
    for transport in ("udp", "tcp"):
        for host in ("127.0.0.1", "::1"):
            records = draw(200)
            collector = wire.collector(f"{transport}:" + (f"[{host}]:4739" if ":" in host else f"{host}:4739"))
            wire.export(transport, host, 4739, records)
            wait_for("the records", lambda: len(read(collector.log)) >= len(records))  # pylint: disable=W0640
            same(records, read(collector.log), f"connectivity, {transport} to {host}")
            expect("0 malformed, 0 lost" in summary(collector, wire.testbed), "nothing malformed, nothing lost")


def many_records_from_many_exporters(wire, draw):
    collector = wire.collector("tcp:127.0.0.1:4739", "udp:127.0.0.1:4739")
    records = draw(24_000)
    exporters = [wire.exporter("tcp" if i % 2 else "udp", "127.0.0.1", 4739, records[i * 1000:(i + 1) * 1000], 10)
                 for i in range(24)]
    wait_for("24 exporters", lambda: all(e.poll() == 0 for e in exporters), seconds=60)
    wait_for("the records", lambda: has_flows(collector, len(records)), seconds=60, interval=0.5)
    same(records, read(collector.log), "24 exporters to one collector, over both transports")
    expect("0 malformed, 0 lost" in summary(collector, wire.testbed), "nothing malformed, nothing lost")


def tcp_overload(wire, draw):
    """A collector that stands still stalls the exporter, which keeps what it has; nothing is lost."""
    records = draw(30_000)
    collector = wire.collector("tcp:127.0.0.1:4739")
    collector.send_signal(signal.SIGSTOP)
    exporter = wire.exporter("tcp", "127.0.0.1", 4739, records, 5_000)
    stuck = wait_for("the socket to take no more", lambda: unchanged(lambda: in_socket(wire)), seconds=40)
    expect(exporter.poll() is None, f"the exporter is stalled with {stuck} octets in its socket")
    collector.send_signal(signal.SIGCONT)
    wait_for("the exporter to send all", lambda: exporter.poll() is not None, seconds=60)
    expect(json.loads(exporter.log.read_text())["lost"] == 0, "the exporter lost nothing")
    wait_for("the records", lambda: has_flows(collector, len(records)), seconds=60, interval=0.5)
    same(records, read(collector.log), "TCP overload")
    expect("0 malformed, 0 lost" in summary(collector, wire.testbed), "nothing lost by sequence numbers")


def udp_overload(wire, draw):
    """A collector that stands still loses datagrams, and says exactly how many records."""
    records = draw(20_000)
    collector = wire.collector("udp:127.0.0.1:4739")
    wire.export("udp", "127.0.0.1", 4739, records[:1_000])
    wait_for("the first records", lambda: len(read(collector.log)) >= 1_000)
    collector.send_signal(signal.SIGSTOP)
    given = wire.exporter("udp", "127.0.0.1", 4739, records[1_000:], 5)
    wait_for("datagrams to be dropped", lambda: dropped(wire) > 0, seconds=40)
    collector.send_signal(signal.SIGCONT)
    wait_for("the exporter", lambda: given.poll() == 0, seconds=40)
    wait_for("all its messages", lambda: "4739" not in receive_queues(wire))
    wait_for("the collector to be idle", lambda: unchanged(lambda: collector.log.stat().st_size))
    got = read(collector.log)
    told = summary(collector, wire.testbed)
    lost = int(told.split(" malformed, ")[1].split()[0])
    missing = sum((collections.Counter(records) - collections.Counter(got)).values())
    expect(not collections.Counter(got) - collections.Counter(records), "UDP overload: what came is as put in")
    # Options records (the statistics) count in the sequence as well.
    expect(0 < missing <= lost <= missing + 400, f"{missing} flow records missing, {lost} lost by sequence: {told}")


def in_socket(wire):
    """Octets the exporter's socket holds for the collector."""
    line = run("ip", "netns", "exec", wire.namespace, "ss", "-Htn", "state", "established", "dst", "127.0.0.1:4739").split()
    return int(line[1]) if line else 0


def unchanged(value, seconds=0.5):
    """The value, when it is something and stays the same for so long."""
    before = value()
    time.sleep(seconds)
    return before if before and value() == before else None


def dropped(wire):
    """Datagrams that found the collector's buffer full."""
    lines = run("ip", "netns", "exec", wire.namespace, "cat", "/proc/net/udp").splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines)


def receive_queues(wire):
    return run("ip", "netns", "exec", wire.namespace, "sh", "-c", "ss -Hun | awk '$2 > 0'")


def disconnects(wire, draw):
    """A short and a long one: the collector ends and comes back; every record that was not lost with a session arrives."""
    records = draw(20_000)
    first = wire.collector("tcp:127.0.0.1:4739")
    exporter = wire.exporter("tcp", "127.0.0.1", 4739, records, 4)  # 5 s and more
    collectors = [first]
    for away in (0.1, 2):
        wait_for("records", lambda: len(read(collectors[-1].log)) > 500)
        wire.testbed.stop(collectors[-1])
        time.sleep(away)  # how long it is away is what is tested
        collectors.append(wire.collector("tcp:127.0.0.1:4739"))
    wait_for("the exporter to send all", lambda: exporter.poll() == 0, seconds=60)
    wait_for("the last records", lambda: records[-1] in read(collectors[-1].log), interval=0.5)
    told = [summary(collectors[-1], wire.testbed)] + [c.errors.read_text().strip().splitlines()[-1] for c in collectors[:-1]]
    expect(all("0 malformed, 0 lost" in text for text in told), "each session is without a gap")
    got = collections.Counter(record for c in collectors for record in read(c.log))
    expect(not got.keys() - set(records), "short and long disconnect: what came is as put in")
    print(f"{len(records) - len(got)} of {len(records)} were on their way when the collector ended")


def killed_and_restarted(wire, draw):
    collector = wire.collector("tcp:127.0.0.1:4739")
    records = draw(4_000)
    exporter = wire.exporter("tcp", "127.0.0.1", 4739, records, 2)
    wait_for("records", lambda: len(read(collector.log)) > 100)
    exporter.send_signal(signal.SIGKILL)
    exporter.wait(5)
    wire.export("tcp", "127.0.0.1", 4739, records)
    wait_for("the records", lambda: set(read(collector.log)) == set(records))
    print("ok: exporter killed and restarted: every record came", flush=True)
    collector.send_signal(signal.SIGKILL)
    collector.wait(5)
    again = wire.collector("tcp:127.0.0.1:4739")
    wire.export("tcp", "127.0.0.1", 4739, records)
    wait_for("the records", lambda: len(read(again.log)) >= len(records))
    same(records, read(again.log), "collector killed and restarted")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    source = random.Random(seed)
    wire = Wire(Testbed("rfc5471"))
    for test in (connectivity, many_records_from_many_exporters, tcp_overload, udp_overload, disconnects,
                 killed_and_restarted):
        test(wire, lambda count: known.draw(source, count))
    return 0


sys.exit(main())
