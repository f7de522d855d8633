"""What the exporter sends, read by decoders nobody here wrote: nfcapd/nfdump, libfixbuf's ipfixDump and python3-ipfix
agree with ipfix-dump on record count, addresses, ports and counters, tshark finds nothing malformed. The flows are real
kernel connections. That ipfixDump and the others read what was put in is shown by referees_test.py."""

import collections
import ipaddress
import json
import pathlib
import re
import sys

import known_records as known
from harness import BIN, Exporter, OvsDatabase, Testbed, expect, flow_records, run, wait_for
from routed_pods import RoutedPods

HERE = pathlib.Path(__file__).parent
CONFIG = """
flowCollectorAddr: "127.0.0.1:%s"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock}
"""
COUNTERS = ("packetTotalCount", "octetTotalCount", "packetDeltaCount", "octetDeltaCount", "reversePacketTotalCount",
            "reverseOctetTotalCount", "reversePacketDeltaCount", "reverseOctetDeltaCount")


def ours(*arguments):
    """ipfix-dump's records as (source, destination, source port, destination port, protocol, counters…)."""
    records = []
    for record in flow_records(run(BIN / "ipfix-dump", *arguments)):
        family = "IPv4" if "sourceIPv4Address" in record else "IPv6"
        records.append((record[f"source{family}Address"], record[f"destination{family}Address"],
                        record["sourceTransportPort"], record["destinationTransportPort"], record["protocolIdentifier"],
                        *(record[name] for name in COUNTERS)))
    return records


def libfixbuf(path):
    """The same from ipfixDump's listing: one "(number) name : value" a line, a "data record" heading each."""
    text = run("timeout", "30", "ipfixDump", "--data", "-i", path)
    records = []
    for block in text.split("--- data record")[1:]:
        values = dict(re.findall(r"^\s+\([\d/]+\)\s+(\w+) : (\S+)", block, re.MULTILINE))
        if "protocolIdentifier" not in values:  # it describes elements
            continue
        family = "IPv4" if "sourceIPv4Address" in values else "IPv6"
        records.append((*(str(ipaddress.ip_address(values[f"{side}{family}Address"])) for side in ("source", "destination")),
                        *(int(values[name]) for name in ("sourceTransportPort", "destinationTransportPort",
                                                         "protocolIdentifier", *COUNTERS))))
    return records


def nfdump(folder):
    """nfdump keeps one pair of counters each way; of total and delta, which our records carry both of, it takes the
    delta, as the later field. Of ICMP it shows the source port's two octets as type and code whenever that is not zero;
    our records carry the identifier there, so for ICMP only addresses and counters are compared."""
    records = []
    listing = run("timeout", "30", "nfdump", "-R", folder, "-o", "json", "-q").strip()
    for record in json.loads(listing if listing.startswith("[") else f"[{listing}]"):  # quiet: without brackets
        family = "4" if "src4_addr" in record else "6"
        records.append((record[f"src{family}_addr"], record[f"dst{family}_addr"], record.get("src_port"),
                        record.get("dst_port"), record["proto"], record["in_packets"], record["in_bytes"], record.get("out_packets", 0),
                        record.get("out_bytes", 0)))
    return records


def python_ipfix(path):
    return [(*(known.either(values, names) for names in known.ADDRESS_FIELDS), values["sourceTransportPort"],
             values["destinationTransportPort"], values["protocolIdentifier"], *(values[name] for name in COUNTERS))
            for values in known.python_ipfix_values(path)]


def statistics(path):
    """(flow records sent, flow records not sent), the last that ipfixDump reads; and how often."""
    blocks = known.libfixbuf_blocks(path)
    sent = [int(block["exportedFlowRecordTotalCount"]) for block in blocks if "exportedFlowRecordTotalCount" in block]
    not_sent = [int(block["notSentFlowTotalCount"]) for block in blocks if "notSentFlowTotalCount" in block]
    return (sent[-1], not_sent[-1]), len(sent)


def as_nfdump(record):
    source, destination, source_port, destination_port, protocol, *counters = record
    if protocol in (1, 58):
        source_port = destination_port = None
    return (source, destination, source_port, destination_port, protocol, counters[2], counters[3], counters[6], counters[7])


def same(left, right, what):
    missing = collections.Counter(left) - collections.Counter(right)
    surplus = collections.Counter(right) - collections.Counter(left)
    expect(not missing and not surplus, f"{what}: {len(left)} records agree"
           + (f"; only ours {dict(missing)}; only theirs {dict(surplus)}" if missing or surplus else ""))


def traffic(pods):
    (client, _, _), (_, v4, v6) = pods.pods
    for address in (v4, v6):
        for protocol in ("tcp", "udp"):
            run("ip", "netns", "exec", client, "python3", HERE / "talk.py", "ask", protocol, address, "5201", "3000",
                "7000", "15")
        run("ip", "netns", "exec", client, "ping", "-q", "-c", "2", "-i", "0.2", address)


