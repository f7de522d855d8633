"""Which packets are one flow, on the kernel's own conntrack: pings at once, ports used again within one poll."""

import subprocess
import sys

from conntrack_lab import END_OF_FLOW, ICMP, ICMPV6, TCP, UDP, Lab, deltas, difference, expect_exact, totals
from harness import expect, wait_for
from namespace_sockets import TcpTalk, UdpTalk, connect, listen, reset, udp

PORT, CLIENT_PORT = 5201, 41000
MANY = 300


def two_pings_at_once(lab, first_identifier):
    """The same addresses, type and code: only the identifiers differ."""
    (client, *client_addresses), (_, *server_addresses) = lab.pods.pods
    for source, target, protocol, request in zip(client_addresses, server_addresses, (ICMP, ICMPV6), (8, 128)):
        pings = {identifier: subprocess.Popen(["ip", "netns", "exec", client, "ping", "-q", "-e", str(identifier), "-c",
                                               str(count), "-i", "0.2", "-s", str(size), target],
                                              stdout=subprocess.DEVNULL)
                 for identifier, count, size in ((first_identifier, 8, 56), (first_identifier + 1, 5, 300))}
        lab.testbed.processes += pings.values()
        wait_for("both pings as flows", lambda: len(lab.exporter.flows(f"proto={protocol}", f"dst={target}")) == 2)  # pylint: disable=cell-var-from-loop
        for ping in pings.values():
            assert ping.wait(30) == 0
        counts = lab.referee.counted_echoes()
        lab.polled()
        seen = {flow["original"]["id"]: flow for flow in lab.exporter.flows(f"proto={protocol}", f"dst={target}")}
        expect(sorted(seen) == sorted(pings), f"two pings {source} > {target} at once are two flows")
        lab.conntrack("-D", "-p", "icmpv6" if protocol == ICMPV6 else "icmp")
        for identifier in pings:
            truth = counts[source, target, identifier] + counts[target, source, identifier]
            [records] = lab.ended(1, source, target, protocol, identifier, request * 256)
            expect_exact(records, truth, f"ping {identifier}")


def udp_ports_reused(lab, source, target):
    """Two connections with the same ports between two polls: the first is deleted before any poll saw it."""
    (client, *_), (server, *_) = lab.pods.pods
    key = (source, target, UDP, CLIENT_PORT, PORT)
    receiver = udp(server, target, PORT)
    before = lab.referee.of(*key)
    truths = []
    for packets, answers in ((7, 3), (2, 1)):
        talk = UdpTalk(udp(client, source, CLIENT_PORT), receiver)
        talk.say(packets, 500, answers, 120)
        talk.client.close()
        after = lab.referee.of(*key)
        truths.append(difference(after, before))
        before = after
        lab.conntrack("-D", "-p", "udp", "--orig-port-src", CLIENT_PORT)
    for records, truth in zip(lab.ended(2, *key), truths):
        expect_exact(records, truth, f"udp {source}:{CLIENT_PORT} {truth[0]} packets")
    receiver.close()


def tcp_ports_reused(lab, source, target):
    """A connection reset and opened again from the same port at once: the kernel replaces the entry by itself."""
    (client, *_), (server, *_) = lab.pods.pods
    key = (source, target, TCP, CLIENT_PORT, PORT)
    listener = listen(server, target, PORT)
    before = lab.referee.of(*key)
    truths = []
    for octets, answer in ((30000, 500), (100, 9000), (1, 1)):
        talk = TcpTalk(client, source, CLIENT_PORT, listener)
        talk.say(octets, answer)
        reset(talk.client)
        wait_for("the reset", lambda: reset_arrived(talk.server))  # pylint: disable=cell-var-from-loop
        talk.server.close()
        after = lab.referee.of(*key)
        truths.append(difference(after, before))
        before = after
    lab.conntrack("-D", "-p", "tcp", "--orig-port-src", CLIENT_PORT)
    series = lab.ended(3, *key)
    expect(len(series) == 3, f"three connections {source}:{CLIENT_PORT} within one poll are three flows")
    for records, truth in zip(series, truths):
        expect_exact(records, truth, f"tcp {source}:{CLIENT_PORT} {truth[1]} octets")
        expect(records[-1]["flowEndReason"] == END_OF_FLOW, "and it ended by itself")
    listener.close()


