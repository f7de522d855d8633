"""A collector killed for a minute under 20,000 records a second, and the exporting process killed in the same minute: the
spool replays all of it. What arrived is read from the octets (RFC 7011 section 3) by this script alone."""

import collections
import mmap
import pathlib
import signal
import struct
import sys
import time

from harness import BIN, Testbed, expect, wait_for

HERE = pathlib.Path(__file__).parent
PORT, RATE, AWAY_S = 47420, 20_000, 60
RECORD_OCTETS = 271


class State:
    """What spool_feed keeps: see tests/ipfix/spool_feed.cc."""

    def __init__(self, path):
        wait_for("the feed's state", lambda: path.exists() and path.stat().st_size == 24)
        self.file = path.open("r+b")
        self.memory = mmap.mmap(self.file.fileno(), 24)

    def values(self):
        return struct.unpack("=QQQ", self.memory[:])

    accepted = property(lambda self: self.values()[0])
    resent = property(lambda self: self.values()[1])

    def end(self):
        self.memory[16:24] = struct.pack("=Q", 1)


def numbers(stream):
    """The number each record begins with, of whole messages."""
    at = 0
    while at + 16 <= len(stream):
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if at + length > len(stream):
            return
        set_at = at + 16
        while set_at < at + length:
            set_id, set_length = struct.unpack_from(">HH", stream, set_at)
            if set_id == 256:
                for record in range(set_at + 4, set_at + set_length, RECORD_OCTETS):
                    yield int.from_bytes(stream[record : record + 8], "big")
            set_at += set_length
        at += length


class Scene:
    def __init__(self):
        self.testbed = Testbed("spool")
        self.node = self.testbed.namespace("node")
        self.streams = self.testbed.folder / "streams"
        self.streams.mkdir()
        self.starts = 0

    def start(self, name, *command):
        self.starts += 1
        return self.testbed.start(*command, namespace=self.node, log=f"{name}-{self.starts}.log")

    def collector(self):
        process = self.start("collector", "python3", HERE / "recording_collector.py", PORT, self.streams)
        wait_for("the collector", lambda: "listening" in process.log.read_text())
        return process

    def feed(self):
        return self.start("feed", BIN.parent / "tests" / "spool_feed", PORT, self.testbed.folder / "spool" / "one", RATE,
                          self.testbed.folder / "state")

    def arrived(self):
        found = collections.Counter()
        for path in self.streams.iterdir():
            found.update(numbers(path.read_bytes()))
        return found


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def main():
    scene = Scene()
    collector, feed = scene.collector(), scene.feed()
    state = State(scene.testbed.folder / "state")
    wait_for("records", lambda: state.accepted > 3 * RATE)
    kill(collector)
    away_until = time.monotonic() + AWAY_S
    before = state.accepted
    wait_for("records that wait", lambda: state.accepted > before + AWAY_S // 3 * RATE, seconds=AWAY_S)
    kill(feed)
    feed = scene.feed()
    wait_for("the minute to pass", lambda: time.monotonic() > away_until, seconds=AWAY_S)
    expect(state.accepted > before + AWAY_S * RATE * 0.9, f"{state.accepted - before} records were accepted meanwhile")
    scene.collector()
    wait_for("records after it", lambda: state.accepted > before + (AWAY_S + 3) * RATE)
    state.end()
    wait_for("everything to be acknowledged", lambda: feed.poll() is not None, seconds=60)
    expect(feed.returncode == 0, "the feed ended well: " + feed.log.read_text())

    accepted, arrived = state.accepted, scene.arrived()
    wait_for("the collector's last octets", lambda: len(scene.arrived()) >= accepted, seconds=20)
    arrived = scene.arrived()
    missing = sum(number not in arrived for number in range(accepted))
    twice = sum(arrived.values()) - len(arrived)
    expect(missing == 0, f"{missing} of {accepted} records are missing")
    expect(twice <= state.resent, f"{twice} arrived twice, {state.resent} were counted as sent again")


if __name__ == "__main__":
    main()
    sys.exit(0)
