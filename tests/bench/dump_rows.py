"""Rows of the dump of a large conntrack."""

import contextlib

from conntrack_limits import raised
from conntrack_table import OTHER_ZONE, ZONE, ConntrackTable
from harness import Testbed
from measure import interleaved, progress, row

MILLION = 1_000_000
DUMP_ROWS = {
    "conntrack_dump_user": "user-space CPU per entry of a poll of 1,000,000 (decode and store), against "
                           "libnetfilter_conntrack's callback and a std::unordered_map",
    "conntrack_dump_total": "whole CPU of the same, against counting the dump's messages only: the kernel's share",
    "conntrack_dump_vs_cli": "whole CPU of the same, against conntrack -L -o extended",
}
ZONE_ROWS = {
    "conntrack_zone_100k_of_1m": "whole CPU of a poll of a zone of 100,000 among 1,000,000, against filtering in user "
                                 "space",
}


def dump_rows(names, rounds):
    with contextlib.ExitStack() as stack:
        stack.enter_context(raised(MILLION))
        progress("conntrack_dump: filling a namespace with 1,000,000 entries")
        table = stack.enter_context(ConntrackTable(Testbed("bench"), "dump", {ZONE: MILLION}))
        wanted = {"exporter", *(["libnetfilter"] if "conntrack_dump_user" in names else []),
                  *(["counting"] if "conntrack_dump_total" in names else [])}
        readers = {name: stack.enter_context(table.reader(name)) for name in ("exporter", "libnetfilter", "counting")
                   if name in wanted}
        ways = {name: reader.poll for name, reader in readers.items()}
        if "conntrack_dump_vs_cli" in names:
            ways["cli"] = table.list_with_cli
        values = interleaved(rounds, ways)

        def per_entry(name, key):
            return [value[key] / MILLION for value in values[name]]

        user, total = per_entry("exporter", "user_ns"), per_entry("exporter", "total_ns")
        if "conntrack_dump_user" in names:
            yield row("conntrack_dump_user", "ns of user-space CPU per entry", user,
                      "libnetfilter_conntrack callback + std::unordered_map", per_entry("libnetfilter", "user_ns"), 5,
                      entries=MILLION, ours_sweep_ns=values["exporter"][-1]["after_ns"] / MILLION,
                      ours_first_poll_ns=readers["exporter"].first["user_ns"] / MILLION,
                      peer_first_poll_ns=readers["libnetfilter"].first["user_ns"] / MILLION)
        if "conntrack_dump_total" in names:
            yield row("conntrack_dump_total", "ns of CPU per entry", total, "messages received and counted (the floor)",
                      per_entry("counting", "total_ns"), 0.85, entries=MILLION)
        if "conntrack_dump_vs_cli" in names:
            yield row("conntrack_dump_vs_cli", "ns of CPU per entry", total, "conntrack -L -o extended",
                      [value / MILLION for value in values["cli"]], 2, entries=MILLION)


def zone_rows(_, rounds):
    zone = MILLION // 10
    with contextlib.ExitStack() as stack:
        stack.enter_context(raised(MILLION))
        progress("conntrack_zone_100k_of_1m: filling a namespace with 900,000 and 100,000 entries")
        table = stack.enter_context(ConntrackTable(Testbed("bench"), "zone", {OTHER_ZONE: MILLION - zone, ZONE: zone}))
        readers = {name: stack.enter_context(table.reader(name)) for name in ("exporter", "unfiltered")}
        values = interleaved(rounds, {name: reader.poll for name, reader in readers.items()})

        def milliseconds(name):
            return [value["total_ns"] / 1e6 for value in values[name]]

        yield row("conntrack_zone_100k_of_1m", "ms of CPU per poll", milliseconds("exporter"),
                  "the same, filtered in user space", milliseconds("unfiltered"), 3, entries=MILLION, of_zone=zone)