def ports_reused_all_the_time(lab):
    """As fast as it goes, while dumps are read as well: the next connection often has the last one's conntrack id."""
    (client, source, _), (server, target, _) = lab.pods.pods
    key = (source, target, TCP, CLIENT_PORT + 3, PORT)
    listener = listen(server, target, PORT)
    for number in range(MANY):
        talk = TcpTalk(client, source, CLIENT_PORT + 3, listener)
        talk.say(1 + number, 10)
        reset(talk.client)
        wait_for("the reset", lambda: reset_arrived(talk.server), interval=0.001)  # pylint: disable=cell-var-from-loop
        talk.server.close()
    lab.conntrack("-D", "-p", "tcp", "--orig-port-src", CLIENT_PORT + 3)
    series = lab.ended(MANY, *key)
    restarted = lab.status()["store"]["restarted"]
    expect(MANY <= len(series) <= MANY + restarted, f"{MANY} connections on the same ports are {len(series)} flows")
    truth, counted = lab.referee.of(*key), deltas([record for records in series for record in records])
    expect(counted == truth, f"whose deltas {counted} are together what the referee counted, {truth}")
    listener.close()


def reset_arrived(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def reused_while_watched(lab, sport):
    """A poll has seen the first connection; the second takes its ports before the next poll."""
    (client, source, _), (server, target, _) = lab.pods.pods
    key = (source, target, UDP, sport, PORT)
    receiver = udp(server, target, PORT)
    talk = UdpTalk(udp(client, source, sport), receiver)
    talk.say(4, 100, 4, 40)
    first = lab.referee.of(*key)
    lab.polled()
    lab.conntrack("-D", "-p", "udp", "--orig-port-src", sport)
    talk.say(3, 60)
    second = difference(lab.referee.of(*key), first)
    lab.polled()
    lab.conntrack("-D", "-p", "udp", "--orig-port-src", sport)
    series = lab.ended(2, *key)
    for records, truth in zip(series, (first, second)):
        expect_exact(records, truth, f"udp reused between polls, {truth[0]} packets")
    expect(totals(series[1][-1])[2:] == (0, 0), "nothing of the first connection's answers is in the second's counters")


def refused_connection(lab, source, target):
    """SYN and RST: the kernel drops the entry as the answer passes."""
    (client, *_), _ = lab.pods.pods
    key = (source, target, TCP, CLIENT_PORT + 2, PORT)
    try:
        connect(client, source, CLIENT_PORT + 2, (target, PORT))
    except ConnectionRefusedError:
        pass
    [records] = lab.ended(1, *key)
    expect_exact(records, lab.referee.of(*key), "a refused connection")
    expect(totals(records[-1])[::2] == (1, 1), "one packet there and one back")


def main():
    lab = Lab("identity")
    (_, *client_addresses), (_, *server_addresses) = lab.pods.pods
    for events in ("off", "auto"):
        lab.export(events=events)
        two_pings_at_once(lab, 1001 if events == "off" else 2001)
        reused_while_watched(lab, CLIENT_PORT + 10 if events == "off" else CLIENT_PORT + 20)
        if events == "auto":
            ports_reused_all_the_time(lab)
        lab.stop()
    lab.export(poll="5s", active="10s")
    for source, target in zip(client_addresses, server_addresses):
        udp_ports_reused(lab, source, target)
        tcp_ports_reused(lab, source, target)
        refused_connection(lab, source, target)
    status = lab.status()["store"]
    expect(status["counterStepsBack"] == 0, "no counter went back")
    lab.stop()
    return 0


sys.exit(main())
