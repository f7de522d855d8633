"""Zones of the kernel's conntrack: one connection tracked in two of them is one flow; a zone that is emptied, no longer
watched, or watched again."""

import sys

from conntrack_lab import END_OF_FLOW, FORCED, TCP, UDP, Lab, deltas, difference, expect_exact, shown, totals
from harness import expect, wait_for
from looped_pods import FIRST_ZONE, SECOND_ZONE, LoopedPods
from namespace_sockets import TcpTalk, UdpTalk, listen, udp

V4_ZONE, V6_ZONE = 65520, 65510  # of routed_pods
ENTRY_GONE = ("-D", "-p", "udp", "--orig-port-src")


def one_connection_in_two_zones(lab):
    (client, source, _), (server, target, _) = lab.pods.pods
    listener = listen(server, target, 5201)
    talk = TcpTalk(client, source, 41001, listener)
    talk.say(50000, 2000)
    key = (source, target, TCP, 41001, 5201)
    in_zones = lab.entries("-p", "tcp", "-d", target)
    expect({zone for zone, *_ in in_zones} == {FIRST_ZONE, SECOND_ZONE}, "the kernel tracks the connection in both zones")
    lab.polled()
    flows = lab.exporter.flows("proto=tcp", f"dst={target}")
    expect(len(flows) == 1 and flows[0]["zone"] in (FIRST_ZONE, SECOND_ZONE), "it is one flow, counted in one of them")
    expect(shown(flows[0]) == lab.referee.of(*key), f"with that zone's counters alone: {shown(flows[0])}")
    talk.say(1000, 1)
    talk.close()
    lab.polled()
    lab.conntrack("-D", "-p", "tcp", "--orig-port-src", 41001)
    series = lab.ended(1, *key)
    expect_exact(series[0], lab.referee.of(*key), "tcp in two zones")
    lab.polled(2)
    expect(len(lab.connections(*key)) == 1, "and one stream of records")


def gone_from_one_zone(lab, port, counting_first):
    """UDP, so that nothing but the test moves the entries."""
    (client, source, _), (server, target, _) = lab.pods.pods
    receiver = udp(server, target, port)
    talk = UdpTalk(udp(client, source, port), receiver)
    talk.say(6, 100, 2, 50)
    key = (source, target, UDP, port, port)
    lab.polled()
    flow = lab.flow(f"sport={port}")
    other = {FIRST_ZONE: SECOND_ZONE, SECOND_ZONE: FIRST_ZONE}[flow["zone"]]
    first, last = (flow["zone"], other) if counting_first else (other, flow["zone"])
    lab.conntrack(*ENTRY_GONE, port, "-w", first)
    lab.polled(3)
    flow = lab.flow(f"sport={port}")
    what = "its counters" if counting_first else "the other zone"
    expect(flow["state"] == "live" and shown(flow) == lab.referee.of(*key), f"gone from the zone of {what}, it lives on")
    lab.conntrack(*ENTRY_GONE, port, "-w", last)
    [records] = lab.ended(1, *key)
    expect_exact(records, lab.referee.of(*key), f"udp gone from the zone of {what} first")
    expect(records[-1]["flowEndReason"] == END_OF_FLOW, "gone from both, it ended")


def tracked_anew_in_the_counting_zone(lab):
    """The entry of the counting zone is replaced while the other zone's goes on."""
    (client, source, _), (server, target, _) = lab.pods.pods
    receiver = udp(server, target, 5400)
    talk = UdpTalk(udp(client, source, 5400), receiver)
    key = (source, target, UDP, 5400, 5400)
    talk.say(5, 100, 5, 10)
    lab.polled()
    first = lab.referee.of(*key)
    lab.conntrack(*ENTRY_GONE, 5400, "-w", lab.flow("sport=5400")["zone"])
    talk.say(3, 100, 1, 10)
    second = difference(lab.referee.of(*key), first)
    lab.polled()
    lab.conntrack(*ENTRY_GONE, 5400)
    series = lab.ended(2, *key)
    for records, truth in zip(series, (first, second)):
        expect_exact(records, truth, f"tracked anew, {truth[0]} packets")


