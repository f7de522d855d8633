"""Traffic that Open vSwitch's rules drop, on the userspace datapath: every probe appears under its Pod's name, with the rule
that dropped it and why, within two polls. Only a policy's drops are exported, as denied.

With exact accounting each 5-tuple is a drop of its own, counted to the packet, the first included."""

import json
import pathlib
import re
import sys

from denied_pods import POLICY_COOKIE, POLICY_TABLE, REGISTER_COOKIE, DeniedPods
from harness import BIN, Exporter, Testbed, expect, recorded, run, wait_for

PROBE = pathlib.Path(__file__).parent / "probe.py"
COLLECTOR_PORT = 4739
CONFIG = """
flowCollectorAddr: "127.0.0.1:%d:udp"
flowExporter: {activeFlowExportTimeout: 2s, idleFlowExportTimeout: 6s}
flowPollInterval: "1s"
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, exactAccounting: %s, deniedFlows: %s}
"""
IP_HEADER, UDP_HEADER = 20, 8


def probe(pods, index, *arguments):
    run("ip", "netns", "exec", pods.pods[index][0], "python3", PROBE, *arguments)


def denied(exporter, **wanted):
    listed = json.loads(exporter.appctl("flow/list", "denied", "--json"))["denied"]
    return [d for d in listed if all(d.get(key) == value for key, value in wanted.items())]


def polls(exporter):
    return exporter.status()["conntrack"]["polls"]


def appears(exporter, since, what, **wanted):
    """One drop with these values, in the second completed poll after the probe at the latest."""
    found = wait_for(f"{what}: {wanted}",
                     lambda: (d := denied(exporter, **wanted)) or (polls(exporter) > since + 3 and exporter.appctl(
                         "flow/list", "denied") and sys.exit(f"FAILED: {what} after {polls(exporter) - since} polls:\n"
                                                             + exporter.appctl("flow/list", "denied"))))
    expect(len(found) == 1, f"{what} is listed once: {found[0]['kind']}, {found[0]['rule']}")
    return found[0]


def counts(exporter, sent, **wanted):
    """Of a megaflow: short of the packets handled by upcall until it was installed, the first at least."""
    drop = wait_for(f"some of {sent} packets of {wanted}", lambda: (d := denied(exporter, **wanted)) and d[0]["packets"] and d[0])
    expect(0 < drop["packets"] < sent and drop["counts"] == "at least", f"{drop['packets']} of {sent} packets are counted")
    return drop


def shared_megaflows(exporter, pods):
    """Ordinary rules: what the rules did not look at is pinned by no megaflow."""
    since = polls(exporter)
    probe(pods, 0, "udp", pods.pods[1][1], 9999, 1)
    probe(pods, 0, "syn", pods.pods[2][2], 9999, 1)
    probe(pods, 1, "udp", pods.pods[2][1], 7777, 5)
    probe(pods, 2, "udp", "192.0.2.9", 53, 2)
    run("ip", "-n", pods.pods[1][0], "addr", "add", "10.79.0.77/32", "dev", "eth0")
    probe(pods, 1, "udp-from", "10.79.0.77", pods.pods[0][1], 4444, 3)
    probe(pods, 2, "syn-ack", pods.pods[0][1], 80, 2)
    run("ip", "netns", "exec", pods.pods[0][0], "ping", "-c", "3", "-i", "0.2", "-W", "1", pods.pods[2][1], check=False)

    named = {"sourcePod": "tests/pod1", "kind": "policy"}
    single = appears(exporter, since, "a single UDP probe", protocol="udp", destinationPort="9999", **named)
    expect(single["rule"]["table"] == POLICY_TABLE and single["rule"]["cookie"] == hex(POLICY_COOKIE) and
           "tp_dst=9999" in single["rule"]["match"], "the policy's rule is named")
    expect(single["packets"] == 0 and single["counts"] == "at least" and single["source"] == "any" and
           single["destination"] == "any", "what no rule looked at is wildcarded, and the upcall's packet is not counted")
    tcp6 = appears(exporter, since, "a SYN over IPv6", protocol="tcp", destinationPort="9999", ethType="0x86dd", **named)
    expect(tcp6["inPort"] == "p1", "with the port it came in by")
    ping = appears(exporter, since, "a ping to a Pod", protocol="icmp", **named)
    expect(ping["destination"] == pods.pods[2][1] and ping["destinationPod"] == "tests/pod3",
           "its destination is pinned and named")
    counts(exporter, 3, protocol="icmp", **named)
    register = appears(exporter, since, "a drop by a register", sourcePod="tests/pod2", kind="policy", destinationPort="7777")
    expect(register["rule"]["cookie"] == hex(REGISTER_COOKIE), "by the rule that matches the register")
    register = counts(exporter, 5, sourcePod="tests/pod2", kind="policy", destinationPort="7777")
    expect(register["octets"] == register["packets"] * (IP_HEADER + UDP_HEADER + 20), "in octets of IP packets")
    appears(exporter, since, "a false source address", sourcePod="tests/pod2", kind="anti-spoofing", ethType="0x0800")
    invalid = appears(exporter, since, "an answer to nothing", sourcePod="tests/pod3", kind="invalid-state")
    expect("+inv" in invalid["rule"]["match"], "by the rule for invalid states")
    appears(exporter, since, "an address nobody routes", sourcePod="tests/pod3", kind="table-miss", protocol="udp",
            ethType="0x0800")
    for drop in denied(exporter):
        expect(drop["kind"] != "policy" or drop["rule"]["cookie"] in (hex(POLICY_COOKIE), hex(REGISTER_COOKIE)),
               f"{drop['kind']} {drop['sourcePod']} {drop.get('protocol', drop['ethType'])}: only the policies' rules are policy")
    text = exporter.appctl("flow/list", "denied", "pod=pod2")
    expect("tests/pod2" in text and "tests/pod1 " not in text and "anti-spoofing" in text, "flow/list denied takes filters")


