"""Kernel conntrack to collector: real connections in two zones, counted by an independent referee, read back from what
the collector got. Every record's totals equal the referee's, deltas sum to totals, names come from OVSDB."""

import collections
import pathlib
import sys

from harness import BIN, Exporter, OvsDatabase, Testbed, expect, recorded, run, wait_for
from routed_pods import RoutedPods

HERE = pathlib.Path(__file__).parent
CONFIG = """
featureGates: {FlowExporter: true}
flowCollectorAddr: "127.0.0.1:47391:tcp"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
"""


def key_of(record):
    family = "IPv4" if "sourceIPv4Address" in record else "IPv6"
    return (record[f"source{family}Address"], record[f"destination{family}Address"], record["protocolIdentifier"],
            record["sourceTransportPort"], record["destinationTransportPort"])


def main():
    testbed = Testbed("kernel")
    pods = RoutedPods(testbed)
    (client, client_v4, _), (server, server_v4, server_v6) = pods.pods
    database = OvsDatabase(testbed, pods.node, "system", vswitchd=False)
    database.vsctl("--no-wait", "add-port", "br-int", "pod1", "--", "set", "interface", "pod1",
                   "external_ids:pod-name=client", "external_ids:pod-namespace=tests",
                   f'external_ids:ip-address="{client_v4}"')
    for address in (server_v4, server_v6):
        serving = testbed.start("python3", HERE / "talk.py", "serve", address, "5201", namespace=server)
        wait_for("the server", lambda: "serving" in serving.log.read_text())  # pylint: disable=cell-var-from-loop
    records_file = testbed.folder / "records.jsonl"
    testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47391", namespace=pods.node, log=records_file.name)
    exporter = Exporter(testbed, database.rundir, CONFIG, namespace=pods.node)
    wait_for("the first poll", lambda: exporter.status()["conntrack"]["polls"] >= 2)

    for protocol, address, send, receive, count in (("tcp", server_v4, 40000, 3000, 3), ("udp", server_v4, 5000, 0, 4),
                                                    ("tcp", server_v6, 1000, 90000, 2), ("udp", server_v6, 100, 0, 2)):
        run("ip", "netns", "exec", client, "python3", HERE / "talk.py", "ask", protocol, address, "5201", send, receive,
            count)
    run("ip", "netns", "exec", client, "ping", "-q", "-c", "3", "-i", "0.2", server_v4)
    run("ip", "netns", "exec", client, "ping", "-q", "-c", "2", "-i", "0.2", server_v6)

    status = exporter.status()
    expect(status["conntrack"]["source"] == "kernel", "a bridge of type system is read from the kernel")
    expect(status["conntrack"]["kernel"]["problem"] == "", "accounting was switched on in the namespace")
    listing = exporter.appctl("flow/list", "proto=tcp")
    expect("tests/client" in listing, "flow/list shows the Pod that OVSDB names")
    wait_for("records of every flow", lambda: len({key_of(r) for r in recorded(records_file)}) >= 13)
    testbed.stop(exporter.process)

    flows = collections.defaultdict(list)
    for record in wait_for("the flushed records", lambda: recorded(records_file)):
        flows[key_of(record)].append(record)
    counted = pods.referee.counted()
    for key, (packets, octets) in counted.items():
        source, destination, protocol, sport, dport = key
        if dport != 5201:
            continue
        records = flows.get(key)
        expect(records, f"a record of {key}")
        last = records[-1]
        reverse = counted[destination, source, protocol, dport, sport]
        got = (last["packetTotalCount"], last["octetTotalCount"])
        expect(got == (packets, octets), f"{key}: totals {got} are the referee's {(packets, octets)}")
        got = (last["reversePacketTotalCount"], last["reverseOctetTotalCount"])
        expect(got == reverse, f"{key}: reverse totals {got} are the referee's {reverse}")
        for count in ("packet", "octet", "reversePacket", "reverseOctet"):
            total, deltas = last[f"{count}TotalCount"], sum(r[f"{count}DeltaCount"] for r in records)
            expect(total == deltas, f"{key}: {count} deltas of {len(records)} records sum to the total {total}")
        if source == client_v4:
            expect(last["sourcePodName"] == "client", f"{key}: named")
    pings = {key[2]: records[-1] for key, records in flows.items() if key[2] in (1, 58)}
    expect(pings[1]["packetTotalCount"] == 3 and pings[1]["octetTotalCount"] == 3 * 84, "ping: 3 packets of 84 octets")
    expect(pings[58]["packetTotalCount"] == 2, "ping over IPv6: 2 packets")
    expect(flows and all(r[-1]["flowEndReason"] in (3, 4) for r in flows.values()), "the last records end their flows")
    return 0


sys.exit(main())
