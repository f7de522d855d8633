"""Export over TLS to openssl's s_server, which demands a certificate: collectors with the wrong name, an expired
certificate or another idea of who we are get nothing and are counted; what they did not get the right one gets, as
ipfixDump reads it equal to what nftables counted. Certificates are replaced as a Secret's are, by a swap of symlinks."""

import ipaddress
import os
import pathlib
import re
import sys

from certificates import Authority
from harness import Exporter, OvsDatabase, Testbed, expect, listens, run, wait_for
from routed_pods import RoutedPods

HERE = pathlib.Path(__file__).parent
PORT = 47398
SERVICE = 5204
CONFIG = """
flowCollectorAddr: "127.0.0.1:%d:tls"
flowPollInterval: "1s"
flowExportFrequency: 1
ovsFlowExporter:
  metadataSocket: /nonexistent/metadata.sock
  reconnectMaxInterval: 1s
  tls: {caFile: %s, serverName: collector.example%s}
"""


class Secret:
    """Files under links into ..data, a link that is exchanged when they are replaced."""

    def __init__(self, folder):
        self.folder, self.version = folder, 0
        folder.mkdir()

    def replace(self, certificate, key):
        self.version += 1
        data = self.folder / f"..{self.version}"
        data.mkdir()
        (data / "tls.crt").write_bytes(certificate.read_bytes())
        (data / "tls.key").write_bytes(key.read_bytes())
        (self.folder / "..fresh").symlink_to(data.name)
        os.rename(self.folder / "..fresh", self.folder / "..data")
        for name in ("tls.crt", "tls.key"):
            if self.version == 1:
                (self.folder / name).symlink_to(f"..data/{name}")


class Scene:
    def __init__(self):
        self.testbed = Testbed("tls")
        self.authority, self.stranger = (Authority(self.testbed.folder, name) for name in ("authority", "stranger"))
        self.pods = RoutedPods(self.testbed)
        (self.client, _, _), (server, self.address, self.address6) = self.pods.pods
        database = OvsDatabase(self.testbed, self.pods.node, "system", vswitchd=False)
        for address in (self.address, self.address6):
            serving = self.testbed.start("python3", HERE / "talk.py", "serve", address, SERVICE, namespace=server)
            wait_for("the server", lambda: "serving" in serving.log.read_text())  # pylint: disable=cell-var-from-loop
        self.secret = Secret(self.testbed.folder / "secret")
        self.secret.replace(*self.authority.issue("exporter-1", "DNS:node-a.example"))
        os.mkfifo(self.testbed.folder / "silence")  # s_server sends what it reads; it is never to read an end
        self.exporter = Exporter(self.testbed, database.rundir, self.config(), namespace=self.pods.node)

    def config(self, showing=True):
        files = f", certificateFile: {self.secret.folder}/tls.crt, keyFile: {self.secret.folder}/tls.key"
        return CONFIG % (PORT, self.authority.certificate, files if showing else "")

    def listen(self, stem, names, *options, days=2):
        """openssl's server; what it decrypts goes to a file."""
        certificate, key = self.authority.issue(stem, names, days)
        stream = self.testbed.folder / f"{stem}.ipfix"
        script = f'exec openssl s_server "$@" 0<>"{self.testbed.folder}/silence" >"{stream}"'
        server = self.testbed.start("sh", "-c", script, "s_server", "-accept", f"127.0.0.1:{PORT}", "-quiet", "-cert",
                                    certificate, "-key", key, "-CAfile", self.authority.certificate, "-Verify", "1",
                                    "-verify_return_error", *options, namespace=self.pods.node, log=f"{stem}.log")
        server.stream = stream
        wait_for(f"{stem} listening", lambda: listens(self.pods.node, PORT))
        return server

    def collector(self):
        return self.exporter.status()["ipfix"]["collector"]

    def traffic(self, count):
        for address in (self.address, self.address6):
            for protocol in ("tcp", "udp"):
                run("ip", "netns", "exec", self.client, "python3", HERE / "talk.py", "ask", protocol, address, SERVICE,
                    "3000", "7000", str(count))

    def counted(self):
        """{5-tuple of a connection: (packets, octets, packets back, octets back)}, as nftables saw them."""
        counts = self.pods.referee.counted()
        return {key: counts[key] + counts.get((key[1], key[0], key[2], key[4], key[3]), (0, 0))
                for key in counts if key[4] == SERVICE and key[2] in (6, 17)}

    def refused(self, stem, names, why, *options, days=2):
        server = self.listen(stem, names, *options, days=days)
        before = self.collector()["authenticationFailures"]
        wait_for(f"{stem} refused: {why}", lambda: why in self.collector()["lastError"])
        expect(self.collector()["authenticationFailures"] > before, f"{stem}: \"{self.collector()['lastError']}\", counted")
        self.testbed.stop(server)
        expect(server.stream.read_bytes() == b"", f"{stem} was sent nothing")


