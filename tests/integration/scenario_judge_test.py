"""The scenario's judge finds what is wrong: records made by hand, wrong in one place each."""

import unittest

from scenario import TCP, UDP, Connection
from scenario_judge import Truth, by_client, judge, judge_denied, within

TRUTH = (10, 1000, 5, 500)
CONNECTION = Connection("TCP", "10.0.0.1", TCP, 1000)


def record(totals=TRUTH, deltas=TRUTH, **more):
    names = ("packet", "octet", "reversePacket", "reverseOctet")
    counters = {f"{name}TotalCount": total for name, total in zip(names, totals)}
    counters |= {f"{name}DeltaCount": delta for name, delta in zip(names, deltas)}
    return {"sourceIPv4Address": "10.0.0.1", "destinationIPv4Address": "10.0.0.2", "protocolIdentifier": TCP,
            "sourceTransportPort": 1000, "destinationTransportPort": 80, "flowStartSeconds": "2026-01-01T00:00:00Z",
            **counters, **more}


class CountsOnly:
    """A referee that saw one connection, and fragments beside it."""

    def __init__(self, source, later):
        self.source, self.later = source, later

    def counted(self):
        return {(self.source, "server", UDP, 1000, 53): (4, 6000), ("server", self.source, UDP, 53, 1000): (4, 200)}

    def counted_echoes(self):
        return {}

    def counted_later_fragments(self):
        return {(self.source, "server", UDP): self.later}


class Judge(unittest.TestCase):
    def problem(self, records, must_be_exact=False):
        return judge(CONNECTION, records, TRUTH, must_be_exact)

    def test_exact_ones(self):
        half = (5, 500, 2, 250)
        rest = (5, 500, 3, 250)
        self.assertEqual(self.problem([record(half, half), record(TRUTH, rest)], True), ("exact", ""))
        for i in range(4):
            wrong = tuple(n + (i == k) for k, n in enumerate(TRUTH))
            self.assertIn("SILENTLY WRONG", self.problem([record(wrong, wrong)])[1])

    def test_marked_ones(self):
        off = (9, 800, 5, 500)
        self.assertEqual(self.problem([record(off, off, relativeError=25.0)]), ("marked", ""))
        self.assertIn("has to be exact", self.problem([record(relativeError=25.0)], True)[1])
        far = (9, 800000, 5, 500)
        self.assertIn("in truth", self.problem([record(far, far, relativeError=25.0)])[1])
        self.assertFalse(within((10, 10, 0, 0), (10, 100_000, 0, 0), 100))
        self.assertFalse(within((0, 0, 0, 0), (13, 0, 0, 0), 1_000_000))

    def test_missing_split_and_deltas(self):
        self.assertEqual(self.problem([])[0], "missing")
        self.assertEqual(self.problem([record(), record(flowStartSeconds="2026-01-01T00:00:09Z")])[0], "split")
        self.assertEqual(self.problem([record(), record(destinationTransportPort=81)])[0], "split")
        self.assertIn("deltas", self.problem([record(), record()])[1])

    def test_denied(self):
        def problems(*records):
            return judge_denied(by_client(records)[1])
        tcp, udp = (record((1, 60, 0, 0), firewallEvent=3, destinationTransportPort=9, protocolIdentifier=p)
                    for p in (TCP, UDP))
        self.assertEqual(problems(tcp, udp), [])
        self.assertEqual(len(problems(tcp)), 1)
        self.assertEqual(len(problems(tcp, udp, {**tcp, "destinationTransportPort": 80})), 1)
        self.assertEqual(len(problems(tcp, {**udp, "packetTotalCount": 2})), 1)

    def test_fragments(self):
        for source, later, whole in (("10.0.0.1", (8, 10272), 10272 - 8 * 20),
                                     ("fd00::1", (8, 10608), 10608 - 8 * 48 - 4 * 8)):
            connection = Connection("UDP", source, UDP, 1000, fragmented=True)
            referee = CountsOnly(source, later)
            self.assertEqual(Truth(referee, False).of(connection), (12, 6000 + later[1], 4, 200))
            self.assertEqual(Truth(referee, True).of(connection), (4, 6000 + whole, 4, 200))


if __name__ == "__main__":
    unittest.main()
