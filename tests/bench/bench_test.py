"""The benchmark's programs on a small table: every reader sees every entry of the zone and no other, again and again."""

import contextlib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration")]

# pylint: disable=wrong-import-position
from conntrack_table import OTHER_ZONE, ZONE, ConntrackTable  # noqa: E402
from export_rows import WAYS, Export, check  # noqa: E402
from harness import BIN, Testbed, expect, run  # noqa: E402
from measure import Prompted, row  # noqa: E402
from records import completeness  # noqa: E402


def readers_agree():
    with ConntrackTable(Testbed("bench"), "test", {OTHER_ZONE: 9000, ZONE: 6000}) as table:
        for name in ("exporter", "unfiltered", "libnetfilter", "counting"):
            with table.reader(name) as reader:
                seen = [reader.first, reader.poll(), reader.poll()]
                expect(all(poll["entries"] == 6000 for poll in seen), f"{name}: the zone's 6000 entries in each poll")
                flows = 0 if name == "counting" else 6000
                expect(seen[-1]["flows"] == flows, f"{name}: {flows} flows in its table")
                expect(all(0 < poll["user_ns"] < poll["total_ns"] for poll in seen), f"{name}: CPU time is divided")
        expect(table.list_with_cli() > 0, "conntrack -L is measured")


def megaflow_readers_agree():
    for way in ("ours", "peer"):
        with Prompted([BIN.parent / "bench/bench-megaflow-parse", way]) as reader:
            measured = reader.round()
            expect(measured["lines"] == 44 and measured["of"] == 70 and measured["ns"] > 0,
                   f"{way}: reads the 44 of 70 recorded megaflows that OVS's own reader accepts")


def decoders_agree():
    first = {}
    for way in ("ours", "peer"):
        with Prompted([BIN.parent / "bench/bench-ipfix-decode", way]) as decoder:
            measured = decoder.round()
            first[way] = decoder.first["digest"], measured["records"], measured["octet_delta"], measured["text_octets"]
    expect(first["ours"] == first["peer"] and first["ours"][1] > 0, "ours and libfixbuf decode the same values")


def senders_agree():
    with contextlib.ExitStack() as stack:
        for protocol in ("tcp", "tls", "udp"):
            values = {way: [Export(way, protocol, stack).round()] for way in WAYS[protocol]}
            check(protocol, values)
            expect(all(measured[0]["received_records"] > 0 and measured[0]["ns"] > 0 for measured in values.values()),
                   f"{protocol}: records of ours and of libfixbuf arrive, the same ones")


def encoders_say_the_same():
    folder = Testbed("encoders").folder
    said = {}
    for way in ("ours", "fixbuf"):
        run(BIN.parent / "bench/bench-encode", way, folder / way)
        said[way] = run(BIN / "ipfix-dump", folder / way).splitlines()
    expect(len(said["ours"]) == 1000 and said["ours"] == said["fixbuf"],
           "ours and libfixbuf: 1000 records, each with the same elements in the same order and the same values")


def rows_say_what_was_measured():
    made = row("b", "u", [2, 4, 3], "p", [6, 6, 6], 2)
    expect((made["ours"], made["peer_value"], made["ratio"], made["met"]) == (3, 6, 2, True), "a row has medians")
    expect(made["ratio_range"] == [1.5, 3], "and the range of the rounds' ratios")
    expected = "127.0.0.1 127.0.0.2 17 1 2 3 300 0 0\n127.0.0.1 127.0.0.2 17 9 2 1 100 1 90\n"
    record = ('{"sourceIPv4Address":"127.0.0.1","destinationIPv4Address":"127.0.0.2","protocolIdentifier":17,'
              '"sourceTransportPort":1,"destinationTransportPort":2,"packetTotalCount":3,"octetTotalCount":%d,'
              '"reversePacketTotalCount":0,"reverseOctetTotalCount":0}\n')
    expect(completeness(record % 300, expected) == {"recorded": 1, "exact": 1}, "a record with all counters is exact")
    expect(completeness(record % 299, expected) == {"recorded": 1, "exact": 0}, "one with others is not")


def arguments_are_checked():
    def bench(*given):
        return subprocess.run([HERE / "run", *given], check=False, text=True, capture_output=True)

    expect("store_upsert_1m" in bench("--list").stdout, "--list names the rows")
    wrong = bench("nonsense")
    expect(wrong.returncode == 2 and "no row nonsense; there are: conntrack_dump_user" in wrong.stderr,
           "an unknown row is an error that names those there are")
    expect(bench("--rounds", "2").returncode == 2, "two rounds are too few")


readers_agree()
megaflow_readers_agree()
decoders_agree()
senders_agree()
encoders_say_the_same()
rows_say_what_was_measured()
arguments_are_checked()
