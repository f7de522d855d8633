"""Rows of the datapath's flows: reading them as text, and joining them to connections."""

import contextlib

from harness import BIN
from measure import Prompted, interleaved, progress, row

PARSE_ROWS = {
    "datapath_parse": "CPU per megaflow line as dpctl/dump-flows -m prints it, against OVS's own odp_flow_from_string on "
                      "the lines that it accepts (of which it reads keys and masks, ours also statistics and actions)",
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
