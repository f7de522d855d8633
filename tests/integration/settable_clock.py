"""A wall clock that a test can set for the processes it starts; see clock_shim.c."""

import mmap
import struct
import time

from harness import BIN

SHIM = BIN.parent / "tests" / "clock_shim.so"
OCTETS = 4096


class SettableClock:
    def __init__(self, folder):
        path = folder / "clock-steps"
        path.write_bytes(bytes(OCTETS))
        with open(path, "r+b") as file:
            self.steps = mmap.mmap(file.fileno(), OCTETS)
        self.count, self.offset_s = 0, 0
        self.environment = {"LD_PRELOAD": str(SHIM), "OFE_CLOCK_STEPS": str(path)}

    def step(self, seconds):
        """Sets the clock forward, or back; at once."""
        self.offset_s += seconds
        struct.pack_into("qq", self.steps, 8 + 16 * self.count, time.time_ns(), self.offset_s * 10**9)
        self.count += 1
        struct.pack_into("q", self.steps, 0, self.count)

    def now(self):
        return time.time() + self.offset_s
