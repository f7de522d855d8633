"""What the datapath's flows counted where packets enter and are tracked: every later stage counts the same packets
again. In words of ovs-vswitchd, not of the exporter."""

import collections
import re

from harness import run

ETHERNET_HEADER = 14


def ask_vswitchd(pods, *words):
    return run("ovs-appctl", "-t", pods.database.rundir / f"ovs-vswitchd.{pods.database.vswitchd.pid}.ctl", *words)


def entry_counts(pods):
    """(ufid, (input port, Ethernet type, protocol or None: any), (packets, L3 octets)) of each flow of the entry stage
    that is tracked."""
    for line in ask_vswitchd(pods, "dpctl/dump-flows", "-m").splitlines():
        if "recirc_id(0)" not in line or "actions:ct(" not in line:
            continue
        ufid = re.search(r"ufid:([0-9a-f-]+)", line)[1]
        family = re.search(r"eth_type\((0x[0-9a-f]+)\)", line)[1]
        protocol = re.search(r"proto=(\d+)[,)]", line)  # with a mask: any
        port = re.search(r"in_port\((\w+)\)", line)[1]
        packets, octets = (int(re.search(rf"{name}:(\d+)", line)[1]) for name in ("packets", "bytes"))
        yield (ufid, (port, family, protocol and int(protocol[1])), (packets, octets - ETHERNET_HEADER * packets))


class Megaflows:
    """Adds up what each datapath flow counted, also those that are gone or have begun anew. One dump alone tells of no
    flow that it is gone: it misses some while ovs-vswitchd's table shrinks (lib/cmap.c)."""

    def __init__(self, pods):
        self.pods, self.before, self.last, self.missed = pods, collections.Counter(), {}, set()

    def look(self):
        """What is there now."""
        now = {(ufid, where): counted for ufid, where, counted in entry_counts(self.pods)}
        missed = self.last.keys() - now.keys()
        there = {**{flow: self.last[flow] for flow in missed - self.missed}, **now}
        for (ufid, where), counted in self.last.items():
            if there.get((ufid, where), (0, 0)) < counted:
                self.before[where, "packets"] += counted[0]
                self.before[where, "octets"] += counted[1]
        self.last, self.missed = there, missed & there.keys()
        return there

    def sum(self, port, family, without=()):
        """(packets, octets), of flows of all protocols but these."""
        def wanted(where):
            return where[:2] == (port, family) and where[2] not in without
        return tuple(sum(counted[i] for (_, where), counted in self.last.items() if wanted(where)) +
                     sum(count for (where, kind), count in self.before.items() if kind == name and wanted(where))
                     for i, name in enumerate(("packets", "octets")))
