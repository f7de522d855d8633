"""What became of connections: records against the file that conntrack-churn wrote."""

import json


def completeness(records, expected):
    """recorded: connections with at least one record; exact: those whose last record's totals are what was sent."""
    wanted = {}
    for line in expected.splitlines():
        source, destination, protocol, sport, dport, *counters = line.split()
        wanted[source, destination, int(protocol), int(sport), int(dport)] = tuple(map(int, counters))
    totals = {}
    for line in records.splitlines():
        record = json.loads(line)
        key = tuple(record.get(name) for name in ("sourceIPv4Address", "destinationIPv4Address", "protocolIdentifier",
                                                  "sourceTransportPort", "destinationTransportPort"))
        if key in wanted:
            totals[key] = tuple(record.get(name) for name in ("packetTotalCount", "octetTotalCount",
                                                              "reversePacketTotalCount", "reverseOctetTotalCount"))
    return {"recorded": len(totals), "exact": sum(wanted[key] == total for key, total in totals.items())}
