"""How connections of the kernel's conntrack end, and what a full store does: the TCP states on the way, flowEndReason of
each record, and connections beyond maxFlows."""

import socket
import sys

from conntrack_lab import (ACTIVE, END_OF_FLOW, FORCED, IDLE, TCP, UDP, Lab, deltas, expect_exact, expect_times_in_order,
                           shown, totals)
from harness import expect, wait_for
from namespace_sockets import TcpTalk, UdpTalk, listen, reset, udp

# Lost before conntrack sees them: one side's bare ACKs; a FIN that is sent again (it would move FIN_WAIT on).
ACKS = 'iifname "%s" tcp flags & (fin | syn | rst | psh | ack) == ack drop'
FINS_AGAIN = 'iifname "%s" tcp flags & fin == fin limit rate over 1/day burst 1 packets drop'
V6_ZONE = 65510
MAX_FLOWS = 4


class Lost:
    """Within, what the rules say is lost; afterwards TCP sends it again."""

    def __init__(self, lab, *rules):
        self.lab, self.rules = lab, "; ".join(rules)

    def __enter__(self):
        hook = "type filter hook prerouting priority -400"
        self.lab.nft(f"table inet lost {{ chain before_conntrack {{ {hook}; {self.rules}; }}; }}")

    def __exit__(self, *_):
        self.lab.nft("delete table inet lost")


def tcp_states(lab):
    (client, source, _), (server, target, _) = lab.pods.pods
    listener = listen(server, target, 5201)
    key = (source, target, TCP, 41001, 5201)

    def expect_state(state, what):
        wait_for(f"the kernel's {state}", lambda: lab.entries("-p", "tcp", "-d", target)[65520, *key].state == state)
        lab.polled()
        ours = lab.flow("sport=41001", "state=live")["tcpState"]
        expect(ours == {"CLOSE": "CLOSED"}.get(state, state), f"{what}: {ours}, the kernel's {state}")

    def expect_end(count):
        lab.conntrack("-D", "-p", "tcp", "--orig-port-src", 41001)
        records = lab.ended(count, *key)[-1]
        expect(records[-1]["flowEndReason"] == END_OF_FLOW, "its entry gone: end of flow detected")
        expect(deltas(records) == totals(records[-1]), "and its deltas sum to its totals")

    with Lost(lab, ACKS % "pod1"):
        talk = TcpTalk(client, source, 41001, listener, accept=False)
        expect_state("SYN_RECV", "answered, not confirmed")
    talk.accept()
    talk.say(100, 100)
    expect_state("ESTABLISHED", "open")
    with Lost(lab, FINS_AGAIN % "pod1"):
        talk.client.shutdown(socket.SHUT_WR)
        expect_state("CLOSE_WAIT", "the client's FIN, acknowledged")
    with Lost(lab, ACKS % "pod1"):
        talk.server.close()
        expect_state("LAST_ACK", "the server's FIN")
    expect_state("TIME_WAIT", "acknowledged, too")
    talk.client.close()
    expect_end(1)

    talk = TcpTalk(client, source, 41001, listener)
    with Lost(lab, ACKS % "pod2", FINS_AGAIN % "pod1"):
        talk.client.shutdown(socket.SHUT_WR)
        expect_state("FIN_WAIT", "the client's FIN, not acknowledged")
    expect_end(2)
    reset(talk.client)

    talk = TcpTalk(client, source, 41001, listener)
    lab.polled()
    reset(talk.client)
    expect_state("CLOSE", "reset")
    expect_end(3)


def idle_and_active(lab):
    """UDP, so that nothing moves by itself."""
    (client, source, _), (server, target, _) = lab.pods.pods
    key = (source, target, UDP, 41002, 5202)
    talk = UdpTalk(udp(client, source, 41002), udp(server, target, 5202))
    lab.exporter.configure(lab.config(active="1h", idle="2s"))
    wait_for("the new settings", lambda: lab.status()["configuration"]["reloads"] >= 1)
    talk.say(3, 100, 1, 10)
    [records] = wait_for("the idle flow's record", lambda: lab.connections(*key))
    expect(records[0]["flowEndReason"] == IDLE and deltas(records) == lab.referee.of(*key), "idle: a record with idle timeout")
    lab.polled(4)
    expect(len(lab.connections(*key)[0]) == 1, "and no other while nothing moves")
    talk.say(2, 100)
    wait_for("the record of what moved", lambda: len(lab.connections(*key)[0]) == 2)
    [records] = lab.connections(*key)
    expect(records[1]["flowEndReason"] == IDLE and deltas(records) == lab.referee.of(*key), "moved: idle again, with the rest")

    lab.exporter.configure(lab.config(active="1s", idle="1h"))
    wait_for("the new settings", lambda: lab.status()["configuration"]["reloads"] >= 2)
    talk.say(2, 100)
    [records] = wait_for("records of the living flow", lambda: [r for r in lab.connections(*key) if len(r) >= 5])
    expect([r["flowEndReason"] for r in records[2:5]] == [ACTIVE] * 3, "living: records with active timeout")
    talk.say(1, 50)
    lab.polled()
    truth = lab.referee.of(*key)
    lab.stop()
    [records] = lab.connections(*key)
    expect(records[-1]["flowEndReason"] == FORCED, "SIGTERM: the last record has forced end")
    expect(not {r["flowEndReason"] for r in records[:-1]} & {END_OF_FLOW, FORCED}, "and only the last")
    expect_exact(records, truth, "through all reasons")
    expect(not any(r["flowEndReason"] == 5 for r in lab.records()), "lack of resources is never a reason to end a flow")


