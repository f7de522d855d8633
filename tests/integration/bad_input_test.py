"""What goes wrong outside the exporter: each a clear message or a counter, nothing lost that was in the store, no crash."""

import os
import socket
import subprocess
import sys
import threading

from harness import BIN, Exporter, Testbed, expect, recorded, wait_for
from userspace_pods import UserspacePods

COLLECTOR = "127.0.0.1:47392:tcp"
CONFIG = """
flowCollectorAddr: "%s"
flowPollInterval: "1s"
flowExportFrequency: 2
ovsFlowExporter:
  metadataSocket: %s
  reconnectMaxInterval: 1s
"""


def check_config(path):
    done = subprocess.run([str(BIN / "ovs-flow-exporter"), "--config", str(path), "--check-config"], text=True,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


def wrong_configurations(testbed):
    path = testbed.folder / "wrong.conf"
    path.write_text('flowCollectorAddr: "192.0.2.1:4739:sctp"\nflowPollInterval: "1ms"\novsFlowExporter: {zone: 5}\n')
    code, _, errors = check_config(path)
    expect(code == 1, "a wrong configuration exits with 1")
    for key, allowed in (("flowCollectorAddr", "tcp"), ("flowPollInterval", "1s"), ("zone", "zones")):
        expect(any(key in line and allowed in line for line in errors.splitlines()),
               f"the error about {key} says what is allowed ({allowed})")
    expect("wrong.conf:1" in errors and "wrong.conf:2" in errors, "errors name file and line, all of them at once")
    code, _, errors = check_config(testbed.folder / "absent.conf")
    expect(code == 1 and "absent.conf" in errors and "No such file" in errors, "an unreadable file is named, with why")
    over_tls = 'flowCollectorAddr: "192.0.2.1:4739:tls"\novsFlowExporter: {tls: {certificateFile: /nonexistent/tls.crt%s}}\n'
    path.write_text(over_tls % "")
    code, _, errors = check_config(path)
    expect(code == 1 and "wrong.conf:2" in errors and "keyFile" in errors, "a certificate without its key is refused")
    path.write_text(over_tls % ", keyFile: /nonexistent/tls.key")
    code, _, errors = check_config(path)
    expect(code == 0 and "warning" in errors and "/nonexistent/tls.crt: No such file" in errors,
           "a certificate that is not there is warned of: it may be mounted later")
    path.write_text("")
    code, effective, _ = check_config(path)
    expect(code == 0 and "flowPollInterval" in effective, "an empty file is the defaults")


class GarbageBridge:
    """A fake metadata peer: accepts and sends octets that are no frames."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            with connection:
                try:
                    connection.sendall(b"\xff\xff\xff\xff" + os.urandom(5000))
                    # A close with the hello unread would be a reset, which can overtake what was sent.
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass


def exporter_survives(testbed):
    pods = UserspacePods(testbed)
    node, database = pods.node, pods.database
    metadata = testbed.folder / "metadata.sock"
    bridge = GarbageBridge(metadata)
    exporter = Exporter(testbed, database.rundir, CONFIG % (COLLECTOR, metadata), namespace=node)
    start_sender(testbed, pods)

    wait_for("flows of the userspace datapath", lambda: len(exporter.flows("proto=udp")) == 3)
    expect(exporter.status()["conntrack"]["source"] == "userspace", "a netdev bridge is read from the userspace datapath")

    wait_for("metadata protocol errors", lambda: exporter.status()["metadata"]["protocolErrors"] >= 2)
    expect(bridge.connections >= 2, "a peer that sends garbage is dropped and reconnected to")
    expect("metadata" in exporter.log(), "and the log says so")

    wait_for("refused connections", lambda: exporter.status()["ipfix"]["collector"]["connectFailures"] >= 2)
    expect("refused" in exporter.status()["ipfix"]["collector"]["lastError"].lower(), "a collector that refuses is reported")
    expect(len(exporter.flows("proto=udp")) == 3, "flows are kept while the collector refuses")

    testbed.stop(database.vswitchd, number=9)
    wait_for("failed scans", lambda: exporter.status()["conntrack"]["scansFailed"] >= 2)
    expect(len(exporter.flows("proto=udp", "state=live")) == 3, "failed scans end no flow")
    polls = exporter.status()["conntrack"]["polls"]
    database.start_vswitchd()
    pods.install_rules()
    wait_for("polls after the restart", lambda: exporter.status()["conntrack"]["polls"] >= polls + 3)
    expect(exporter.status()["conntrack"]["lastError"] == "", "a restarted ovs-vswitchd is found again")

    records = testbed.folder / "records.jsonl"
    testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47392", namespace=node, log=records.name)
    wait_for("the records of what happened meanwhile",
             lambda: {r["destinationTransportPort"] for r in recorded(records)} >= {5301, 5302, 5303})
    expect(True, "what was in the store when the collector came is exported")

    refused_reload(exporter, metadata)
    wrong_arguments(exporter)
    expect(testbed.stop(exporter.process) == 0, "SIGTERM ends with 0")
    expect(not exporter.control.exists(), "and removes the control socket")


def start_sender(testbed, pods):
    """Three UDP connections that go on."""
    sender = ("import socket,sys,time\n"
              "s=[socket.socket(socket.AF_INET,socket.SOCK_DGRAM) for _ in range(3)]\n"
              "while True:\n"
              "  for i,x in enumerate(s): x.sendto(b'hello',('10.78.0.2',5301+i))\n"
              "  time.sleep(0.5)\n")
    testbed.start("python3", "-c", sender, namespace=pods.pods[0][0], log="sender.log")


def refused_reload(exporter, metadata):
    exporter.configure('flowPollInterval: "nonsense"\n')
    wait_for("the refused reload", lambda: exporter.status()["configuration"]["refused"] >= 1)
    expect("flowPollInterval" in exporter.status()["configuration"]["problems"][0], "a wrong edit is refused and named")
    expect("flowPollInterval: 1s" in exporter.appctl("config/show").replace('"', ""), "the settings in force stay")
    flows = len(exporter.flows())
    exporter.configure(CONFIG % (COLLECTOR, metadata) + "  zones: [65520, 7]\n")
    wait_for("the valid reload", lambda: exporter.status()["conntrack"]["zones"] == [65520, 7])
    expect(len(exporter.flows()) == flows, "a valid edit takes effect and the store stays")


def wrong_arguments(exporter):
    for command in (("flow/list", "proto=nonsense"), ("flow/list", "colour=red"), ("flow/show",), ("k8s/show", "cats"),
                    ("log/set", "loud"), ("exporter/status", "now"), ("ipfix/show", "x"), ("config/show", "x")):
        done = subprocess.run(["ovs-appctl", "-t", str(exporter.control), *command], text=True, capture_output=True,
                              check=False)
        expect(done.returncode != 0 and ("usage" in done.stderr or "allowed" in done.stderr),
               f"{' '.join(command)} is refused with its usage")
    expect("flow/list" in exporter.appctl("list-commands"), "list-commands shows the commands")


def main():
    testbed = Testbed("bad-input")
    wrong_configurations(testbed)
    exporter_survives(testbed)
    return 0


sys.exit(main())
