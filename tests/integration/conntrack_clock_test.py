"""The wall clock is set while connections live; the monotonic one is not. Nothing is counted twice or left out, no flow ends
or begins by it, deadlines are kept, and no record ends before it starts."""

import datetime
import sys

from conntrack_lab import TCP, UDP, Lab, deltas, difference, expect_exact, expect_times_in_order, totals
from harness import expect, wait_for
from namespace_sockets import TcpTalk, UdpTalk, listen, udp
from settable_clock import SettableClock

HOUR = 3600
PORT = 5201


class Connection:
    """Over UDP; its entry goes when the test says so."""

    def __init__(self, lab, port):
        (client, source, _), (server, target, _) = lab.pods.pods
        self.lab, self.port, self.key = lab, port, (source, target, UDP, port, port)
        self.talk = UdpTalk(udp(client, source, port), udp(server, target, port))

    def say(self):
        self.talk.say(4, 100, 3, 60)

    def truth(self):
        return self.lab.referee.of(*self.key)

    def flow(self):
        return self.lab.flow(f"sport={self.port}")

    def end(self):
        """Its records."""
        self.lab.conntrack("-D", "-p", "udp", "--orig-port-src", self.port)
        [records] = self.lab.ended(1, *self.key)
        return records


def shown_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def clock_set(lab, clock, seconds, living, port):
    """Sets the clock; what lived goes on, what begins and ends afterwards is whole."""
    direction = f"an hour {'forward' if seconds > 0 else 'back'}, clock at {(clock.offset_s + seconds) // HOUR:+} h"
    before = {connection: len(lab.connections(*connection.key)[0]) for connection in living}
    store = lab.status()["store"]
    clock.step(seconds)
    for connection in living:
        connection.say()
    lab.polled(2)
    last = shown_time(lab.status()["conntrack"]["lastPoll"])
    expect(abs(last - clock.now()) < HOUR / 2, f"{direction}: polls go on, by the clock as it is set")
    wait_for("records of what lives", lambda: all(
        len(lab.connections(*connection.key)[0]) >= count + 3 for connection, count in before.items()))
    expect(True, f"{direction}: living flows are exported as often as before")

    born, passing = Connection(lab, port), Connection(lab, port + 1)
    born.say()
    passing.say()
    wait_for("the new connections", lambda: born.flow() and passing.flow())
    lab.polled()
    born.say()
    expect(born.flow()["birthSeen"], f"{direction}: a connection that begins now is known to be new")
    expect_exact(passing.end(), passing.truth(), f"{direction}, begun and ended since")
    lab.polled()
    expect(lab.status()["store"]["restarted"] == store["restarted"], f"{direction}: no flow begins anew")
    expect(lab.status()["store"]["ended"] == store["ended"] + 1, f"{direction}: no flow ends")
    return born


def before_the_exporter(lab, clock):
    """A connection begun by a clock that was ahead and has been put right since: its start lies in the future when the
    exporter starts, and was not seen by it."""
    past = Connection(lab, 41090)
    past.say()
    wait_for("the connection", past.flow)
    lab.polled()
    lab.stop()
    seen_by_the_first, old_series = past.truth(), lab.connections(*past.key)
    expect(deltas(old_series[0]) == seen_by_the_first, "an exporter before a restart has counted the connection so far")
    clock.step(-HOUR)
    lab.export(environment=clock.environment)
    wait_for("the connection again", past.flow)
    past.say()
    lab.polled()
    expect(shown_time(past.flow()["start"]) > clock.now() + HOUR / 2, "its start lies in the future")
    records = past.end()
    expect(totals(records[-1]) == past.truth(), "after a restart on a clock set back: the totals are the kernel's")
    added = difference(past.truth(), seen_by_the_first)
    expect(deltas(records) == added, f"and the deltas {deltas(records)} only what was added, nothing twice")


def main():
    lab = Lab("clock")
    clock = SettableClock(lab.testbed.folder)
    (client, source, _), (server, target, _) = lab.pods.pods
    lab.export(environment=clock.environment)
    tcp = TcpTalk(client, source, 41001, listen(server, target, PORT))
    tcp_key = (source, target, TCP, 41001, PORT)
    tcp.say(5000, 500)
    living = [Connection(lab, 41002)]
    living[0].say()
    wait_for("both connections", lambda: lab.flow("sport=41001") and living[0].flow())
    wait_for("their records", lambda: lab.connections(*tcp_key) and lab.connections(*living[0].key))
    for place, seconds in enumerate((-HOUR, HOUR, HOUR)):
        living.append(clock_set(lab, clock, seconds, list(living), 41010 + 10 * place))
        tcp.say(700, 70)
    for connection in living:
        expect_exact(connection.end(), connection.truth(), f"through every step, {connection.port}")
    tcp.close()
    lab.polled()
    lab.conntrack("-D", "-p", "tcp", "--orig-port-src", 41001)
    expect_exact(lab.ended(1, *tcp_key)[0], lab.referee.of(*tcp_key), "through every step, TCP")
    expect_times_in_order(lab.records(), "every record")
    before_the_exporter(lab, clock)
    lab.stop()
    expect_times_in_order(lab.records(), "every record")
    expect(True, "no record ends before it starts")
    return 0


sys.exit(main())
