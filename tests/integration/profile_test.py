"""Records in the vocabulary of later Antrea (profile 56506) with further elements of IANA's, as libfixbuf's ipfixDump
reads them without any definition of ours, on real translated connections; and the profile changed meanwhile."""

import ipaddress
import json
import pathlib
import re
import sys

from conntrack_lab import Lab
from harness import BIN, expect, run, wait_for
from web_service import ADDRESS, ADDRESS_V6, NAT, OBJECTS

HERE = pathlib.Path(__file__).parent
# The endpoint sees the Node and not the client.
SNAT = """
table inet profile {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip daddr 10.77.2.2 tcp dport 5201 snat ip to 10.77.2.1:30000-30999
  }
}
"""
EXTRA = ("flowStartMilliseconds", "ipVersion", "biflowDirection", "flowId", "postNATSourceIPv4Address",
         "postNAPTDestinationTransportPort", "firewallEvent")
NEWER = f"  profile: 56506\n  extraElements: [{', '.join(EXTRA)}]\n"
SHARED = {"sourcePodName": "client", "sourcePodNamespace": "shop", "sourceNodeName": "node-a",
          "destinationPodName": "server", "destinationPodNamespace": "store", "destinationNodeName": "node-a",
          "destinationServicePortName": "store/web:http"}


def sessions(path):
    """The messages of each session that recorder.py put one behind the other: sequence numbers begin anew."""
    octets, parts, at, last = path.read_bytes(), [b""], 0, 0
    while at < len(octets):
        length, sequence = (int.from_bytes(octets[at + place:at + place + size], "big")
                            for place, size in ((2, 2), (8, 4)))
        if sequence < last:
            parts.append(b"")
        parts[-1] += octets[at:at + length]
        at, last = at + length, sequence
    return parts


def decoded(testbed, octets):
    """ipfixDump's listing as [{name: value}] of the records of flows; one "(number) name : value" a line."""
    path = testbed.folder / "session.ipfix"
    path.write_bytes(octets)
    text = run("timeout", "30", "ipfixDump", "--rfc5610", "--data", "-i", path)
    blocks = [dict(re.findall(r"^\s+\([\d/]+\)\s*(\w+) *:[ \t]*(?:\(len: \d+\) ?)?(.*?)[ \t]*$", block, re.MULTILINE))
              for block in text.split("--- data record")[1:]]
    for block in blocks:  # its own way of writing IPv6 addresses
        block.update({name: str(ipaddress.ip_address(value)) for name, value in block.items() if "IPv6" in name})
    return text, [block for block in blocks if "protocolIdentifier" in block]


def expect_values(record, wanted, what):
    wrong = {name: (record.get(name), value) for name, value in wanted.items() if record.get(name) != value}
    expect(not wrong, f"{what}: {len(wanted)} values as injected" + (f"; (read, injected): {wrong}" if wrong else ""))


def connect(lab):
    for address in (ADDRESS, ADDRESS_V6):
        run("ip", "netns", "exec", lab.pods.pods[0][0], "python3", HERE / "talk.py", "ask", "tcp", address, "80",
            "3000", "7000", "1")


def check_newer(lab, octets, truth):
    text, records = decoded(lab.testbed, octets)
    expect(re.search(r"\(56506/137\)\s+flowType", text) and "55829/" not in text, "ipfixDump names 56506's elements")
    ipv4 = [r for r in records if "sourceIPv4Address" in r and r["destinationTransportPort"] == "5201"]
    ipv6 = [r for r in records if "sourceIPv6Address" in r and r["destinationTransportPort"] == "5201"]
    expect(len(ipv4) >= 2 and len(ipv6) >= 2, f"{len(ipv4)} and {len(ipv6)} records of the two connections")
    unknown = {"Name": "", "Namespace": "", "Type": "0", "RuleName": "", "RuleAction": "0"}
    policies = {f"{way}NetworkPolicy{field}": value for way in ("ingress", "egress")
                for field, value in unknown.items()}
    common = {**SHARED, **policies, "destinationServicePort": "80", "tcpState": "TIME_WAIT", "flowType": "1",
              "biflowDirection": "1", "postNAPTDestinationTransportPort": "5201"}
    expect_values(ipv4[-1], {**common, "destinationClusterIPv4": ADDRESS, "destinationServiceIPv4": ADDRESS,
                             "proxySnatIPv4": "10.77.2.1", "proxySnatPort": str(truth.reply["dport"]), "ipVersion": "4",
                             "postNATSourceIPv4Address": "10.77.2.1"}, "IPv4")
    expect_values(ipv6[-1], {**common, "destinationClusterIPv6": ADDRESS_V6, "destinationServiceIPv6": ADDRESS_V6,
                             "proxySnatIPv6": "::", "proxySnatPort": "0", "ipVersion": "6",
                             "postNATSourceIPv4Address": "0.0.0.0"}, "IPv6")
    for records_of_one in (ipv4, ipv6):
        expect(len({(r["flowId"], r["biflowDirection"], r["flowStartMilliseconds"]) for r in records_of_one}) == 1,
               "flow id, direction and start are the same in every record of a connection")
        expect([r["firewallEvent"] for r in records_of_one] == ["1"] + ["5"] * (len(records_of_one) - 1),
               "created in its first record, updated in the others")
    expect(ipv4[0]["flowId"] != ipv6[0]["flowId"], "two connections have two ids")


