"""Programs the demo runs: to their end, or next to it."""

import os
import signal
import subprocess
import time


class DemoError(Exception):
    """Something the person at the terminal has to know; ends the run."""


def start_time(pid):
    """Field 22 of /proc/PID/stat: with the pid it names a process for good. None: no such process, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(pid, start):
    return start_time(pid) == start


class Process:
    """A started program: its name, its log file in the run's folder, the namespace it runs in."""

    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log

    def log_tail(self, lines=15):
        try:
            with open(self.log, errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    def signal(self, number):
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def stop(self, timeout_s):
        """SIGTERM and wait; the exit status, negative for a signal. Raises DemoError when it does not end."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise DemoError(f"{self.name} did not end within {timeout_s} s of SIGTERM\n{self.log_tail()}") from None


def inside(namespace, argv):
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


def command(argv, stdin=None, namespace=None, environment=None):
    """Runs a program to its end and returns its output; DemoError with its words when it fails."""
    if namespace is not None:
        argv = inside(namespace, argv)
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(environment or {})})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoError(f"{' '.join(argv)}: {error}") from None
    if done.returncode != 0:
        raise DemoError(f"{' '.join(argv)}: exit status {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def wait_until(what, condition, timeout_s, check=lambda: None):
    deadline = time.monotonic() + timeout_s
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise DemoError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.05)
