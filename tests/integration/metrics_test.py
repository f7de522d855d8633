"""The metrics endpoint of a running exporter: read by a Prometheus parser nobody here wrote, it says what
exporter/status says, follows the settings, and its trouble is nobody else's."""

import ctypes
import math
import re
import socket
import sys
import threading

from prometheus_client.parser import text_string_to_metric_families

from harness import BIN, Exporter, OvsDatabase, Testbed, expect, run, wait_for

ZONES = """
table inet zones {
  chain output {
    type filter hook output priority raw; policy accept;
    udp dport 5300 ct zone set 65520
  }
  chain input { type filter hook input priority filter; policy accept; ct state new accept; }
}
"""
CONFIG = """
flowCollectorAddr: "127.0.0.1:47391:tcp"
flowPollInterval: "1s"
flowExportFrequency: 4
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
  exportQueueOctets: 65536
  reconnectMaxInterval: 1s
  metricsAddress: "%s"
"""
FIRST, SECOND = "127.0.0.1:9184", "127.0.0.1:9185"
CONNECTIONS = 1500  # more records than the queue of 64 KiB holds
SEND = f"""
import socket
for port in range({CONNECTIONS}):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 20000 + port))
        udp.sendto(b"x", ("127.0.0.2", 5300))
"""


class Endpoint:
    def __init__(self, namespace):
        self.namespace = namespace

    def curl(self, address, path="/metrics", *options):
        return run("ip", "netns", "exec", self.namespace, "curl", "-sS", "--max-time", "5", *options,
                   f"http://{address}{path}", check=False)

    def families(self, address=FIRST):
        """{name: (type, help, value)}; the exposer's own metrics left out."""
        found = {}
        for family in text_string_to_metric_families(self.curl(address)):
            if family.name.startswith("exposer_"):
                continue
            expect_silently(family.name not in found, f"{family.name} comes once")
            expect_silently(len(family.samples) == 1, f"{family.name} has one sample")
            sample = family.samples[0]
            found[sample.name] = (family.type, family.documentation, sample.value)
        return found


def expect_silently(condition, what):
    if not condition:
        expect(condition, what)


def check_conventions(families):
    expect(len(families) > 50, f"{len(families)} metrics were read by prometheus_client")
    for name, (kind, documentation, value) in families.items():
        expect_silently(re.fullmatch(r"(ovs_flow_exporter|process)(_[a-z0-9]+)+", name), f"{name}: prefix and letters")
        expect_silently(kind in ("counter", "gauge"), f"{name} is a {kind}")
        expect_silently((kind == "counter") == name.endswith("_total"), f"{name}: counters and only they end in _total")
        expect_silently(documentation and math.isfinite(value) and value >= 0, f"{name}: {documentation!r} {value}")
        expect_silently(not re.search(r"octets|_ms(_|$)", name), f"{name}: units are bytes and seconds")
    expect(True, "each with help and type, named by Prometheus's conventions")


