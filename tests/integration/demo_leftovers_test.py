"""The demo leaves nothing behind: not when interrupted, and not when it was killed half-way and started again."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from harness import BIN, expect, run, wait_for

DEMO = pathlib.Path(__file__).resolve().parents[2] / "deploy/demo/run"


def namespaces():
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.startswith("ofe-demo-")}


def folders():
    return set(pathlib.Path(os.environ.get("TMPDIR", "/tmp")).glob("ofe-demo.*"))


def start():
    return subprocess.Popen([str(DEMO), "--bin", str(BIN)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL)


def programs_of(folder):
    """Processes whose command line names the run's folder."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def main():
    before_namespaces, before_folders = namespaces(), folders()
    demo = start()
    wait_for("the demo's namespaces", lambda: len(namespaces() - before_namespaces) >= 6, seconds=30)
    folder = (folders() - before_folders).pop()
    time.sleep(3)  # half-way: daemons run
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    expect(namespaces() - before_namespaces, "killed half-way, the demo could not clean up")

    demo = start()  # finds the leftovers first
    wait_for("the new run's folder", lambda: folders() - before_folders - {folder}, seconds=30)
    wait_for("the old run's folder to go", lambda: folder not in folders())
    expect(not programs_of(folder), "no process of the killed run is left")
    wait_for("the new run's namespaces", lambda: len(namespaces() - before_namespaces) >= 6, seconds=30)
    demo.send_signal(signal.SIGINT)
    demo.wait(30)
    expect(namespaces() == before_namespaces, "interrupted: no namespace is left")
    expect(folders() == before_folders, "and no file")
    return 0


sys.exit(main())
