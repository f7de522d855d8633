"""Rows of the connection store alone."""

import contextlib
import json
import statistics

from harness import BIN, run
from measure import Prompted, interleaved, progress, row

FLOWS = 1_000_000
MOST_OCTETS = 320
UPSERT_ROWS = {
    "store_upsert_1m": "CPU per observation in random order, 1,000,000 flows in the store, against a "
                       "std::unordered_map of the same",
}
MEMORY_ROWS = {
    "store_bytes_per_flow": "resident octets per flow at 1,000,000 flows with index, deadlines and interned names, "
                            "against a std::unordered_map of the same",
}


def command(table, what):
    return [BIN.parent / "bench/bench-store", table, what]


def upsert_rows(_, rounds):
    progress("store_upsert_1m")
    with contextlib.ExitStack() as stack:
        tables = {name: stack.enter_context(Prompted(command(name, "upsert"))) for name in ("store", "map")}
        values = interleaved(rounds, {name: table.round for name, table in tables.items()})
        each = {name: [value["total_ns"] / FLOWS for value in measured] for name, measured in values.items()}
        yield row("store_upsert_1m", "ns of CPU per observation", each["store"], "std::unordered_map", each["map"], 3,
                  flows=FLOWS)


def memory_rows(_, rounds):
    progress("store_bytes_per_flow")

    def measure(table):
        return json.loads(run(*command(table, "memory")))["octets"] / FLOWS

    values = interleaved(rounds, {name: lambda name=name: measure(name) for name in ("store", "map")})
    ours = statistics.median(values["store"])
    yield row("store_bytes_per_flow", "resident octets per flow", values["store"], "std::unordered_map", values["map"],
              0, bar=f"ours <= {MOST_OCTETS}", met=ours <= MOST_OCTETS, flows=FLOWS)
