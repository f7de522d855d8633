"""100,000 connections that come and go within one poll, while dumps of a million entries are under way: each is one
record with exact counters, and the loop turns meanwhile."""

import sys

from conntrack_node import ConntrackNode, RaisedLimits, differences
from harness import Testbed, expect, wait_for

ENTRIES, CONNECTIONS, RATE = 1_000_000, 100_000, 20_000
LONGEST_TURN_MS = 20


def check(node):
    node.fill(ENTRIES)
    node.start_exporter()
    wait_for("all entries in the store", lambda: node.status()["store"]["flows"] >= ENTRIES, 120)
    dumped = node.status()["conntrack"]["kernel"]["entries"]
    churn = node.churn(CONNECTIONS, RATE, seed=1)
    slowest_answer = 0.0
    while churn.poll() is None:
        node.exporter.appctl("flow/list", "limit=1")
        slowest_answer = max(slowest_answer, node.status()["loop"]["longestMs"])
    summary, expected = node.finish(churn)
    dumped = node.status()["conntrack"]["kernel"]["entries"] - dumped
    expect(len(expected) == CONNECTIONS, f"{CONNECTIONS} connections at {summary['rate']:.0f} a second")
    expect(dumped > ENTRIES // 2, f"{dumped} entries were dumped meanwhile")
    found = {}

    def all_found():
        found.update(node.records_of(expected))
        return len(found) == CONNECTIONS or None
    wait_for("a record of each", lambda: node.status()["store"]["endedWaiting"] == 0, 60)
    wait_for("a record of each", all_found, 60, interval=3)
    expect(True, f"0 of {CONNECTIONS} are missing")
    wrong = differences(expected, found)
    expect(not wrong, "each is one record, totals and deltas exact: " + "; ".join(wrong[:5]))
    status = node.status()
    events, loop = status["conntrack"]["events"], status["loop"]
    expect(events["eventsLost"] == 0 and events["new"] >= CONNECTIONS, f"no event was lost: {events}")
    expect(status["store"]["flows"] == ENTRIES, "the entries that stayed are still there")
    expect(status["store"]["endsNotRemembered"] == 0, "every end was remembered until its dump was over")
    expect(loop["p999Ms"] <= LONGEST_TURN_MS, f"99.9 % of the loop's turns took at most {LONGEST_TURN_MS} ms: {loop}")
    print(f"process: {status['process']}; last poll {status['conntrack']['lastPollMs']} ms")


def main():
    testbed = Testbed("events")
    with RaisedLimits(2 * ENTRIES):
        check(ConntrackNode(testbed, poll="5s"))
        testbed.close()
    return 0


sys.exit(main())
