"""Counters of the kernel's conntrack that others got wrong: zeroed while a connection lives, switched on after it began,
and those of connections nobody answers."""

import signal
import sys

from conntrack_lab import COUNTS, TCP, UDP, Lab, deltas, difference, expect_exact, shown, totals
from harness import expect, run, wait_for
from namespace_sockets import TcpTalk, UdpTalk, connect, listen, udp

DEAF = "table inet deaf { chain input { type filter hook input priority 0; th dport { 5204, 5205 } drop; }; }"


def accounting_switched_on_late(lab):
    """A connection that the kernel began to track while it did not count is never counted: it says so, and no number is
    made up for it. One begun afterwards is counted from its first packet."""
    (client, source, _), (server, target, _) = lab.pods.pods
    listener, receiver = listen(server, target, 5201), udp(server, target, 5202)
    for setting in ("acct", "timestamp"):
        state = lab.on_node("sysctl", "-n", f"net.netfilter.nf_conntrack_{setting}").strip()
        expect(state == "0", f"nf_conntrack_{setting} is off in a new namespace")
    old = TcpTalk(client, source, 41001, listener)
    old.say(3000, 100)
    lab.export()
    kernel = lab.status()["conntrack"]["kernel"]
    expect(kernel["accounting"] and kernel["timestamps"] and kernel["problem"] == "", "the exporter switched both on")
    old.say(3000, 100)
    new = UdpTalk(udp(client, source, 41002), receiver)
    new.say(9, 300, 4, 80)
    wait_for("the new connection", lambda: lab.flow("sport=41002"))
    lab.polled()
    entry = lab.entries("-p", "tcp", "-d", target)[65520, source, target, TCP, 41001, 5201]
    expect(not entry.counted, "the kernel has no counters of the old connection, for all its life")
    flow = lab.flow("sport=41001")
    expect(flow["statistics"] == "none" and shown(flow) == (0, 0, 0, 0), "flow/list: statistics none, zero counters")
    expect(lab.status()["store"]["withoutStatistics"] >= 1, "exporter/status counts it")
    expect(lab.flow("sport=41002")["statistics"] == "exact", "the new one is exact")
    old.close()
    lab.conntrack("-D", "-d", target)
    [records] = lab.ended(1, source, target, TCP, 41001, 5201)
    expect(not any(any(totals(record)) or any(deltas([record])) for record in records), "its records say zero throughout")
    key = (source, target, UDP, 41002, 5202)
    expect_exact(lab.ended(1, *key)[0], lab.referee.of(*key), "begun after accounting was on")
    listener.close()
    receiver.close()


def zeroed(lab, sport, say_before_the_poll):
    """`conntrack -Z`, as an operator or another collector does: what was counted stays counted, nothing is counted again.
    Counters that went back are a new baseline: of the packets between the zeroing and the next poll nothing is known."""
    (client, source, _), (server, target, _) = lab.pods.pods
    key = (source, target, UDP, sport, 5203)
    receiver = udp(server, target, 5203)
    talk = UdpTalk(udp(client, source, sport), receiver)
    talk.say(20, 400, 10, 90)
    lab.polled()
    before, steps = lab.referee.of(*key), lab.status()["store"]["counterStepsBack"]
    lab.exporter.process.send_signal(signal.SIGSTOP)  # no poll between the zeroing and the packets
    lab.conntrack("-L", "-z")
    talk.say(say_before_the_poll, 400, say_before_the_poll, 90)
    lab.exporter.process.send_signal(signal.SIGCONT)
    lab.polled()
    baseline = lab.referee.of(*key)
    entry = lab.entries("-p", "udp", "--orig-port-src", sport)[65520, *key]
    expect(entry.counters == difference(baseline, before), f"the kernel counts from zero again: {entry.counters}")
    expect(shown(lab.flow(f"sport={sport}")) == entry.counters, "totals are the kernel's")
    expect(lab.status()["store"]["counterStepsBack"] > steps, "exporter/status counts the step back")
    talk.say(7, 400, 7, 90)
    lab.polled()
    after = difference(lab.referee.of(*key), baseline)
    lab.conntrack("-D", "-p", "udp", "--orig-port-src", sport)
    series = lab.ended(1, *key)
    [records] = series
    for record in records:
        assert all(0 <= record[f"{count}DeltaCount"] <= before[place] for place, count in enumerate(COUNTS)), record
    expect(len(series) == 1, "one flow, and no delta is negative (a number beyond all that was sent)")
    expected = tuple(map(sum, zip(before, after)))
    expect(deltas(records) == expected, f"deltas {deltas(records)}: before and after the step, no octet twice")
    receiver.close()


def unanswered(lab):
    """A SYN to nowhere and datagrams nobody answers are connections that were tried: exported, with nothing back."""
    (client, source, _), (server, target, _) = lab.pods.pods
    run("ip", "netns", "exec", server, "nft", "-f", "-", input=DEAF)
    datagrams = udp(client, source, 41004)
    datagrams.connect((target, 5204))
    for _ in range(5):
        datagrams.send(b"x" * 250)
    try:
        # Given up before TCP sends the SYN again: conntrack does not count that one ("do not renew timeout on SYN
        # retransmit", nf_conntrack_proto_tcp.c), so that no reader of it can.
        connect(client, source, 41005, (target, 5205), seconds=0.5)
    except TimeoutError:
        pass
    lab.polled()
    states = {entry.key[2]: entry for entry in lab.entries("-d", target).values() if entry.original["sport"] in (41004, 41005)}
    expect(not any(entry.replied for entry in states.values()), "the kernel calls both unreplied")
    ours, kernels = lab.flow("sport=41005")["tcpState"], states[TCP].state
    expect((ours, kernels) == ("SYN_SENT", "SYN_SENT"), f"TCP state {ours} is the kernel's {kernels}")
    for protocol, sport, dport in ((UDP, 41004, 5204), (TCP, 41005, 5205)):
        key = (source, target, protocol, sport, dport)
        lab.conntrack("-D", "-p", {UDP: "udp", TCP: "tcp"}[protocol], "--orig-port-src", sport)
        [records] = lab.ended(1, *key)
        expect_exact(records, lab.referee.of(*key), f"unanswered, protocol {protocol}")
        expect(totals(records[-1])[2:] == (0, 0) and totals(records[-1])[0] > 0, "nothing came back")


def main():
    lab = Lab("counters")
    accounting_switched_on_late(lab)
    zeroed(lab, 41010, say_before_the_poll=0)
    zeroed(lab, 41011, say_before_the_poll=3)
    unanswered(lab)
    lab.stop()
    return 0


sys.exit(main())
