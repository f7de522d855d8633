"""Our own programs in the demo: one bridge and one exporter per Node, one ipfix-dump for all."""

import os
import signal
import subprocess
import threading

import settings
from collector import Collected
from process import DemoError, command, wait_until
from topology import COLLECTOR_ADDRESS

COLLECTOR_PORT = 4739
NAMES = ("ovs-flow-exporter", "k8s-bridge", "ipfix-dump")


def require(binaries):
    missing = [n for n in NAMES if not os.access(os.path.join(binaries, n), os.X_OK)]
    if missing:
        raise DemoError(f"not in {binaries}: {', '.join(missing)}; without --bin, deploy/demo/run builds them")


def _listens(pid, port):
    """Whether the process's network namespace has a TCP listener on the port (state 0A in /proc/PID/net/tcp)."""
    try:
        with open(f"/proc/{pid}/net/tcp") as table:
            return any(f[1].endswith(f":{port:04X}") and f[3] == "0A" for f in map(str.split, table) if len(f) > 3)
    except OSError:
        return False


class Programs:
    def __init__(self, folder, binaries, cluster, sides, collector_namespace, datapath):
        self._folder, self._binaries, self._cluster, self._sides = folder, binaries, cluster, sides
        self._collector_namespace, self._datapath = collector_namespace, datapath
        self._exporters, self._dump, self._reader = {}, None, None

    def _start(self, program, role, arguments, namespace, stdout=None):
        return self._folder.start(f"{program}.{role}", [os.path.join(self._binaries, program), *arguments],
                                  namespace=namespace, stdout=stdout)

    def start(self, collected: Collected):
        self._dump = self._start("ipfix-dump", "collector",
                                 ["--meta", "--listen", f"tcp:{COLLECTOR_ADDRESS}:{COLLECTOR_PORT}"],
                                 self._collector_namespace, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=collected.follow, args=(self._dump.popen.stdout,), daemon=True)
        self._reader.start()
        wait_until("ipfix-dump to listen", lambda: _listens(self._dump.popen.pid, COLLECTOR_PORT), 10,
                   self._folder.require_alive)

        objects = self._folder.file("objects.yaml")
        with open(objects, "w") as file:
            file.write(settings.objects_yaml(self._cluster))
        for side in self._sides:
            self._start_node(side, objects)
        for side in self._sides:
            wait_until(f"the exporter of {side.node.name} to open {self.control(side)}",
                       lambda: os.path.exists(self.control(side)), 10, self._folder.require_alive)

    def _start_node(self, side, objects):
        name, socket = side.node.name, f"{side.rundir}/metadata.sock"
        conf = f"{side.rundir}/antrea-agent.conf"
        with open(conf, "w") as file:
            file.write(settings.exporter_conf(f"{COLLECTOR_ADDRESS}:{COLLECTOR_PORT}:tcp", socket,
                                              exact_accounting=self._datapath == "netdev"))
        self._start("k8s-bridge", name, ["--static", objects, "--node-name", name, "--socket", socket], side.namespace)
        wait_until(f"the k8s-bridge of {name} to open {socket}", lambda: os.path.exists(socket), 10,
                   self._folder.require_alive)
        self._exporters[name] = self._start(
            "ovs-flow-exporter", name,
            ["--config", conf, "--node-name", name, "--ovs-rundir", side.rundir, "--db", side.db,
             f"--unixctl={self.control(side)}"], side.namespace)

    @staticmethod
    def control(side):
        return f"{side.rundir}/ovs-flow-exporter.ctl"

    def ask(self, *arguments):
        """What every exporter answers to an ovs-appctl command, as text."""
        answers = []
        for side in self._sides:
            try:
                answer = command(["ovs-appctl", "-T", "5", "-t", self.control(side), *arguments])
            except DemoError as error:
                answer = str(error)
            answers.append(f"{side.node.name}: {' '.join(arguments)}\n{answer}")
        return "\n".join(answers)

    def logs(self):
        return "\n".join(f"log of {p.name}:\n{p.log_tail(25)}" for p in self._folder.processes
                         if p.name.startswith(NAMES))

    def stop_exporters(self):
        """SIGTERM to all: they send the last records of their flows and end. A list of complaints."""
        for process in self._exporters.values():
            process.signal(signal.SIGTERM)
        complaints = []
        for process in self._exporters.values():
            status = process.stop(timeout_s=15)
            if status != 0:
                complaints.append(f"{process.name} ended with status {status} after SIGTERM, expected 0:\n"
                                  f"{process.log_tail()}")
            self._folder.forget(process)
        return complaints

    def collector_log(self):
        return self._dump.log_tail()

    def stop_collector(self):
        """Ends ipfix-dump once it has printed everything; its exit status (2: it met malformed input)."""
        status = self._dump.stop(timeout_s=15)
        self._reader.join(timeout=15)
        self._folder.forget(self._dump)
        return status
