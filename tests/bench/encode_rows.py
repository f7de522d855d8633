"""Rows of the encoder: records in complete messages, in memory."""

import contextlib

from harness import BIN
from measure import Prompted, interleaved, progress, row

# Row: what it is asked for of the program, and what the peer is to be beaten by.
ROWS = {
    "ipfix_encode_memory": "CPU per record, 24 elements and 271 octets, encoded into messages of up to 64 KiB, flows in "
                           "the processor's cache, against libfixbuf with the same template and values",
    "ipfix_encode_memory_cold_1m": "the same for 1,000,000 flows in random order",
}
_WAYS = {"ipfix_encode_memory": ("memory", 5), "ipfix_encode_memory_cold_1m": ("cold", 2.5)}


def encode_rows(names, rounds):
    for name in names:
        progress(name)
        what, least_ratio = _WAYS[name]
        with contextlib.ExitStack() as stack:
            ways = {way: stack.enter_context(Prompted([BIN.parent / "bench/bench-encode", way, what]))
                    for way in ("ours", "fixbuf")}
            values = interleaved(rounds, {way: program.round for way, program in ways.items()})
        each = {way: [value["ns"] / value["records"] for value in measured] for way, measured in values.items()}
        octets = values["ours"][0]["octets"] / values["ours"][0]["records"]
        yield row(name, "ns of CPU per record", each["ours"], "libfixbuf", each["fixbuf"], least_ratio,
                  octets_per_record=round(octets))