def records(collector):
    return [r for r in recorded(collector.log) if "firewallEvent" in r]


def exported(collector):
    """Of the policies' drops only, and each once more when it has ended."""
    def ended():
        return [r for r in records(collector) if r["flowEndReason"] == 1 and r["sourcePodName"] == "pod1"
                and r["destinationTransportPort"] == 9999 and r.get("sourceIPv4PrefixLength") == 0]

    last = wait_for("the last record of a drop that ended", ended, seconds=40)[0]
    expect(last["firewallEvent"] == 3 and last["destinationIPv4PrefixLength"] == 0 and last["protocolIdentifier"] == 17 and
           last["sourcePodNamespace"] == "tests" and last["sourceNodeName"] == "node-a", f"a record of denied traffic: {last}")
    of_register = [r for r in records(collector) if r["destinationTransportPort"] == 7777]
    expect(of_register and sum(r["packetDeltaCount"] for r in of_register) == of_register[-1]["packetTotalCount"] > 0,
           "deltas sum to the total")
    of_ping = [r for r in records(collector) if r.get("destinationPodName") == "pod3" and r["protocolIdentifier"] == 1]
    expect(of_ping and of_ping[0]["destinationIPv4PrefixLength"] == 32, "a pinned address has its whole length")
    of_ipv6 = [r for r in records(collector) if "sourceIPv6PrefixLength" in r]
    expect(of_ipv6 and all(r["protocolIdentifier"] == 6 for r in of_ipv6), "IPv6 by a template of its own")
    expect(all(r["firewallEvent"] == 3 and r["forwardingStatus"] == 130 for r in records(collector)),
           "nothing but a policy's drops is exported")


def exact(exporter, pods, collector):
    exporter.configure(CONFIG % (COLLECTOR_PORT, "true", "all"))
    wait_for("exact accounting", lambda: exporter.status()["exactAccounting"]["state"] == "active")
    before = len(records(collector))
    since = polls(exporter)
    sent = {}
    for index, count in ((0, 1), (0, 5), (1, 1)):
        source_port = 40000 + 10 * index + count
        probe(pods, index, "udp-port", source_port, pods.pods[2][1], 9999, count)
        sent[str(source_port)] = (index, count)
    probe(pods, 1, "udp-from", "10.79.0.77", pods.pods[0][1], 4444, 3)
    for port, (index, count) in sent.items():
        appears(exporter, since, f"{count} datagram(s) of pod{index + 1} from port {port}", kind="policy", protocol="udp",
                sourcePod=f"tests/pod{index + 1}", sourcePort=port, destinationPort="9999", destination=pods.pods[2][1],
                destinationPod="tests/pod3")

    def counted():
        return all((d := denied(exporter, sourcePort=port)) and d[0]["counts"] == "exact" and
                   (d[0]["packets"], d[0]["octets"]) == (count, count * (IP_HEADER + UDP_HEADER + 20))
                   for port, (_, count) in sent.items())

    wait_for("exact counts of three 5-tuples, single packets included", counted)
    expect(True, "with exact accounting every packet is counted, the single ones too")
    spoofed = wait_for("the false source", lambda: denied(exporter, kind="anti-spoofing", destinationPort="4444"))
    expect(len(spoofed) == 1 and spoofed[0]["source"] == "10.79.0.77", "a drop by anti-spoofing is not called denied")
    expect(not exporter.flows("dport=9999") and not exporter.flows("dport=4444"),
           "what was dropped is counted in no connection")

    def exported_exactly():
        fresh = records(collector)[before:]
        return all(sum(r["packetDeltaCount"] for r in fresh if r["sourceTransportPort"] == int(port)) == count
                   for port, (_, count) in sent.items()) and any(r["forwardingStatus"] == 140 for r in fresh)

    wait_for("records with the exact counts", exported_exactly, seconds=30)
    fresh = records(collector)[before:]
    expect(all((r["firewallEvent"] == 3) == (r["forwardingStatus"] == 130) for r in fresh),
           "deniedFlows: all exports the others too, not as denied")


def main():
    testbed = Testbed("denied")
    pods = DeniedPods(testbed)
    collector = testbed.start(BIN / "ipfix-dump", "--listen", f"udp:127.0.0.1:{COLLECTOR_PORT}", namespace=pods.node,
                              log="records.jsonl")
    exporter = Exporter(testbed, pods.database.rundir, CONFIG % (COLLECTOR_PORT, "false", "policy"), namespace=pods.node)
    wait_for("the first poll", lambda: polls(exporter) >= 2)
    shared_megaflows(exporter, pods)
    exported(collector)
    exact(exporter, pods, collector)
    status = exporter.status()["denied"]
    expect(status["tracesFailed"] == 0 and status["tracesUnreadable"] == 0 and status["traces"] > 0,
           f"{status['traces']} traces, none failed")
    expect(testbed.stop(exporter.process) == 0, "the exporter ends")
    expect(not re.search(r"ERR|assert", exporter.log()), "without an error in its log")
    return 0


sys.exit(main())
