"""A network namespace whose conntrack is full of synthetic entries, and polls of it."""

import sys

from harness import BIN, run
from measure import Prompted, cpu_ns_of, progress

ZONE, OTHER_ZONE = 65520, 65510
# Labels are kept where a rule sets some, as OVS's do on a Node.
RULES = """
table ip bench {
  chain labels { type filter hook output priority filter; udp dport 1 ct label set 1
  }
}
"""


class ConntrackTable:
    def __init__(self, testbed, name, zones):
        """zones: {zone: entries}"""
        self.namespace = testbed.namespace(name)
        self.prefix = ("ip", "netns", "exec", self.namespace)
        run(*self.prefix, "nft", "-f", "-", input=RULES)
        for setting in ("acct", "timestamp", "events"):
            run(*self.prefix, "sysctl", "-q", "-w", f"net.netfilter.nf_conntrack_{setting}=1")
        first = 0
        for zone, entries in zones.items():
            run(*self.prefix, BIN / "conntrack-fill", "--entries", entries, "--zone", zone, "--first", first)
            first += entries
        self.zones = zones

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The table is the whole host's: what a namespace leaves in it would lengthen the next dump."""
        run(*self.prefix, "conntrack", "-F")

    def reader(self, name):
        return Reader([*self.prefix, BIN.parent / "bench/bench-dump", name, ZONE], self.zones[ZONE])

    def list_with_cli(self):
        return cpu_ns_of([*self.prefix, "conntrack", "-L", "-o", "extended"])


class Reader(Prompted):
    """A bench-dump: reads the zone once to fill its table, then once a round."""

    most_attempts = 10

    def __init__(self, command, entries):
        super().__init__(command)
        self.entries = entries

    def poll(self):
        """A poll that saw every entry once. (While somebody resizes the hash table a dump skips and repeats some.)"""
        for _ in range(self.most_attempts):
            seen = self.round()
            if seen["entries"] == self.entries:
                return seen
            progress(f"  {seen['entries']} entries instead of {self.entries}: the table was resized; once more")
        sys.exit(f"FAILED: {' '.join(self.command)} does not see {self.entries} entries")
