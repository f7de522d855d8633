"""The collector's side: ipfix-dump's JSON lines, kept as the live view and the check need them."""

import json
import threading
import time
from dataclasses import dataclass

from check import record_key

MAX_LIVE_FLOWS = 20_000   # of the live view; the oldest go first
MAX_RECORDS = 2_000_000   # of the check


@dataclass
class LiveFlow:
    """The last record of a flow, when it came, and the rate between the last two."""
    record: dict
    arrived: float
    bits_per_second: float = 0.0

    @property
    def over(self):
        return self.record.get("flowEndReason") in (1, 3, 4)


class Collected:
    def __init__(self, keep_records, copy_to=None):
        self.records = [] if keep_records else None
        self.flows = {}  # record_key → LiveFlow
        self.count = self.unreadable = self.beyond_limit = 0
        self.lock = threading.Lock()
        self._copy = open(copy_to, "w") if copy_to else None
        self.first_named = None  # monotonic time of the first record with a Pod's name

    def follow(self, stream):
        """Reads lines until the end of the stream; run it in a thread."""
        for line in stream:
            if self._copy:
                self._copy.write(line.decode(errors="replace"))
                self._copy.flush()
            try:
                record = json.loads(line)
            except ValueError:
                self.unreadable += 1
                continue
            if "protocolIdentifier" not in record:  # it describes the elements of those that follow
                continue
            with self.lock:
                self._add(record, time.monotonic())
        if self._copy:
            self._copy.close()

    def _add(self, record, now):
        self.count += 1
        if self.records is not None:
            if len(self.records) < MAX_RECORDS:
                self.records.append(record)
            else:
                self.beyond_limit += 1
        key = record_key(record)
        if key is None:
            return
        if self.first_named is None and (record.get("sourcePodName") or record.get("destinationPodName")):
            self.first_named = now
        before = self.flows.pop(key, None)  # popped, so that the dict stays in the order of arrival
        flow = LiveFlow(record, now)
        octets = (record.get("octetDeltaCount") or 0) + (record.get("reverseOctetDeltaCount") or 0)
        if before is not None:
            flow.bits_per_second = 8 * octets / max(now - before.arrived, 1.0)
        self.flows[key] = flow
        if len(self.flows) > MAX_LIVE_FLOWS:
            del self.flows[next(iter(self.flows))]

    def live(self, silent_s, over_s):
        """(key, LiveFlow) of flows heard of within silent_s, those that ended within over_s."""
        now = time.monotonic()
        with self.lock:
            gone = [k for k, f in self.flows.items() if now - f.arrived > (over_s if f.over else silent_s)]
            for key in gone:
                del self.flows[key]
            return list(self.flows.items())
