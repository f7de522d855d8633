"""One scenario for every datapath: two Pods on a real Open vSwitch whose rules have the shape of Antrea's, and traffic
that is hard to count. Every connection has a client port (or echo identifier) of its own, by which the referee and the
exporter's records are compared."""

import dataclasses
import os
import pathlib
import select

from entry_megaflows import Megaflows, ask_vswitchd
from harness import expect, run, wait_for
from namespace_sockets import TcpTalk, UdpTalk, connect, listen, udp
from userspace_pods import SERVICE, UserspacePods

PROBE = pathlib.Path(__file__).parent / "probe.py"
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
SERVER_PORTS, CLOSED_PORT, DENIED_PORT, DENIED_SYN_FROM = (5201, 5202), 5209, 9, 31234
# Group 1 chooses between two endpoints by the hash of the connection: a recirculation of its own in the datapath.
GROUPS = """
group_id=1,type=select,bucket=load:0x1->NXM_NX_REG1[],resubmit(,43),bucket=load:0x2->NXM_NX_REG1[],resubmit(,43)
group_id=2,type=select,bucket=load:0x1->NXM_NX_REG1[],resubmit(,43)
"""
RULES = """
table=0,priority=220,icmp6,icmp_type=135 actions=NORMAL
table=0,priority=220,icmp6,icmp_type=136 actions=NORMAL
table=0,priority=210,ipv6,ipv6_dst=ff00::/8 actions=drop
table=0,priority=110,arp actions=NORMAL
table=0,priority=100 actions=goto_table:10
table=10,priority=200,ip,in_port=1,dl_src=0a:00:00:00:00:01,nw_src=10.78.0.1 actions=goto_table:30
table=10,priority=200,ip,in_port=2,dl_src=0a:00:00:00:00:02,nw_src=10.78.0.2 actions=goto_table:30
table=10,priority=200,ipv6,in_port=1,dl_src=0a:00:00:00:00:01,ipv6_src=fd78::1 actions=goto_table:30
table=10,priority=200,ipv6,in_port=2,dl_src=0a:00:00:00:00:02,ipv6_src=fd78::2 actions=goto_table:30
table=30,priority=200,ip actions=ct(table=31,zone=65520,nat)
table=30,priority=200,ipv6 actions=ct(table=31,zone=65510,nat)
table=31,priority=200,ct_state=+inv+trk actions=drop
table=31,priority=190,ct_state=-new+trk actions=goto_table:70
table=31,priority=0 actions=goto_table:42
table=42,priority=200,tcp,nw_dst=10.96.0.10,tp_dst=80 actions=group:1
table=42,priority=200,udp,nw_dst=10.96.0.10,tp_dst=53 actions=group:2
table=42,priority=0 actions=goto_table:60
table=43,tcp,reg1=0x1 actions=ct(commit,table=60,zone=65520,nat(dst=10.78.0.2:5201),exec(load:0x21->NXM_NX_CT_MARK[]))
table=43,tcp,reg1=0x2 actions=ct(commit,table=60,zone=65520,nat(dst=10.78.0.2:5202),exec(load:0x21->NXM_NX_CT_MARK[]))
table=43,udp,reg1=0x1 actions=ct(commit,table=60,zone=65520,nat(dst=10.78.0.2:5201),exec(load:0x21->NXM_NX_CT_MARK[]))
table=60,priority=200,tcp,tp_dst=9 actions=drop
table=60,priority=200,udp,tp_dst=9 actions=drop
table=60,priority=200,tcp6,tp_dst=9 actions=drop
table=60,priority=0 actions=goto_table:61
table=61,priority=210,ct_mark=0x21 actions=goto_table:70
table=61,priority=200,ip actions=ct(commit,table=70,zone=65520)
table=61,priority=200,ipv6 actions=ct(commit,table=70,zone=65510)
table=70,priority=100,ip,nw_dst=10.78.0.1 actions=mod_dl_dst:0a:00:00:00:00:01,output:1
table=70,priority=100,ip,nw_dst=10.78.0.2 actions=mod_dl_dst:0a:00:00:00:00:02,output:2
table=70,priority=90,ipv6 actions=NORMAL
"""
FRAGMENTED = 4000  # octets of payload: three fragments of an Ethernet's 1,500


@dataclasses.dataclass(frozen=True)
class Connection:
    """What was said, in words, and how it is found: the client's address and port, or the echo's identifier."""
    what: str
    client: str
    protocol: int
    port: int
    fragmented: bool = False  # its packets from the client are, each

    @property
    def key(self):
        return self.client, self.protocol, self.port

    @property
    def ipv4(self):
        return ":" not in self.client

    def __str__(self):
        return f"{self.what} (from {self.client} port {self.port})"


def install_rules(pods):
    """In place of the Pods' own."""
    control, environment = pods.database.rundir / "br-int.mgmt", {**os.environ, **pods.database.environment}
    run("ovs-ofctl", "add-groups", control, "-", input=GROUPS, env=environment)
    run("ovs-ofctl", "-O", "OpenFlow13", "replace-flows", control, "-", input=RULES, env=environment)


