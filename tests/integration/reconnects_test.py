"""A collector that hangs up hundreds of times while records flow: in every session libfixbuf finds templates before data
and sequence numbers without a gap. What it prints are records that were put in, and no more come twice than the sender
says it sent again."""

import collections
import json
import pathlib
import random
import subprocess
import sys

import known_records as known
from harness import Testbed, expect, wait_for

HERE = pathlib.Path(__file__).parent
PORT = "47501"
SESSIONS = 300
RECORDS = 40_000


def warnings_of(path):
    done = subprocess.run(["timeout", "60", "ipfixDump", "--rfc5610", "--data", "-i", path], check=False, text=True,
                          capture_output=True)
    return done.stderr + (f"exit {done.returncode}" if done.returncode else "")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    records = known.draw(random.Random(seed), RECORDS)
    testbed = Testbed("reconnects")
    namespace = testbed.namespace("wire")
    sessions = testbed.folder / "sessions"
    sessions.mkdir()
    testbed.start("python3", HERE / "closing_collector.py", PORT, sessions, "34000", namespace=namespace)
    (testbed.folder / "records").write_text(known.lines(records))
    # The sender reads its records at its own pace, and goes on while the collector is away.
    sender = testbed.start("sh", "-c", f"exec timeout 100 {known.SENDER} tcp {PORT} 20 < {testbed.folder}/records",
                           namespace=namespace, log="sender.log")
    wait_for("everything to leave", lambda: sender.poll() is not None, seconds=100)
    expect(sender.returncode == 0, f"the sender ended: {sender.log.read_text()}")
    stats = json.loads(sender.log.read_text())
    wait_for("the last session", lambda: len(list(sessions.glob("*.ipfix"))) == stats["sessions"])

    files = sorted(sessions.glob("*.ipfix"))
    expect(len(files) >= SESSIONS, f"{len(files)} sessions")
    said = {path.name: text for path in files if (text := warnings_of(path))}
    expect(not said, f"ipfixDump says nothing on standard error of any session {dict(list(said.items())[:3])}")
    gap = testbed.folder / "gap.ipfix"
    messages = max((messages_of(path.read_bytes()) for path in files), key=len)
    gap.write_bytes(b"".join(messages[:2] + messages[3:]))  # the third is data: templates and statistics stand before it
    expect("equence" in warnings_of(gap), f"of {len(messages)} messages one taken out, it says: {warnings_of(gap).strip()!r}")

    read = collections.Counter(record for path in files for record in known.libfixbuf(path))
    strange = read.keys() - set(records)
    expect(not strange, f"the {sum(read.values())} records read were all put in {list(strange)[:2]}")
    twice = sum(read.values()) - len(read)
    expect(twice <= stats["resent"], f"{twice} came twice, of {stats['resent']} that the sender counted as sent again")
    # Nothing retained for a reset (resend_octets is 0): what the collector's host had acknowledged and the collector not read.
    print(f"{RECORDS - len(read)} of {RECORDS} were acknowledged and not read when the collector hung up")
    return 0


def messages_of(stream):
    at = [0]
    while at[-1] < len(stream):
        at.append(at[-1] + int.from_bytes(stream[at[-1] + 2:at[-1] + 4], "big"))
    return [stream[begin:end] for begin, end in zip(at, at[1:])]


sys.exit(main())
