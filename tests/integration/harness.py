"""What the integration tests share: network namespaces and processes that go away with the test, and waiting for a
condition instead of sleeping. A test is a script: it prints what it saw and exits non-zero on the first difference."""

import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ.get("OFE_BIN", "build/dev/bin")).resolve()


def run(*command, check=True, **options):
    """Runs to its end; standard output as text."""
    done = subprocess.run([str(c) for c in command], check=False, text=True, capture_output=True, **options)
    if check and done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what, condition, seconds=20.0, interval=0.1):
    """The condition's first true value; the test fails when it does not come, and says what was there instead."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            sys.exit(f"FAILED: waited {seconds} s for {what}; it was {value!r}")
        time.sleep(interval)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}", flush=True)


def accepts_connections(path):
    """A socket that exists may have been bound and not yet listen: then it refuses."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def listens(namespace, port):
    """True once a TCP socket in the namespace does."""
    return bool(run("ip", "netns", "exec", namespace, "ss", "-Hltn", f"sport = :{port}").strip())


class Testbed:
    """A folder, namespaces and processes of one test. Everything is removed when the script ends, however it ends."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"ofe-test-{name}."))
        self.prefix = f"ofet-{os.getpid()}"
        self.namespaces = []
        self.processes = []
        self.outputs = []
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(1))

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace, check=False)
        self.namespaces = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def namespace(self, name):
        full = f"{self.prefix}-{name}"
        run("ip", "netns", "add", full)
        self.namespaces.append(full)
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def start(self, *command, namespace=None, log=None, environment=None):
        """In the background; its output goes to the file log in the test's folder, errors too unless the file is for
        records (*.jsonl)."""
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        path = self.folder / (log or f"process-{len(self.processes)}.log")
        output = open(path, "ab")  # kept open by the process
        errors = open(path.with_suffix(".errors"), "ab") if path.suffix == ".jsonl" else subprocess.STDOUT
        self.outputs.append((output, errors))
        process = subprocess.Popen(prefix + [str(c) for c in command], stdout=output, stderr=errors,
                                   stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        process.log = path
        self.processes.append(process)
        return process

    def stop(self, process, number=signal.SIGTERM, seconds=15):
        process.send_signal(number)
        return process.wait(seconds)


class OvsDatabase:
    """An ovsdb-server with one bridge. With vswitchd=False no ovs-vswitchd runs: for the kernel's conntrack the
    exporter needs the bridge's row only."""

    def __init__(self, testbed, namespace, datapath_type, vswitchd):
        self.testbed, self.namespace = testbed, namespace
        self.rundir = testbed.folder / "ovs"
        self.rundir.mkdir()
        self.environment = {"OVS_RUNDIR": str(self.rundir), "OVS_LOGDIR": str(self.rundir),
                            "OVS_DBDIR": str(self.rundir), "OVS_SYSCONFDIR": str(self.rundir)}
        database = self.rundir / "conf.db"
        self.socket = self.rundir / "db.sock"
        run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema")
        testbed.start("ovsdb-server", database, f"--remote=punix:{self.socket}",
                      f"--pidfile={self.rundir}/ovsdb-server.pid", namespace=namespace, log="ovsdb-server.log",
                      environment=self.environment)
        wait_for("ovsdb-server", lambda: accepts_connections(self.socket))
        self.vsctl("--no-wait", "init")
        self.vswitchd = None
        if vswitchd:
            self.start_vswitchd()
        self.vsctl(*([] if vswitchd else ["--no-wait"]), "add-br", "br-int", "--", "set", "bridge", "br-int",
                   f"datapath_type={datapath_type}", "fail_mode=secure")

    def start_vswitchd(self):
        self.vswitchd = self.testbed.start("ovs-vswitchd", f"unix:{self.socket}",
                                           f"--pidfile={self.rundir}/ovs-vswitchd.pid", namespace=self.namespace,
                                           log="ovs-vswitchd.log", environment=self.environment)
        control = self.rundir / f"ovs-vswitchd.{self.vswitchd.pid}.ctl"
        wait_for("ovs-vswitchd", lambda: accepts_connections(control))

    def vsctl(self, *arguments):
        return run("ovs-vsctl", f"--db=unix:{self.socket}", "--timeout=10", *arguments)


class Exporter:
    def __init__(self, testbed, rundir, config, namespace=None, node="node-a", environment=None):
        self.testbed, self.config = testbed, testbed.folder / "antrea-agent.conf"
        self.control = testbed.folder / "ovs-flow-exporter.ctl"
        self.configure(config)
        self.process = testbed.start(BIN / "ovs-flow-exporter", "--config", self.config, "--node-name", node,
                                     "--ovs-rundir", rundir, f"--unixctl={self.control}", namespace=namespace,
                                     log="exporter.log", environment=environment)
        wait_for("the exporter's control socket", lambda: accepts_connections(self.control) or self.process.poll() is not None)
        if self.process.poll() is not None:
            sys.exit(f"FAILED: the exporter ended with {self.process.returncode}:\n{self.log()}")

    def configure(self, text):
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.config)

    def appctl(self, *arguments, check=True):
        return run("ovs-appctl", "-t", self.control, *arguments, check=check)

    def status(self):
        return json.loads(self.appctl("exporter/status", "--json"))

    def flows(self, *filters):
        return json.loads(self.appctl("flow/list", "--json", *filters))["flows"]

    def show(self, kind, name):
        """What k8s/show has of a "pod", "service" or "node" of this name."""
        return json.loads(self.appctl("k8s/show", kind, name, "--json"))[f"{kind}s"]["items"]

    def log(self):
        return self.process.log.read_text()


def is_flow(record):
    """Not one that describes the elements of those that follow."""
    return "protocolIdentifier" in record


def flow_records(text):
    """Of the JSON lines of ipfix-dump those of flows; the others describe what follows. Whole lines only: the writer may
    be in the middle of one."""
    records = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return [record for record in records if is_flow(record)]


def recorded(path):
    """flow_records of a file, which may be about to come."""
    return flow_records(path.read_text()) if path.exists() else []