class Scenario:
    def __init__(self, testbed, datapath_type):
        self.testbed = testbed
        self.pods = UserspacePods(testbed, datapath_type)
        install_rules(self.pods)
        self.megaflows = Megaflows(self.pods)
        self.connections, self.kept, self.saying, self.saying_in_fragments = [], [], [], []
        (self.client, *client_addresses), (self.server, *server_addresses) = self.pods.pods
        self.ends = list(zip(client_addresses, server_addresses))  # of IPv4, of IPv6
        self.listeners = {(address, port): listen(self.server, address, port)
                          for address in server_addresses for port in SERVER_PORTS}
        self.receivers = {(address, port): udp(self.server, address, port)
                          for address in server_addresses for port in SERVER_PORTS}

    # --- opening ---

    def _note(self, what, client, protocol, port, **more):
        self.connections.append(Connection(what, client, protocol, port, **more))

    def _tcp(self, what, port, client, to, rounds):
        """rounds: octets there and back, each time that everything speaks."""
        self._note(what, client, TCP, port)
        listening = [listener for (address, _), listener in self.listeners.items()
                     if (":" in address) == (":" in client)]
        talk = TcpTalk(self.client, client, port, listening[0], to=to, accept=False)
        talk.listener = select.select(listening, [], [], 10)[0][0]
        talk.accept()
        self.saying.append(lambda: talk.say(*rounds))
        self.kept.append(talk)

    def _udp(self, what, port, client, receiver, packets, octets, answers=0, to=None):
        self._note(what, client, UDP, port, fragmented=octets >= FRAGMENTED)
        talk = UdpTalk(udp(self.client, client, port), receiver, to)
        (self.saying_in_fragments if octets >= FRAGMENTED else self.saying).append(
            lambda: talk.say(packets, octets, answers, 30))

    def open_connections(self):
        for port, (client, server) in zip((41000, 42000), self.ends):
            family = "IPv6" if ":" in client else "IPv4"
            for number, rounds in enumerate(((30000, 900), (2000, 50000), (700, 70), (9000, 9000))):
                self._tcp(f"TCP over {family}, one of four at once", port + number, client, (server, 5201), rounds)
            first, second = (self.receivers[server, one] for one in SERVER_PORTS)
            self._udp(f"UDP over {family}, answered", port + 10, client, first, 9, 300, answers=4)
            self._udp(f"UDP over {family}, not answered", port + 11, client, second, 5, 1000)
            self._udp(f"UDP over {family} in fragments", port + 12, client, second, 4, FRAGMENTED)
        client = self.ends[0][0]
        for number, rounds in enumerate(((20000, 4000), (500, 30000), (100, 100))):
            self._tcp("TCP to the Service", 41020 + number, client, (SERVICE, 80), rounds)
        endpoint = self.receivers[self.ends[0][1], 5201]
        self._udp("UDP to the Service", 41030, client, endpoint, 3, 200, 3, to=(SERVICE, 53))

    # --- speaking ---

    def speak(self, times=1, fragments=True):
        """Everything that is open, one after the other; so within a second they share what they can."""
        for _ in range(times):
            for say in self.saying + (self.saying_in_fragments if fragments else []):
                say()

    def probe_once(self, port):
        """A connection of a single packet over each family, from `port`."""
        for client, server in self.ends:
            self._note("UDP, a single packet", client, UDP, port)
            sender, receiver = udp(self.client, client, port), self.receivers[server, 5202]
            sender.sendto(b"?", (server, 5202))
            receiver.recv(65536)
            self.kept.append(sender)

    def refused(self, port):
        client, server = self.ends[0]
        self._note("TCP to a closed port", client, TCP, port)
        try:
            connect(self.client, client, port, (server, CLOSED_PORT))
        except ConnectionRefusedError:
            return
        expect(False, "nothing listens on the closed port")

    def denied(self):
        server = self.ends[0][1]
        for kind in ("syn", "udp"):
            run("ip", "netns", "exec", self.client, "python3", PROBE, kind, server, DENIED_PORT, 1)

    def ping(self):
        """Two at once over each family, and one more whose packets are in fragments; all have been answered when this
        returns."""
        pings = []
        for protocol, (client, server) in zip((ICMP, ICMPV6), self.ends):
            for identifier, count, octets in ((7001, 8, 56), (7002, 5, 300), (7003, 4, FRAGMENTED)):
                self._note("ping" + (" in fragments" if octets == FRAGMENTED else ""), client, protocol, identifier,
                           fragmented=octets == FRAGMENTED)
                pings.append(self.testbed.start("ping", "-n", "-e", identifier, "-i", "0.2", "-c", count, "-s", octets,
                                                server, namespace=self.client))
        wait_for("the pings", lambda: all(process.poll() is not None for process in pings), seconds=60)
        expect(all(process.returncode == 0 for process in pings), "every ping was answered")

    def wait_until_datapath_forgot(self):
        """Open vSwitch has removed every flow that was tracked at the entry: none came in for 10 s."""
        wait_for("the datapath's flows to idle out", lambda: not self.megaflows.look(), seconds=60)

    def close(self):
        for kept in self.kept:
            kept.close()

    # --- what the datapath says ---

    def lost(self):
        """Packets that never reached ovs-vswitchd, of all that needed it."""
        return [int(line.split("lost:")[1]) for line in ask_vswitchd(self.pods, "dpctl/show").splitlines()
                if "lost:" in line]