class Crowd:
    """UDP connections over IPv6, in a zone where nothing else is tracked."""

    def __init__(self, lab):
        self.lab, self.talks = lab, {}
        (self.client, _, self.source), (server, _, self.target) = lab.pods.pods
        self.receiver = udp(server, self.target, 5203)

    def key(self, port):
        return (self.source, self.target, UDP, port, 5203)

    def say(self, *ports):
        for port in ports:
            if port not in self.talks:
                self.talks[port] = UdpTalk(udp(self.client, self.source, port), self.receiver)
            self.talks[port].say(2, 100, 1, 30)

    def leave(self, *ports):
        for port in ports:
            self.lab.conntrack("-D", "-f", "ipv6", "-p", "udp", "--orig-port-src", port)

    def expect_exact(self, what, *ports):
        flows = {flow["original"]["sourcePort"]: flow for flow in self.lab.exporter.flows("state=live")}
        expect(sorted(flows) == sorted(ports), f"{what}: the flows are {sorted(flows)}")
        for port in ports:
            truth = self.lab.referee.of(*self.key(port))
            expect(shown(flows[port]) == truth, f"{what}: {port} has {shown(flows[port])}, the referee {truth}")


def full_store(lab):
    """What is there stays exact, what comes is refused and counted, until an ended flow has made room."""
    lab.export(collect=False, zones=[V6_ZONE], own=f"  maxFlows: {MAX_FLOWS}\n  exportQueueOctets: 65536\n")
    crowd, store = Crowd(lab), lambda: lab.status()["store"]
    crowd.say(1, 2, 3, 4)
    wait_for("as many flows as may be", lambda: store()["flows"] == MAX_FLOWS)
    crowd.say(1, 2, 3, 4, 5, 6)
    wait_for("refusals", lambda: store()["refusedFull"] >= 2)
    lab.polled()
    expect(store()["evictedEnded"] == 0, "no flow was given up")
    crowd.expect_exact("full", 1, 2, 3, 4)

    # Without a collector the queue fills; from then on ended flows wait in the store, and make room.
    def filled():
        lab.exporter.appctl("exporter/flush")
        return lab.status()["ipfix"]["collector"]["queuedOctets"] > 65536 - 4096
    wait_for("a full queue", filled, seconds=60, interval=0)
    crowd.leave(5, 6)  # these were never in the store
    lab.polled()
    crowd.leave(1)
    wait_for("an ended flow that waits", lambda: store()["endedWaiting"] == 1)
    expect(store()["flows"] == MAX_FLOWS, "the store is full, one of its flows ended")
    crowd.say(7)
    wait_for("the newcomer", lambda: store()["evictedEnded"] == 1)
    crowd.say(2, 7)
    refused = store()["refusedFull"]
    crowd.say(8)
    wait_for("refusals", lambda: store()["refusedFull"] > refused)
    lab.polled()
    crowd.expect_exact("an ended one gave way", 2, 3, 4, 7)

    lab.collect()
    wait_for("an empty queue", lambda: lab.status()["ipfix"]["collector"]["queuedOctets"] == 0)
    crowd.leave(8)  # or it would take the place of an ended flow before that one's record is out: ended ones make room
    crowd.leave(2, 3, 4, 7)
    for port in (2, 3, 4, 7):
        [records] = lab.ended(1, *crowd.key(port))
        expect_exact(records, lab.referee.of(*crowd.key(port)), f"full store, {port}")
    crowd.say(9)
    wait_for("a newcomer", lambda: lab.flow("sport=9"))
    lab.polled()
    lab.stop()
    expect_exact(lab.connections(*crowd.key(9))[0], lab.referee.of(*crowd.key(9)), "begun when there was room again")
    expect_times_in_order(lab.records(), "every record")


def main():
    lab = Lab("end-reason")
    lab.export()
    tcp_states(lab)
    idle_and_active(lab)
    full_store(lab)
    return 0


sys.exit(main())
