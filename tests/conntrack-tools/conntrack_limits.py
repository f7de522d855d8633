"""The host-wide limits of conntrack, raised for a while: they belong to no network namespace."""

import atexit
import contextlib
import fcntl
import pathlib

MAXIMUM = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
BUCKETS = pathlib.Path("/sys/module/nf_conntrack/parameters/hashsize")
LOCK = pathlib.Path("/run/lock/ovs-flow-exporter-conntrack-limits")


class _Raised:
    def __init__(self, path, wanted):
        self.path, self.before = path, int(path.read_text())
        self.after = max(self.before, wanted)
        if self.after != self.before:
            path.write_text(str(self.after))
            self.after = int(path.read_text())  # buckets are rounded up

    def restore(self):
        """Unless somebody else has changed it since."""
        if int(self.path.read_text()) == self.after != self.before:
            self.path.write_text(str(self.before))


@contextlib.contextmanager
def raised(entries):
    """Room for that many entries in one namespace and a bucket for each (never less than there was). Only one process
    at a time holds this; the values of before are back at its end, however the process ends short of SIGKILL."""
    with open(LOCK, "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changes = []

        def restore():
            while changes:
                changes.pop().restore()

        atexit.register(restore)
        try:
            changes.append(_Raised(MAXIMUM, entries + entries // 8))
            changes.append(_Raised(BUCKETS, entries))
            yield
        finally:
            restore()
            atexit.unregister(restore)
