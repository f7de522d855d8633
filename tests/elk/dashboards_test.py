"""Every panel's query over the demo's real records comes to what the records add up to, worked out from what ipfix-dump
read and not from the documents; every diagram is drawn, and its widths and heights are those sums.
  dashboards_test.py RECORDS.jsonl     over records kept before (deploy/demo/run --records)"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import diagrams
from elk_files import ROOT, documents, flat
from record_sums import AMOUNTS, BYTES, PACKETS, adds, address, flows, from_pod, is_allowed, is_denied, kind, named
from record_sums import protocol, service, to_pod
from saved_objects import fields, load, nested, rows

DEMO_S = 30


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


SOURCE, DESTINATION = (lambda r: named(r, "source")), (lambda r: named(r, "destination"))


def any_record(_):
    return True


def second(record):
    return record["flowEndSeconds"][:19]


# panel: (which records, what they are grouped by, what is counted of a group)
EXPECTED = {
    "record-count": (any_record, (), (len,)), "records-count": (any_record, (), (len,)), "flow-count": (any_record, (), (flows,)),
    "traffic": (is_allowed, (), (BYTES, adds("reverseOctetDeltaCount"))),
    "records-over-time": (any_record, (second,), (len,)), "records-rate": (any_record, (second,), (len,)),
    "flows-over-time": (any_record, (second,), (flows,)), "kinds": (any_record, (kind,), (flows,)),
    "protocols": (is_allowed, (protocol,), (BYTES,)), "services": (service, (service,), (flows,)),
    "source-pods": (from_pod, (SOURCE,), AMOUNTS),
    "destination-pods": (to_pod, (DESTINATION,), AMOUNTS),
    "source-addresses": (from_pod, (lambda r: address(r, "source"), SOURCE), AMOUNTS),
    "destination-addresses": (to_pod, (lambda r: address(r, "destination"), DESTINATION),
                              AMOUNTS),
    "denied-count": (is_denied, (), (flows,)), "denied-over-time": (is_denied, (second,), (PACKETS,)),
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
    unseen = set().union(*map(fields, objects.values())) - set().union(*made)
    assert not unseen, f"no document has {unseen}"
    drawn = diagrams.check(objects, records, made)
    print(f"{len(records)} records of the demo, {len(panels)} panels, {drawn} diagrams")
    return 0


sys.exit(main())
