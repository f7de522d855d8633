"""Rows of the datapath's flows: reading them as text, and joining them to connections."""

import contextlib
import statistics

from harness import BIN
from measure import Prompted, interleaved, progress, row

PARSE_ROWS = {
    "datapath_parse": "CPU per megaflow line as dpctl/dump-flows -m prints it, against OVS's own odp_flow_from_string on "
                      "the lines that it accepts (of which it reads keys and masks, ours also statistics and actions)",
}
FEW, MANY = 50_000, 200_000
JOIN_ROWS = {
    "datapath_join": "CPU to parse and join 200,000 megaflows with 200,000 connections, all of them new, against four "
                     "times that of 50,000 with 50,000",
    "datapath_join_next": "the same for a later poll, when all are known and every megaflow has counted",
}


def parse_rows(_, rounds):
    progress("datapath_parse")
    with contextlib.ExitStack() as stack:
        ways = {name: stack.enter_context(Prompted([BIN.parent / "bench/bench-megaflow-parse", name]))
                for name in ("ours", "peer")}
        values = interleaved(rounds, {name: way.round for name, way in ways.items()})
        each = {name: [value["ns"] for value in measured] for name, measured in values.items()}
        yield row("datapath_parse", "ns of CPU per megaflow line", each["ours"], "odp_flow_from_string", each["peer"], 5,
                  lines=values["ours"][0]["lines"], note=f"on {values['ours'][0]['lines']} of "
                  f"{values['ours'][0]['of']} recorded lines: the peer accepts no others")


def join_rows(names, rounds):
    progress("datapath_join, datapath_join_next")
    with contextlib.ExitStack() as stack:
        sizes = {size: stack.enter_context(Prompted([BIN.parent / "bench/bench-megaflow-join", size]))
                 for size in (MANY, FEW)}
        values = interleaved(rounds, {size: program.round for size, program in sizes.items()})
        longest_us = statistics.median(value["longest_slice_ns"] for value in values[MANY]) / 1000
        for name, which in (("datapath_join", "first_ns"), ("datapath_join_next", "later_ns")):
            if name not in names:
                continue
            ms = {size: [value[which] / 1e6 for value in measured] for size, measured in values.items()}
            linear = [MANY / FEW * value for value in ms[FEW]]
            yield row(name, f"ms of CPU for {MANY}", ms[MANY], f"{MANY // FEW} x {FEW}", linear, 1 / 1.2,
                      bar="no worse than linear x 1.2", note=f"longest slice {longest_us:.0f} us")