def records(path):
    """(5-tuple, end reason, totals) of each record of a flow to the service, as libfixbuf's ipfixDump prints a file."""
    text = run("timeout", "30", "ipfixDump", "--data", "-i", path, check=False)
    for block in text.split("--- data record")[1:]:
        values = dict(re.findall(r"^\s+\([\d/]+\)\s+(\w+) : (\S+)", block, re.MULTILINE))
        if values.get("destinationTransportPort") != str(SERVICE):
            continue
        family = "IPv4" if "sourceIPv4Address" in values else "IPv6"
        key = (*(str(ipaddress.ip_address(values[f"{side}{family}Address"])) for side in ("source", "destination")),
               *(int(values[name]) for name in ("protocolIdentifier", "sourceTransportPort", "destinationTransportPort")))
        counts = tuple(int(values[name]) for name in ("packetTotalCount", "octetTotalCount", "reversePacketTotalCount",
                                                      "reverseOctetTotalCount"))
        yield key, int(values["flowEndReason"]), counts


def totals(path):
    """{5-tuple: largest totals}."""
    flows = {}
    for key, _, counts in records(path):
        flows[key] = max(flows.get(key, counts), counts)
    return flows


def arrived(scene, server):
    counted = scene.counted()
    return len(counted) > 0 and totals(server.stream) == counted


def wrong_collectors(scene):
    scene.refused("wrong-name", "DNS:other.example,IP:127.0.0.1",
                  "the collector's certificate is for DNS:other.example, IP:127.0.0.1, and not for collector.example")
    scene.refused("expired", "DNS:collector.example", "the collector's certificate expired on ", days=-1)
    scene.refused("expects-another", "DNS:collector.example", "the collector refused our certificate: ",
                  "-verify_hostname", "node-b.example")


def right_collector(scene):
    server = scene.listen("right", "DNS:collector.example", "-verify_hostname", "node-a.example")
    wait_for("a session", lambda: scene.collector()["state"] == "connected")
    wait_for("records equal to nftables' counts", lambda: arrived(scene, server))
    expect(True, f"the right collector got what the wrong ones did not: {len(scene.counted())} connections, counts exact")
    expect(scene.collector()["tls"]["expectedName"] == "collector.example", "and ipfix/show says whom it expects")
    return server


def replaced_files(scene, server):
    connects = scene.collector()["connects"]
    certificate, _ = scene.authority.issue("exporter-2", "DNS:node-a.example")
    _, foreign_key = scene.authority.issue("exporter-3", "DNS:node-a.example")
    scene.secret.replace(certificate, foreign_key)
    wait_for("broken files noticed", lambda: scene.collector()["tls"]["fileLoadFailures"] == 1)
    expect("is not the key of the certificate" in scene.collector()["tls"]["fileProblem"], "a key of another certificate is named")
    expect(scene.collector()["state"] == "connected" and scene.collector()["connects"] == connects,
           "and the session goes on with the old one")
    scene.secret.replace(*scene.authority.issue("exporter-4", "DNS:node-a.example"))
    scene.traffic(10)
    wait_for("a session with the new certificate", lambda: scene.collector()["connects"] == connects + 1)
    expect(scene.collector()["tls"]["fileLoads"] == 2 and scene.collector()["tls"]["fileProblem"] == "",
           "certificates replaced by a swap of symlinks are used in a new session")
    scene.traffic(10)
    wait_for("records equal to nftables' counts", lambda: arrived(scene, server))
    expect(scene.collector()["recordsLost"] == 0, f"nothing was lost: {len(scene.counted())} connections, counts exact")


def last_records(scene, server):
    """SIGTERM: what lives has a last record, over TLS as well, and the session ends with a close_notify."""
    scene.exporter.configure(scene.config())
    wait_for("a session again", lambda: scene.collector()["state"] == "connected")
    scene.traffic(5)
    living = {key for key in scene.counted() if key[2] == 17}
    wait_for("the flows", lambda: len(scene.exporter.flows("proto=udp", f"dport={SERVICE}")) == len(living))
    expect(scene.testbed.stop(scene.exporter.process) == 0, "the exporter ended")
    wait_for("last records", lambda: {key for key, reason, _ in records(server.stream) if reason == 4} >= living)
    expect(True, f"{len(living)} living flows had a last record")
    scene.testbed.stop(server)
    problems = [line for line in server.log.read_text().splitlines() if "unexpected eof" in line]
    expect(not problems, "and no session ended without a close_notify")


def main():
    scene = Scene()
    wait_for("the first poll", lambda: scene.exporter.status()["conntrack"]["polls"] >= 2)
    scene.traffic(10)
    wrong_collectors(scene)
    server = right_collector(scene)
    replaced_files(scene, server)
    scene.exporter.configure(scene.config(showing=False))
    wait_for("refusals for want of a certificate",
             lambda: "the collector demands a certificate and none is set" in scene.collector().get("lastError", ""))
    expect(scene.collector()["authenticationFailures"] > 0, f"\"{scene.collector()['lastError']}\", counted")
    expect("collector demands a certificate" in scene.exporter.log(), "and the log says so")
    last_records(scene, server)
    return 0


sys.exit(main())
