"""The dashboards' diagrams, drawn with npm's vega from what their own questions come to, beside what the records add up
to. The pictures are left in build/elk."""

import collections
import datetime
import json
import sys

import aggregations
from drawing import draw
from elk_files import ROOT
from record_sums import BYTES, adds, is_allowed, kind, named, service
from saved_objects import nested

ROOM, GAP = 20, 6  # a sankey leaves this for its note, and this between names
PICTURES = ROOT / "build/elk"
RECEIVED = adds("reverseOctetDeltaCount")


def node(record, side):
    return record.get(f"{side}NodeName") or None


# dashboard: (which records, the sankey's ends, whose throughput in the order of its rows)
EXPECTED = {
    "pods": (lambda r: kind(r) == "Pod-to-Pod", (lambda r: named(r, "source"), lambda r: named(r, "destination")),
             (lambda r: named(r, "source"), lambda r: named(r, "destination"))),
    "services": (lambda r: kind(r) == "Pod-to-Service", (lambda r: named(r, "source"), service),
                 (lambda r: named(r, "source"), service)),
    "nodes": (lambda r: True, (lambda r: node(r, "source"), lambda r: node(r, "destination")),
              (lambda r: node(r, "source"), lambda r: node(r, "destination"))),
}


def grouped(records, *keys):
    groups = collections.defaultdict(list)
    for record in records:
        key = tuple(of(record) for of in keys)
        if all(part is not None for part in key):
            groups[key].append(record)
    return groups


def bucket(record):
    seconds = int(datetime.datetime.fromisoformat(record["flowEndSeconds"].replace("Z", "+00:00")).timestamp())
    return seconds // aggregations.INTERVAL_S * aggregations.INTERVAL_S * 1000


def sankey_is_right(panel, drawn, want):
    """want: {(source, destination): octets}, as few as the diagram has room for."""
    got = {(ribbon["source"], ribbon["destination"]): ribbon["amount"] for ribbon in drawn["ribbons"]}
    assert got == want and drawn["note"] == ("" if want else "Nothing in this time"), (panel, got, want, drawn["note"])
    rows = max((len({pair[end] for pair in want}) for end in (0, 1)), default=1) - 1
    unit = (drawn["height"] - ROOM - GAP * rows) / max(1, sum(want.values()))
    off = [ribbon for ribbon in drawn["ribbons"] if abs(ribbon["width"] - unit * ribbon["amount"]) > 1e-6]
    assert not off, (panel, off)
    return f"{len(got)} ribbons, {sum(ribbon['width'] for ribbon in drawn['ribbons']):.1f} pixels for {sum(want.values())} octets"


def layers_are_right(panel, drawn, want):
    """want: {(name, time): octets}; where there was nothing a layer is there with nothing."""
    got = {(layer["name"], layer["time"]): layer["bits"] for layer in drawn["layers"]}
    per_second = {key: 8 * octets / aggregations.INTERVAL_S for key, octets in want.items()}
    assert got.keys() >= per_second.keys(), panel
    wrong = {key: (bits, per_second.get(key, 0)) for key, bits in got.items() if abs(bits - per_second.get(key, 0)) > 1e-6}
    assert not wrong, (panel, wrong)
    return f"{len({name for name, _ in got})} layers, {len(got)} points"


def cut_short(objects, documents):
    """With more names than they have room for, diagrams say that they show some only."""
    many = [{**documents[0], "flow.kind": "Pod-to-Pod", "flow.denied": False, "flow.source.name": f"many/{number}",
             "flow.destination.name": "one/server", "flow.bytes": 100} for number in range(40)]
    jobs = [job(objects, identity, many, "cut-short-") for identity in ("flows-pods-tx", "flows-pods-tx-0")]
    sankey, layers = draw(jobs)
    assert len(sankey["ribbons"]) == 20 and "50.0% of 4kB is shown" in sankey["note"], sankey["note"]
    assert len({layer["name"] for layer in layers["layers"]}) == 10 and layers["note"] == "The 10 largest", layers["note"]
    print(f"ok: a diagram that is cut says so: {sankey['note']!r}, {layers['note']!r}", flush=True)


def job(objects, identity, documents, prefix=""):
    spec = specification(objects, identity)
    question = spec["data"][0]["url"]["body"]["aggs"]
    answer = {"aggregations": aggregations.answer(question, documents, aggregations.bounds_of(documents))}
    return {"spec": spec, "answer": answer, "svg": str(PICTURES / f"{prefix}{identity}.svg")}


def specification(objects, identity):
    return json.loads(nested(objects["visualization", identity])["visState"]["params"]["spec"])


def check(objects, records, documents):
    """How many diagrams were drawn; ends the test at the first that is wrong."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    panels = [identity for (_, identity), made in objects.items()
              if nested(made).get("visState", {}).get("type") == "vega"]
    jobs = [job(objects, identity, documents) for identity in panels]
    for identity, drawn in zip(panels, draw(jobs)):
        assert not drawn["problems"], (identity, drawn["problems"])
        _, which, direction, *line = identity.split("-")
        chosen, ends, lines = EXPECTED[which]
        amount = BYTES if direction == "tx" else RECEIVED
        mine = [record for record in records if is_allowed(record) and chosen(record)]
        if line:
            name = lines[int(line[0])]
            want = {key: amount(group) for key, group in grouped(mine, name, bucket).items()}
            said = layers_are_right(identity, drawn, want)
        else:
            want = {key: amount(group) for key, group in grouped(mine, *ends).items() if amount(group) > 0}
            said = sankey_is_right(identity, drawn, want)
        print(f"ok: {identity}: {said}", flush=True)
    cut_short(objects, documents)
    if {identity.split("-")[1] for identity in panels} != {*EXPECTED}:
        sys.exit("FAILED: a dashboard without an independent sum")
    return len(panels)
