"""Every panel's query over the demo's real records comes to what the records add up to, worked out from what ipfix-dump
read and not from the documents.
  dashboards_test.py RECORDS.jsonl     over records kept before (deploy/demo/run --records)"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from elk_files import ROOT, documents, flat
from saved_objects import load, nested, rows

DEMO_S = 30
PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}


def demo_records():
    if len(sys.argv) > 1:
        return [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    binaries = os.environ.get("OFE_BIN", ROOT / "build/dev/bin")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "records.jsonl"
        subprocess.run([ROOT / "deploy/demo/run", "--bin", binaries, "--for", str(DEMO_S), "--records", file], check=True,
                       stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in file.read_text().splitlines()]


def as_events(records):
    """As the codec hands them over: the same names; whole seconds have milliseconds."""
    for record in records:
        fields = {name: value.replace("Z", ".000Z") if name in ("flowStartSeconds", "flowEndSeconds") else value
                  for name, value in record.items() if not name.startswith("_")}
        yield {"@timestamp": record.get("_exportTime", ""), "host": str(record["_exporter"]).rsplit(":", 1)[0], "ipfix": fields}


# --- the same worked out from the records: who, and what is counted ---

def address(record, side):
    return record.get(f"{side}IPv4Address") or record.get(f"{side}IPv6Address")


def named(record, side):
    pod, node = record.get(f"{side}PodName"), record.get(f"{side}NodeName")
    return f"{record[f'{side}PodNamespace']}/{pod}" if pod else node or address(record, side)


def flow(record):
    return (address(record, "source"), address(record, "destination"), record["sourceTransportPort"],
            record["destinationTransportPort"], record["protocolIdentifier"], record["flowStartSeconds"])


def is_denied(record):
    return record.get("firewallEvent") == 3


def is_allowed(record):
    return not is_denied(record)


def protocol(record):
    return PROTOCOLS.get(record["protocolIdentifier"], str(record["protocolIdentifier"]))


def service(record):
    return record.get("destinationServicePortName") or None


def from_pod(record):
    return record.get("sourcePodName") and is_allowed(record)


def to_pod(record):
    return record.get("destinationPodName") and is_allowed(record)


def kind(record):
    def what(side):
        return "Pod" if record.get(f"{side}PodName") else "Node" if record.get(f"{side}NodeName") else "other"
    return f"{what('source')}-to-{'Service' if service(record) else what('destination')}"


def adds(name):
    return lambda group: sum(record.get(name, 0) for record in group)


def flows(group):
    return len({flow(record) for record in group})


BYTES, PACKETS = adds("octetDeltaCount"), adds("packetDeltaCount")
AMOUNTS = (BYTES, PACKETS, adds("reverseOctetDeltaCount"), adds("reversePacketDeltaCount"))
TIME = lambda record: record["flowEndSeconds"][:19]  # noqa: E731
SOURCE, DESTINATION = (lambda r: named(r, "source")), (lambda r: named(r, "destination"))
ALL = lambda record: True  # noqa: E731
# panel: (which records, what they are grouped by, what is counted of a group)
EXPECTED = {
    "record-count": (ALL, (), (len,)), "records-count": (ALL, (), (len,)), "flow-count": (ALL, (), (flows,)),
    "traffic": (is_allowed, (), (BYTES, adds("reverseOctetDeltaCount"))),
    "records-over-time": (ALL, (TIME,), (len,)), "records-rate": (ALL, (TIME,), (len,)),
    "flows-over-time": (ALL, (TIME,), (flows,)), "kinds": (ALL, (kind,), (flows,)),
    "protocols": (is_allowed, (protocol,), (BYTES,)), "services": (service, (service,), (flows,)),
    "source-pods": (from_pod, (SOURCE,), AMOUNTS),
    "destination-pods": (to_pod, (DESTINATION,), AMOUNTS),
    "source-addresses": (from_pod, (lambda r: address(r, "source"), SOURCE), AMOUNTS),
    "destination-addresses": (to_pod, (lambda r: address(r, "destination"), DESTINATION),
                              AMOUNTS),
    "denied-count": (is_denied, (), (flows,)), "denied-over-time": (is_denied, (TIME,), (PACKETS,)),
    "denied-pairs": (is_denied, (SOURCE, DESTINATION, lambda r: r["destinationTransportPort"], protocol),
                     (PACKETS, BYTES, lambda group: max(r["flowEndSeconds"] for r in group).replace("Z", ".000Z"))),
    "denied-sources": (is_denied, (SOURCE,), (PACKETS,)),
    "denied-nodes": (lambda r: is_denied(r) and r.get("sourceNodeName"), (lambda r: r["sourceNodeName"],), (PACKETS,)),
}


def worked_out(records, panel):
    chosen, keys, counts = EXPECTED[panel]
    groups = collections.defaultdict(list)
    for record in filter(chosen, records):
        groups[tuple(key(record) for key in keys)].append(record)
    if not keys and not groups:
        groups[()] = []
    return {key: tuple(count(group) for count in counts) for key, group in groups.items()}


def main():
    records = demo_records()
    made = [flat(document) for _, document in documents(list(as_events(records)))]
    records = [record for record in records if "protocolIdentifier" in record]
    assert len(made) == len(records) > 100, (len(made), len(records))
    assert any(map(is_denied, records)), "the demo denies something"
    objects = load()
    panels = [identity for (kind_of, identity), made_of in objects.items()
              if kind_of == "visualization" and nested(made_of)["visState"]["aggs"]]
    assert {panel.removeprefix("flows-") for panel in panels} == {*EXPECTED}, "a panel without an independent sum"
    for panel in panels:
        got, want = rows(objects["visualization", panel], made), worked_out(records, panel.removeprefix("flows-"))
        limit = min([part["params"]["size"] for part in nested(objects["visualization", panel])["visState"]["aggs"]
                     if part["type"] == "terms"], default=None)
        if limit is not None and len(want) > limit:
            assert got.items() <= want.items() and len(got) >= limit, (panel, len(want))
        else:
            assert got == want, (panel, {key: (got.get(key), want.get(key)) for key in {*got, *want}
                                         if got.get(key) != want.get(key)})
        print(f"ok: {panel}: {len(got)} rows as the records add up", flush=True)
    print(f"{len(records)} records of the demo, {len(panels)} panels")
    return 0


sys.exit(main())
