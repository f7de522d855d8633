"""Row of the collecting side: IPFIX messages in memory to values in a struct."""

import contextlib
import statistics
import sys

from harness import BIN
from measure import Prompted, interleaved, progress, row

ROWS = {
    "ipfix_decode": "CPU per record to decode IPFIX messages of 64 KiB from memory into a struct of 24 fields (271 octets "
                    "a record, the exporter's own template), against libfixbuf's fBufNext into the same struct",
}
SUMS = ("records", "octet_delta", "text_octets")


def decode_rows(_, rounds):
    progress("ipfix_decode")
    with contextlib.ExitStack() as stack:
        ways = {name: stack.enter_context(Prompted([BIN.parent / "bench/bench-ipfix-decode", name]))
                for name in ("ours", "peer")}
        values = interleaved(rounds, {name: way.round for name, way in ways.items()})
        digests = {way.first["digest"] for way in ways.values()}
        sums = {tuple(value[key] for key in SUMS) for measured in values.values() for value in measured}
        if len(digests) != 1 or len(sums) != 1:
            sys.exit(f"FAILED: ipfix_decode: ours and libfixbuf decoded different values: digests {digests}, sums {sums}")
        (records, octet_delta, text_octets), = sums
        each = {name: [value["ns"] for value in measured] for name, measured in values.items()}
        yield row("ipfix_decode", "ns of CPU per record", each["ours"], "libfixbuf", each["peer"], 3, records=records,
                  octets_per_record=statistics.fmean(value["octets_per_record"] for value in values["ours"]),
                  note=f"both decoded the same: sum of octetDeltaCount {octet_delta}, of the strings' lengths "
                  f"{text_octets}, digest of all values {digests.pop()}")