def wrong_names_are_refused(lab):
    path = lab.testbed.folder / "wrong.conf"
    names = ("ipVersion", "ipVersoin", "vlanId", "octetDeltaCount")
    path.write_text("ovsFlowExporter:\n  extraElements:\n" + "".join(f"  - {name}\n" for name in names))
    out = run("sh", "-c", f"! {BIN}/ovs-flow-exporter --config {path} --check-config 2>&1")
    out = [line for line in out.splitlines() if line.startswith("error: ")]
    expect(len(out) == 3 and ":4: " in out[0] and 'the nearest one that can be had is "ipVersion"; allowed: ' in out[0],
           "a misspelt element is named with its line, the nearest one and those there are")
    expect(":5: " in out[1] and "cannot be filled" in out[1], "one of IANA's that no connection has, for that reason")
    expect(":6: " in out[2] and "is in the records as it is" in out[2], "one that is there anyway, for that")


def main():
    lab = Lab("profile")
    lab.nft(NAT + SNAT)
    lab.start_bridge(OBJECTS)
    stream = lab.testbed.folder / "stream.ipfix"
    lab.testbed.start("python3", HERE / "recorder.py", "tcp", "4739", stream, namespace=lab.node)
    server, v4, v6 = lab.pods.pods[1]
    for address in (v4, v6):
        serving = lab.testbed.start("python3", HERE / "talk.py", "serve", address, "5201", namespace=server)
        wait_for("the server", lambda: "serving" in serving.log.read_text())  # pylint: disable=cell-var-from-loop
    lab.export(collect=False, own=NEWER)
    wait_for("the session", lambda: lab.status()["ipfix"]["collector"]["state"] == "connected")
    wait_for("the names", lambda: lab.status()["metadata"]["pods"] >= 2)
    connect(lab)
    wait_for("two records of both", lambda: [f["exports"] >= 2 and f.get("tcpState") == "TIME_WAIT" for f in
                                             lab.exporter.flows("dport=5201")] == [True, True], seconds=60)
    truth = next(entry for entry in lab.entries("-f", "ipv4").values() if entry.original["dst"] == ADDRESS)

    shown = {t["id"]: t for t in json.loads(lab.exporter.appctl("ipfix/show", "--json"))["templates"]}
    expect("flowId" in json.dumps(shown[256]) and "flowId" not in json.dumps(shown[258]),
           "ipfix/show has the elements in the templates of connections")
    expect("profile: 56506" in lab.exporter.appctl("config/show"), "config/show has the profile")
    lab.exporter.configure(lab.config())  # back to the default, nothing else
    wait_for("the reload", lambda: lab.status()["configuration"]["reloads"])
    before = lab.status()["ipfix"]["records"]
    wait_for("records after it", lambda: lab.status()["ipfix"]["records"] >= before + 2
             and lab.status()["ipfix"]["collector"]["state"] == "connected", seconds=30)
    expect(lab.testbed.stop(lab.exporter.process) == 0, "the exporter flushed and ended")

    parts = sessions(stream)
    expect(len(parts) == 2, "the change of the profile began a new session")
    check_newer(lab, parts[0], truth)
    text, records = decoded(lab.testbed, parts[1])
    expect("56506/" not in text and not any("flowId" in r for r in records), "no element of the former profile in it")
    last = [r for r in records if r.get("sourceIPv4Address") and r["destinationTransportPort"] == "5201"][-1]
    expect_values(last, {**SHARED, "destinationClusterIP": ADDRESS}, "55829")
    wrong_names_are_refused(lab)
    return 0


sys.exit(main())
