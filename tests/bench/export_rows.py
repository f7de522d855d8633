"""Rows of the exporting side: flows to the wire of a collector on loopback, what it costs the sender."""

import contextlib
import pathlib
import sys
import tempfile

from certificates import Authority
from harness import BIN, wait_for
from measure import Prompted, interleaved, progress, row

PEERS = {
    "tcp": ("libfixbuf to TCP", 4, "messages of 56 KiB"),
    "tls": ("plain OpenSSL, one write and one message a record, records encoded beforehand", 3, "messages of 56 KiB"),
    "udp": ("libfixbuf to UDP", 2, "messages of 1,400 octets, udpSegmentation on"),
}
ROWS = {f"ipfix_export_{protocol}": f"CPU of the sender, kernel included, per record from the flow and its names to a "
                                    f"collector on loopback ({what}), against {peer}"
        for protocol, (peer, _, what) in PEERS.items()}
# ours: from the flow and its names; ours-encoded: the same records, encoded beforehand; ours-datagrams: udpSegmentation
# off, as it is unless set; peer: from the same as a struct.
WAYS = {protocol: ("ours", "ours-encoded", *(["ours-datagrams"] if protocol == "udp" else []), "peer")
        for protocol in PEERS}


class Export:
    """A sender and the collector it sends to, which adds up what it gets."""

    def __init__(self, way, protocol, stack):
        certificate, trust = (), ()
        if protocol == "tls":
            authority = Authority(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())), "authority")
            certificate, trust = authority.issue("collector", "IP:127.0.0.1"), (authority.certificate,)
        self.sink = stack.enter_context(Prompted([BIN.parent / "bench/bench-ipfix-sink", protocol, *certificate]))
        self.way, self.protocol = way, protocol
        self.sender = stack.enter_context(Prompted([BIN.parent / "bench/bench-ipfix-export", way, protocol,
                                                    self.sink.first["port"], *trust]))
        self.sent = self.sender.first["records"]
        self.before = self._received()

    def _received(self):
        """Over a stream everything arrives; over UDP it is asked for when nothing waits any more."""
        if self.protocol != "udp":
            return wait_for(f"{self.sent} records of {self.way} at the collector",
                            lambda: (got := self.sink.round())["records"] >= self.sent and got)
        return self.sink.round()

    def round(self):
        """ns a record, and what the collector got of it."""
        measured = self.sender.round()
        self.sent += measured["records"]
        received, before = self._received(), self.before
        self.before = received
        return {"ns": measured["ns"], "records": measured["records"],
                **{f"received_{key}": received[key] - before[key] for key in received}}


def check(protocol, values):
    """Nothing is lost silently over a stream, and all ways say the same."""
    if protocol == "udp":
        return
    sums = {(value["records"], value["received_records"], value["received_octet_delta"], value["received_text_octets"])
            for measured in values.values() for value in measured}
    if len(sums) != 1 or any(sent != received for sent, received, *_ in sums):
        sys.exit(f"FAILED: ipfix_export_{protocol}: records sent and received, octets and names differ: {sums}")


def export_rows(names, rounds):
    for protocol, (peer, bar, _) in PEERS.items():
        name = f"ipfix_export_{protocol}"
        if name not in names:
            continue
        progress(name)
        with contextlib.ExitStack() as stack:
            ways = {way: Export(way, protocol, stack) for way in WAYS[protocol]}
            values = interleaved(rounds, {way: export.round for way, export in ways.items()})
        check(protocol, values)
        each = {way: [value["ns"] for value in measured] for way, measured in values.items()}
        totals = {way: [sum(value[key] for value in measured) for key in ("records", "received_records",
                                                                          "received_messages")]
                  for way, measured in values.items()}
        arrived = ", ".join(f"{way} {100 * got / sent:.4g} %" for way, (sent, got, _) in totals.items())
        others = {f"ours_{way[5:]}": sorted(each[way])[rounds // 2] for way in WAYS[protocol] if way.startswith("ours-")}
        yield row(name, "ns of the sender's CPU per record", each["ours"], peer, each["peer"], bar,
                  records=totals["ours"][0], records_per_message=round(totals["ours"][1] / totals["ours"][2], 1),
                  peer_records_per_message=round(totals["peer"][1] / totals["peer"][2], 1),
                  **others, note=f"arrived: {arrived}")
