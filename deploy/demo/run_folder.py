"""Everything one run makes: its folder, its processes, its network namespaces; and how all of it goes away again.

The folder is ${TMPDIR:-/tmp}/ofe-demo.PID.START, the namespaces are ofe-demo-PID-START-ROLE, where PID and START (of
/proc/PID/stat) are the run's main process: whoever finds one can tell whether that run is still alive. `state` in the
folder lists, one a line and before or as they come to be, the processes ("pid PID START NAME").
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from process import DemoError, Process, alive, command, inside, start_time

_FOLDER = re.compile(r"ofe-demo\.(\d+)\.(\d+)$")
_NETNS = re.compile(r"ofe-demo-(\d+)-(\d+)-[a-z0-9]+$")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _kill(processes, grace_s):
    """processes: {(pid, start)}. SIGTERM, then SIGKILL for those still there after the grace."""
    deadline = time.monotonic() + grace_s
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for pid, start in processes:
            if alive(pid, start):
                try:
                    os.kill(pid, signal_number)
                except ProcessLookupError:
                    pass
        while any(alive(*p) for p in processes) and time.monotonic() < deadline:
            time.sleep(0.05)
        deadline += 2.0


def _recorded_processes(folder):
    found = set()
    try:
        with open(os.path.join(folder, "state")) as state:
            for line in state:
                words = line.split()
                if len(words) >= 3 and words[0] == "pid":
                    found.add((int(words[1]), int(words[2])))
    except (OSError, ValueError):
        pass  # a half-written last line: its process dies with its parent anyway
    return found


def _namespaces(of_run):
    """Names of the namespaces whose (pid, start) satisfies of_run."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    return [n for n in names if (m := _NETNS.match(n)) and of_run(int(m[1]), int(m[2]))]


def _delete_namespace(name):
    subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def remove_leftovers():
    """Removes what runs left behind whose main process is gone (kill -9, power cut). Returns what was removed."""
    removed = []
    base = tempfile.gettempdir()
    for entry in os.listdir(base):
        match = _FOLDER.match(entry)
        if match and not alive(int(match[1]), int(match[2])):
            folder = os.path.join(base, entry)
            _kill(_recorded_processes(folder), grace_s=3.0)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    for name in _namespaces(lambda pid, start: not alive(pid, start)):
        _delete_namespace(name)
        removed.append(f"namespace {name}")
    return removed


class RunFolder:
    def __init__(self):
        self._id = (os.getpid(), start_time(os.getpid()))
        self.path = os.path.join(tempfile.gettempdir(), "ofe-demo.%d.%d" % self._id)
        os.mkdir(self.path, 0o700)
        self._state = open(os.path.join(self.path, "state"), "a", buffering=1)
        self.processes = []

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def subfolder(self, name):
        path = self.file(name)
        os.makedirs(path, exist_ok=True)
        return path

    def namespace(self, role):
        """Makes a network namespace; returns its name."""
        name = "ofe-demo-%d-%d-%s" % (*self._id, role)
        command(["ip", "netns", "add", name])
        command(["ip", "-n", name, "link", "set", "lo", "up"])
        return name

    def start(self, name, argv, namespace=None, environment=None, stdout=None):
        """Starts a program in a namespace; it dies with this process. Output: NAME.log, unless stdout is given."""
        log = self.file(f"{name}.log")
        if namespace is not None:
            argv = inside(namespace, argv)
        parent = os.getpid()

        def in_child():
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

        with open(log, "ab") as output:
            try:
                popen = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=output if stdout is None else stdout, stderr=output,
                    env={**os.environ, **(environment or {})}, preexec_fn=in_child,
                    start_new_session=True,  # Ctrl-C is for the main process alone: it stops the rest in order
                    cwd=self.path)
            except OSError as error:
                raise DemoError(f"cannot start {name}: {error}") from None
        self._state.write(f"pid {popen.pid} {start_time(popen.pid) or 0} {name}\n")
        process = Process(name, popen, log)
        self.processes.append(process)
        return process

    def require_alive(self):
        for process in self.processes:
            if process.popen.poll() is not None:
                raise DemoError(f"{process.name} ended by itself with status {process.popen.returncode}; "
                                f"its last words:\n{process.log_tail()}")

    def forget(self, process):
        """For one that has ended as it should."""
        self.processes.remove(process)

    def remove(self):
        """Stops and removes everything of this run. Does not raise."""
        _kill({(p.popen.pid, start_time(p.popen.pid)) for p in self.processes if p.popen.poll() is None}, grace_s=3.0)
        for process in self.processes:
            process.popen.poll()  # reaps
        for name in _namespaces(lambda pid, start: (pid, start) == self._id):
            _delete_namespace(name)
        self._state.close()
        shutil.rmtree(self.path, ignore_errors=True)
