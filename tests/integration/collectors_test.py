"""Several collectors at once: one over TCP, one over UDP, one that refuses and one that stalls. The good ones get every
record and at their time; what the others lose is counted, and the stalled one's sequence numbers say the same."""

import pathlib
import re
import sys

from harness import BIN, Exporter, OvsDatabase, Testbed, expect, recorded, run, wait_for

HERE = pathlib.Path(__file__).parent
GOOD, UDP, REFUSING, STALLING = 47401, 47402, 47403, 47404
CONFIG = f"""
flowCollectorAddr: "127.0.0.1:{GOOD}:tcp"
flowPollInterval: "1s"
flowExportFrequency: 1
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
  exportQueueOctets: 65536
  reconnectMaxInterval: 1s
  collectors: ["127.0.0.1:{UDP}:udp", "127.0.0.1:{REFUSING}:tcp", "127.0.0.1:{STALLING}:tcp"]
"""
ZONES = """
table inet zones {
  chain output { type filter hook output priority raw; policy accept; udp dport 5300 ct zone set 65520; }
  chain input { type filter hook input priority filter; policy accept; ct state new accept; }
}
"""
CONNECTIONS = 400
SEND = f"""
import socket
for port in range({CONNECTIONS}):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 20000 + port))
        udp.sendto(b"x", ("127.0.0.2", 5300))
"""


def messages(stream):
    """(sequence number, octets) of each whole message (RFC 7011 section 3.1)."""
    found, at = [], 0
    while at + 16 <= len(stream):
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if at + length > len(stream):
            break
        found.append((int.from_bytes(stream[at + 8 : at + 12], "big"), stream[at : at + length]))
        at += length
    return found


def lost_by_sequence(stream, folder):
    """By libfixbuf's count of Data Records, before the last message, and that message's sequence number."""
    whole = messages(stream)
    before = folder / "before_last.ipfix"
    before.write_bytes(b"".join(octets for _, octets in whole[:-1]))
    listing = run("timeout", "60", "ipfixDump", "--data", "-i", before)
    return whole[-1][0] - len(re.findall(r"^--- data record", listing, re.MULTILINE))


def main():
    testbed = Testbed("collectors")
    node = testbed.namespace("node")
    for setting in ("net.ipv4.tcp_wmem=4096 16384 65536", "net.netfilter.nf_conntrack_udp_timeout=600",
                    "net.netfilter.nf_conntrack_acct=1"):
        run("ip", "netns", "exec", node, "sysctl", "-qw", setting)
    run("ip", "netns", "exec", node, "nft", "-f", "-", input=ZONES)
    database = OvsDatabase(testbed, node, "system", vswitchd=False)
    for protocol, port in (("tcp", GOOD), ("udp", UDP)):
        testbed.start(BIN / "ipfix-dump", "--listen", f"{protocol}:127.0.0.1:{port}", namespace=node,
                      log=f"records-{port}.jsonl")
    go, output = testbed.folder / "go", testbed.folder / "stalled.ipfix"
    stalling = testbed.start("python3", HERE / "stalling_collector.py", "127.0.0.1", STALLING, go, output, namespace=node,
                             log="stalling.log")
    wait_for("the stalling collector", lambda: "listening" in stalling.log.read_text())
    exporter = Exporter(testbed, database.rundir, CONFIG, namespace=node)
    run("ip", "netns", "exec", node, "python3", "-c", SEND)

    def collector(port):
        return next(one for one in exporter.status()["ipfix"]["collectors"] if f":{port}:" in one["configured"])

    def flows(port):
        return [r for r in recorded(testbed.folder / f"records-{port}.jsonl") if r["destinationTransportPort"] == 5300]

    wait_for("losses of both bad collectors",
             lambda: all(collector(port)["recordsLost"] > 2000 for port in (REFUSING, STALLING)), 60)
    good, udp = collector(GOOD), collector(UDP)
    expect(good["recordsLost"] == udp["recordsLost"] == 0 and good["recordsRefusedQueueFull"] == 0,
           "the good collectors lose nothing and nothing is held back")
    expect(exporter.status()["ipfix"]["exportLagMs"] < 1000, "and their records are not late")
    expect("refused" in collector(REFUSING)["lastError"].lower(), f"{collector(REFUSING)['lastError']}")
    text = exporter.appctl("ipfix/show")
    expect(all(f":{port}:" in text for port in (GOOD, UDP, REFUSING, STALLING)), "ipfix/show shows all four")

    go.touch()
    wait_for("the stalled session to go on", lambda: output.exists() and output.stat().st_size > 200_000)
    lost = collector(STALLING)["recordsLost"]
    exporter.appctl("exporter/flush")
    wait_for("its queue to empty", lambda: collector(STALLING)["queuedOctets"] == 0)
    expect(collector(STALLING)["connects"] == 1, "all in one session")
    exporter.process.terminate()
    exporter.process.wait()
    wait_for("the rest of the stream", lambda: stalling.poll() is not None)
    told = lost_by_sequence(output.read_bytes(), testbed.folder)
    expect(told == lost, f"the stalled collector computes a loss of {told} records; the exporter counted {lost}")
    tcp, datagrams = flows(GOOD), flows(UDP)
    expect(len(tcp) == len(datagrams) and len({r["sourceTransportPort"] for r in tcp}) == CONNECTIONS,
           f"TCP and UDP collector have the same {len(tcp)} records")


if __name__ == "__main__":
    main()
    sys.exit(0)