def main():
    testbed = Testbed("decoders")
    pods = RoutedPods(testbed)
    server, v4, v6 = pods.pods[1]
    database = OvsDatabase(testbed, pods.node, "system", vswitchd=False)
    for address in (v4, v6):
        serving = testbed.start("python3", HERE / "talk.py", "serve", address, "5201", namespace=server)
        wait_for("the server", lambda: "serving" in serving.log.read_text())  # pylint: disable=cell-var-from-loop
    datagrams, nfcapd_files, stream = (testbed.folder / name for name in ("datagrams", "nfcapd", "stream.ipfix"))
    datagrams.mkdir()
    nfcapd_files.mkdir()
    nfcapd = testbed.start("nfcapd", "-b", "127.0.0.1", "-p", "47396", "-w", nfcapd_files, "-t", "60",
                           namespace=pods.node)
    testbed.start("python3", HERE / "recorder.py", "udp", "47395", datagrams, "47396", namespace=pods.node)
    testbed.start("python3", HERE / "recorder.py", "tcp", "47397", stream, namespace=pods.node)

    capture = testbed.folder / "wire.pcap"
    dumpcap = testbed.start("timeout", "120", "dumpcap", "-i", "lo", "-B", "64", "-f", "port 47395 or port 47397", "-w",
                            capture, namespace=pods.node)
    wait_for("the listeners", lambda: known.listening(pods.node, 47395, 47396, 47397))
    wait_for("the capture", lambda: "File: " in dumpcap.log.read_text())
    exporter = Exporter(testbed, database.rundir, CONFIG % "47395:udp", namespace=pods.node)
    wait_for("the first poll", lambda: exporter.status()["conntrack"]["polls"] >= 2)
    traffic(pods)
    wait_for("62 flows", lambda: exporter.status()["store"]["created"] >= 62)
    wait_for("their records", lambda: exporter.status()["ipfix"]["records"] >= 62)

    exporter.configure(CONFIG % "47397:tcp")  # the same flows go on, to a collector over TCP
    wait_for("the TCP collector", lambda: exporter.status()["ipfix"]["collector"]["state"] == "connected"
             and exporter.status()["ipfix"]["collector"]["peer"].endswith(":47397"))
    expect(testbed.stop(exporter.process) == 0, "the exporter flushed and ended")
    testbed.stop(nfcapd)
    sent = stream.stat().st_size + sum(path.stat().st_size for path in datagrams.iterdir())
    wait_for("the capture's file", lambda: capture.stat().st_size > sent)
    testbed.stop(dumpcap)

    files = sorted(datagrams.iterdir())
    expect(all(len(f.read_bytes()) <= 1400 for f in files), f"{len(files)} datagrams of at most 1400 octets")
    together = testbed.folder / "datagrams.ipfix"
    together.write_bytes(b"".join(f.read_bytes() for f in files))
    over_udp = ours("--datagrams", *files)
    expect(len(over_udp) >= 62, "every flow has a record over UDP")
    same(over_udp, libfixbuf(together), "UDP, ipfixDump")
    same(over_udp, python_ipfix(together), "UDP, python3-ipfix")
    same([as_nfdump(record) for record in over_udp], nfdump(nfcapd_files), "UDP, nfdump")
    over_tcp = ours(stream)
    expect(len(over_tcp) >= 62, "every flow has a record over TCP")
    same(over_tcp, libfixbuf(stream), "TCP, ipfixDump")
    same(over_tcp, python_ipfix(stream), "TCP, python3-ipfix")
    for port, transport in (("47395", "udp"), ("47397", "tcp")):
        listed = run("timeout", "60", "tshark", "-r", capture, "-d", f"{transport}.port=={port},cflow", "-Y",
                     f"{transport}.dstport == {port} && cflow")
        marked = run("timeout", "60", "tshark", "-r", capture, "-d", f"{transport}.port=={port},cflow", "-Y",
                     f"{transport}.port == {port} && (_ws.malformed || cflow.unexpected_sequence_number)")
        expect(listed and not marked, f"{transport}: tshark marks nothing as malformed or out of sequence{marked}")
    for path, records, transport in ((together, over_udp, "UDP"), (stream, over_tcp, "TCP")):
        last, count = statistics(path)
        expect(last == (len(records), 0) and count >= 2, f"the last of {count} statistics over {transport} tells all records")
    # Without any definition of ours: what our enterprise elements are called stands in the stream (RFC 5610).
    for path, transport in ((together, "UDP"), (stream, "TCP")):
        named = run("timeout", "30", "ipfixDump", "--rfc5610", "--data", "-i", path)
        expect(re.search(r"\(55829/101\)\s+sourcePodName : ", named), f"ipfixDump --rfc5610 names our elements, {transport}")
    return 0


sys.exit(main())