def numbers(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from numbers(value, path + (key,))
        elif isinstance(value, (bool, int, float)):
            yield ".".join(path + (key,)), value


def check_that_status_says_the_same(exporter, families):
    described = {documentation.split()[0] for _, documentation, _ in families.values()}
    left_out = {"process.pid", "process.cpuUserSeconds", "process.cpuSystemSeconds", "process.residentOctets",
                "exactAccounting.port", "ipfix.observationDomainId", "ipfix.collector.nextSequence"}
    in_status = {path for path, _ in numbers(exporter.status())}
    expect(in_status - described == left_out and not left_out & described,
           f"every number and flag of exporter/status is a metric: {sorted(in_status - described)} are not")
    process = families["process_cpu_seconds_total"][2], families["process_resident_memory_bytes"][2]
    status = exporter.status()["process"]
    expect(0 < process[0] <= status["cpuUserSeconds"] + status["cpuSystemSeconds"] and process[1] > 1 << 20,
           f"own cost by the standard names: {process[0]} s CPU, {process[1] / (1 << 20):.1f} MiB")
    expect(families["ovs_flow_exporter_conntrack_last_poll_seconds"][0] == "gauge", "the last poll's duration")


def value(endpoint, name):
    return endpoint.families()[f"ovs_flow_exporter_{name}"][2]


def check_lag(testbed, endpoint, exporter, node):
    """A collector that is away: records fill the queue, then flows are late."""
    run("ip", "netns", "exec", node, "python3", "-c", SEND)
    wait_for("all flows in the metrics", lambda: value(endpoint, "store_flows") == CONNECTIONS)
    before = endpoint.families()
    wait_for("flows that are late", lambda: value(endpoint, "ipfix_export_lag_seconds") >= 2)
    expect(exporter.status()["ipfix"]["exportLagMs"] >= 2000, "the collector away: exporter/status shows the lag, too")
    testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47391", namespace=node, log="records.jsonl")
    wait_for("the lag to go once the collector is there", lambda: value(endpoint, "ipfix_export_lag_seconds") == 0, 60)
    wait_for("the records", lambda: value(endpoint, "ipfix_collector_records_sent_total") >= CONNECTIONS)
    after = endpoint.families()
    fell = [n for n, (kind, _, v) in after.items() if kind == "counter" and n in before and v < before[n][2]]
    expect(not fell, f"no counter went back: {fell}")


def endpoint_status(exporter):
    return exporter.status()["metrics"]


def check_reload(endpoint, exporter, node):
    exporter.configure(CONFIG % SECOND)
    wait_for("the other address", lambda: endpoint.curl(SECOND).startswith("# HELP"))
    wait_for("the first to be given up", lambda: endpoint.curl(FIRST) == "")
    occupied = "127.0.0.1:9186"
    with listener(node, 9186):
        exporter.configure(CONFIG % occupied)
        wait_for("the report", lambda: endpoint_status(exporter)["problem"])
        expect(endpoint_status(exporter) == {"address": occupied, "listening": False,
                                       "problem": f"cannot listen on {occupied}: Address already in use"},
               "an address in use is reported in exporter/status")
        polls = exporter.status()["conntrack"]["polls"]
        wait_for("polls", lambda: exporter.status()["conntrack"]["polls"] > polls)
        expect(f"cannot listen on {occupied}" in exporter.log(), "and in the log, and the exporter lives on")
    wait_for("the address when it is free", lambda: endpoint_status(exporter)["listening"])
    expect(endpoint.curl(occupied).startswith("# HELP"), "taken once it is free")
    exporter.configure(CONFIG % "9186")
    wait_for("the refusal", lambda: exporter.status()["configuration"]["problems"])
    expect("metricsAddress: \"9186\" is not an address" in exporter.status()["configuration"]["problems"][0],
           "a wrong address is refused by name")
    exporter.configure(CONFIG % "")
    wait_for("the end of it", lambda: endpoint.curl(occupied) == "")
    expect(endpoint_status(exporter) == {"address": "", "listening": False, "problem": ""}, "switched off at a reload")


def listener(namespace, port):
    """A listening socket in the namespace, made by a thread of this process."""
    made = []

    def make():
        with open(f"/var/run/netns/{namespace}", "rb") as place:
            if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), 0) == 0:
                made.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def main():
    testbed = Testbed("metrics")
    node = testbed.namespace("node")
    run("ip", "netns", "exec", node, "nft", "-f", "-", input=ZONES)
    database = OvsDatabase(testbed, node, "system", vswitchd=False)
    exporter = Exporter(testbed, database.rundir, CONFIG % FIRST, namespace=node)
    endpoint = Endpoint(node)
    wait_for("the first poll", lambda: exporter.status()["conntrack"]["polls"] >= 1)
    wait_for("the endpoint", lambda: "ovs_flow_exporter_conntrack_kernel_dumps_total" in endpoint.curl(FIRST))
    families = endpoint.families()
    check_conventions(families)
    check_that_status_says_the_same(exporter, families)
    expect("text/plain" in endpoint.curl(FIRST, "/metrics", "-I", "-X", "GET"), "served as text")
    expect("404" in endpoint.curl(FIRST, "/", "-I", "-X", "GET"), "and nothing else is")
    check_lag(testbed, endpoint, exporter, node)
    check_reload(endpoint, exporter, node)
    expect(testbed.stop(exporter.process) == 0, "SIGTERM ends with 0")
    return 0


sys.exit(main())