class Talkers:
    """A UDP connection in either zone."""

    def __init__(self, lab, port):
        (client, *sources), (server, *targets) = lab.pods.pods
        self.lab, self.port, self.keys, self.talks = lab, port, {}, {}
        for zone, source, target in zip((V4_ZONE, V6_ZONE), sources, targets):
            self.keys[zone] = (source, target, UDP, port, port)
            self.talks[zone] = UdpTalk(udp(client, source, port), udp(server, target, port))

    def say(self):
        for talk in self.talks.values():
            talk.say(4, 200, 2, 70)

    def flow(self, zone):
        return self.lab.flow(f"zone={zone}", f"sport={self.port}", "state=live")

    def truth(self, zone):
        return self.lab.referee.of(*self.keys[zone])


def emptied_zone(lab):
    talkers = Talkers(lab, 5501)
    talkers.say()
    wait_for("both flows", lambda: talkers.flow(V4_ZONE) and talkers.flow(V6_ZONE))
    lab.polled()
    lab.conntrack("-D", "-f", "ipv6", "-w", V6_ZONE)
    [records] = lab.ended(1, *talkers.keys[V6_ZONE])
    expect_exact(records, talkers.truth(V6_ZONE), "in a zone that was emptied")
    expect(records[-1]["flowEndReason"] == END_OF_FLOW, "it ended by itself")
    lab.polled()
    expect(shown(talkers.flow(V4_ZONE)) == talkers.truth(V4_ZONE), "the other zone's flow lives on")
    lab.conntrack("-D", "-w", V4_ZONE)


def zones_taken_out_and_put_back(lab):
    talkers = Talkers(lab, 5502)
    talkers.say()
    wait_for("both flows", lambda: talkers.flow(V4_ZONE) and talkers.flow(V6_ZONE))
    lab.polled()
    watched = talkers.truth(V6_ZONE)
    lab.exporter.configure(lab.config(zones=[V4_ZONE]))
    [records] = lab.ended(1, *talkers.keys[V6_ZONE])
    expect_exact(records, watched, "in a zone taken out of the settings")
    expect(records[-1]["flowEndReason"] == FORCED, "forced end: the connection goes on, unwatched")
    talkers.say()
    lab.polled()
    expect(talkers.flow(V6_ZONE) is None, "an unwatched zone shows nothing")
    expect(shown(talkers.flow(V4_ZONE)) == talkers.truth(V4_ZONE), "the zone that stayed goes on counting")

    lab.exporter.configure(lab.config(zones=[V4_ZONE, V6_ZONE, 7]))
    wait_for("the connection again", lambda: talkers.flow(V6_ZONE))
    lab.polled()
    unwatched = difference(talkers.truth(V6_ZONE), watched)
    newcomers = Talkers(lab, 5503)
    for talking in (talkers, newcomers):
        talking.say()
    wait_for("the newcomer", lambda: newcomers.flow(V6_ZONE))
    lab.polled()
    for zone, family in ((V4_ZONE, "ipv4"), (V6_ZONE, "ipv6")):
        lab.conntrack("-D", "-f", family, "-w", zone)
    series = lab.ended(2, *talkers.keys[V6_ZONE])
    expect(totals(series[1][-1]) == talkers.truth(V6_ZONE), "put back: totals are the kernel's")
    counted = tuple(map(sum, zip(deltas(series[0]), deltas(series[1]))))
    expect(counted == difference(talkers.truth(V6_ZONE), unwatched),
           f"put back: deltas {counted} are what was sent while the zone was watched, nothing twice")
    [records] = lab.ended(1, *newcomers.keys[V6_ZONE])
    expect_exact(records, newcomers.truth(V6_ZONE), "begun after the zone was put back")
    [records] = lab.ended(1, *talkers.keys[V4_ZONE])
    expect_exact(records, talkers.truth(V4_ZONE), "in the zone that stayed")


def main():
    lab = Lab("two-zones", LoopedPods)
    lab.export()
    one_connection_in_two_zones(lab)
    gone_from_one_zone(lab, 5301, counting_first=False)
    gone_from_one_zone(lab, 5302, counting_first=True)
    tracked_anew_in_the_counting_zone(lab)
    expect(lab.status()["store"]["zoneMembershipsDropped"] == 0, "no zone had to be forgotten for want of room")
    lab.stop()
    lab.testbed.close()
    lab = Lab("zones")
    lab.export()
    emptied_zone(lab)
    zones_taken_out_and_put_back(lab)
    lab.stop()
    return 0


sys.exit(main())
