"""A collector that hangs up hundreds of times while records flow: in every session libfixbuf finds templates before data
and sequence numbers without a gap, and what it prints are records that were put in."""

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
    joined = testbed.folder / "gap.ipfix"
    joined.write_bytes(without_third_message(max(files, key=lambda path: path.stat().st_size).read_bytes()))
    expect("equence" in warnings_of(joined), f"of a message taken out it says: {warnings_of(joined).strip()!r}")

    read = collections.Counter(record for path in files for record in known.libfixbuf(path))
    strange = read.keys() - set(records)
    expect(not strange, f"the {sum(read.values())} records read were all put in {list(strange)[:2]}")
    print(f"{RECORDS - len(read)} of {RECORDS} were on their way when the collector hung up (the sender knows of "
          f"{stats['lost']}), {sum(read.values()) - len(read)} came again")
    return 0


def without_third_message(stream):
    """Which is data: templates and statistics stand before it."""
    at = [0]
    while at[-1] < len(stream):
        at.append(at[-1] + int.from_bytes(stream[at[-1] + 2:at[-1] + 4], "big"))
    return stream[:at[2]] + stream[at[3]:]


sys.exit(main())
