"""Holds what the collector got of the scenario against the referee: each connection is exact or says that it is not."""

import collections

from conntrack_lab import deltas, key_of, totals
from scenario import DENIED_PORT, ICMP, ICMPV6, TCP, UDP

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
IPV4_HEADER, IPV6_HEADER, FRAGMENT_HEADER = 20, 40, 8
# Packets that ovs-vswitchd handles itself until each stage's flow is installed count in no datapath flow.
UPCALLS_PER_DIRECTION, LONGEST_PACKET = 12, 1500


class Truth:
    """(packets, octets, packets back, octets back) of a connection, as they passed the Pods' interfaces. `reassembled`:
    as connection tracking of the kernel counts, which puts fragments together first."""

    def __init__(self, referee, reassembled):
        self.counted, self.echoes, self.later = (referee.counted(), referee.counted_echoes(),
                                                 referee.counted_later_fragments())
        self.reassembled = reassembled

    def of(self, connection):
        return self._sum(connection, 0) + self._sum(connection, 1)

    def _sum(self, connection, way):
        """The way there by the client's address and port as source, the way back as destination: whatever the other
        end's are, in front of a Service or behind it."""
        if connection.protocol in (TCP, UDP):
            found = [(key, count) for key, count in self.counted.items()
                     if (key[way], key[2], key[3 + way]) == (connection.client, connection.protocol, connection.port)]
        else:
            found = [(key, count) for key, count in self.echoes.items()
                     if (key[way], key[2]) == (connection.client, connection.port)]
        packets, octets = (sum(count[i] for _, count in found) for i in (0, 1))
        if not connection.fragmented:
            return packets, octets
        return self._with_fragments(connection, packets, octets, {key[:2] for key, _ in found})

    def _with_fragments(self, connection, packets, octets, ends):
        """Of the scenario's connections between the same addresses one is in fragments, of each protocol."""
        later_packets, later_octets = (sum(self.later.get((*pair, connection.protocol), (0, 0))[i] for pair in ends)
                                       for i in (0, 1))
        if not self.reassembled or later_packets == 0:
            return packets + later_packets, octets + later_octets
        if connection.ipv4:
            return packets, octets + later_octets - IPV4_HEADER * later_packets
        return packets, (octets - FRAGMENT_HEADER * packets + later_octets
                         - (IPV6_HEADER + FRAGMENT_HEADER) * later_packets)


def by_client(records):
    """{(address, protocol, port): records of it} of connections, {key: records} of what was denied."""
    connections, denied = collections.defaultdict(list), collections.defaultdict(list)
    for record in records:
        key = key_of(record)
        (denied[key] if "firewallEvent" in record else connections[key[0], key[2], key[3]]).append(record)
    return connections, denied


def within(ours, truth, error_percent):
    """Of each counter: the truth is no further away than the record says, but for upcalls."""
    slack = (UPCALLS_PER_DIRECTION, UPCALLS_PER_DIRECTION * LONGEST_PACKET) * 2
    return all(mine * (1 - error_percent / 100) - 1 <= real <= mine * (1 + error_percent / 100) + more
               for mine, real, more in zip(ours, truth, slack))


def judge(connection, records, truth, must_be_exact):
    """(verdict, problem): "exact" or "marked"; the problem is empty when there is none."""
    if not records:
        return "missing", f"no record of {connection}"
    if len({key_of(record)[1:] for record in records}) != 1 or len({r["flowStartSeconds"] for r in records}) != 1:
        return "split", f"records of more than one connection: {connection}"
    last = records[-1]
    ours, error = totals(last), last.get("relativeError")
    verdict = "exact" if error is None else "marked"
    if deltas(records) != ours:
        return verdict, f"{connection}: deltas of {len(records)} records sum to {deltas(records)}, the total is {ours}"
    if error is None:
        return verdict, "" if ours == truth else f"{connection}: SILENTLY WRONG, {ours} instead of {truth}"
    if must_be_exact:
        return verdict, f"{connection}: marked with {error:.0f} %, {ours} of {truth}; it has to be exact"
    if not within(ours, truth, error):
        return verdict, f"{connection}: {ours} with up to {error:.0f} % of error, in truth {truth}"
    return verdict, ""


def judge_all(connections, records, truth, must_be_exact):
    """Prints a line each; the problems."""
    found, denied = by_client(records)
    problems, seen = [], collections.Counter()
    for connection in connections:
        mine = found.pop(connection.key, [])
        real = truth.of(connection)
        verdict, problem = judge(connection, mine, real, must_be_exact(connection))
        seen[verdict] += 1
        error = mine[-1].get("relativeError") if mine else None
        print(f"   {connection}: {verdict}{'' if error is None else f' {error:.0f} %'}, "
              f"{totals(mine[-1]) if mine else None}, in truth {real}", flush=True)
        problems += [problem] if problem else []
    for key in found:
        problems.append(f"records of a connection that nobody made: {key}")
    problems += judge_denied(denied)
    print(f"   {dict(seen)}, {len(denied)} denied", flush=True)
    return problems


def judge_denied(denied):
    """Of both attempts; nothing else was. Their counts are lower bounds of one packet."""
    wrong = [f"exported as denied: {key}" for key in denied if key[4] != DENIED_PORT]
    missing = [f"no record of the attempt over protocol {protocol} that was denied" for protocol in (TCP, UDP)
               if not any(key[2] == protocol for key in denied)]
    many = [f"{key}: {totals(records[-1])} of one denied packet" for key, records in denied.items()
            if records[-1]["packetTotalCount"] > 1]
    return wrong + missing + many
