"""The demo's check, on made-up counters and records: a right set passes, every single fault is found.

The readings are built from the traffic plan, packet by packet place; the records from the readings' numbers. Neither
uses the derivation under test.
"""

import copy
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "demo"))

import check  # noqa: E402
import cluster  # noqa: E402
import referee  # noqa: E402
import result  # noqa: E402
import traffic  # noqa: E402

BEGAN, ENDED = 1_700_000_000, 1_700_000_060
START, ENDS = "2023-11-14T22:13:25Z", ("2023-11-14T22:13:28Z", "2023-11-14T22:13:31Z", "2023-11-14T22:13:40Z")
NUMBERS = {"tcp": 6, "udp": 17, "probe": 6}


def connection(drawn, talk):
    """(key as the client opens it, key as the server sees it, their replies) of a talk's first connection."""
    source, destination, port = talk["source"], talk["destination"], talk["port"]
    if talk["protocol"] == "ping":
        v6 = ":" in source
        protocol, request, reply = (58, 128 << 8, 129 << 8) if v6 else (1, 8 << 8, 0)
        there = (source, destination, protocol, talk["first_port"], request)
        back = (destination, source, protocol, talk["first_port"], reply)
        return there, there, back, back
    protocol = NUMBERS[talk["protocol"]]
    there = (source, destination, protocol, talk["first_port"], port)
    back = (destination, source, protocol, port, talk["first_port"])
    for service in drawn.services:
        if service.cluster_ip == destination:
            endpoint, target = service.endpoint.ipv4, service.target_port
            return (there, (source, endpoint, protocol, talk["first_port"], target), back,
                    (endpoint, source, protocol, target, talk["first_port"]))
    return there, there, back, back


def counted(drawn):
    """Readings as nftables would give them, and the list of (talk, server-side key, forward, reverse)."""
    readings = {p.name: {"sent": {}, "received": {}} for p in drawn.pods}
    readings.update({n.name: {"received": {}} for n in drawn.nodes})
    made = []
    number = 0
    for speaker, talks in traffic.plan(drawn).items():
        for talk in talks:
            number += 1
            forward, reverse = (10 + number, 1000 + 7 * number), (9 + number, 50000 + 11 * number)
            there, there_dnat, back, back_dnat = connection(drawn, talk)
            server = drawn.pod_at(there_dnat[1])
            denied = talk["protocol"] == "probe"
            if "sent" in readings[speaker]:
                readings[speaker]["sent"][there] = forward
            if not denied:
                readings[speaker]["received"][back] = reverse
                if server is None:
                    readings[drawn.node_at(there[1]).name]["received"][there] = forward
                else:
                    readings[server.name]["received"][there_dnat] = forward
                    readings[server.name]["sent"][back_dnat] = reverse
            made.append((speaker, talk, there, there_dnat, forward, reverse))
    return readings, made


def split(total):
    return [total // 3, total // 4, total - total // 3 - total // 4]


def records_of(drawn, speaker, there, there_dnat, forward, reverse, exact):
    """Three records of one connection, the last with all of its counters."""
    client, server = drawn.pod_at(there[0]), drawn.pod_at(there_dnat[1])
    node = drawn.node_named(client.node if client else speaker)
    family = "IPv6" if ":" in there[0] else "IPv4"
    base = {"_domain": node.observation_domain, "flowStartSeconds": START,
            f"source{family}Address": there[0], f"destination{family}Address": there_dnat[1],
            "protocolIdentifier": there[2], "sourceTransportPort": there_dnat[3],
            "destinationTransportPort": there_dnat[4]}
    for side, pod in (("source", client), ("destination", server)):
        local = pod is not None and pod.node == node.name
        base[f"{side}PodName"] = pod.name if local else ""
        base[f"{side}PodNamespace"] = pod.namespace if local else ""
        base[f"{side}NodeName"] = node.name if local or pod is None else ""
    service = next((s for s in drawn.services if s.cluster_ip == there[1]), None)
    base["destinationServicePortName"] = f"{service.namespace}/{service.name}:{service.port_name}" if service else ""
    if family == "IPv4":
        base["destinationClusterIP"] = there[1] if service else "0.0.0.0"
    counters = {"packet": forward[0], "octet": forward[1], "reversePacket": reverse[0], "reverseOctet": reverse[1]}
    out = []
    for place, reason in enumerate((2, 2, 4)):
        record = {**base, "flowEndSeconds": ENDS[place], "flowEndReason": reason}
        for name, total in counters.items():
            deltas = split(total if exact else 0)
            record[f"{name}DeltaCount"], record[f"{name}TotalCount"] = deltas[place], sum(deltas[: place + 1])
        out.append(record)
    return out


class DemoCheck(unittest.TestCase):
    SEED = 20240607

    def setUp(self):
        self.cluster = cluster.draw(self.SEED)
        self.readings, self.made = counted(self.cluster)
        self.flows = {}  # server-side key → its records
        for speaker, talk, there, there_dnat, forward, reverse in self.made:
            if talk["protocol"] != "probe":
                exact = ":" not in there[0] and there[2] in (6, 17)
                self.flows[there_dnat] = records_of(self.cluster, speaker, there, there_dnat, forward, reverse, exact)

    def failed(self, datapath="netdev", readings=None):
        records = [r for rs in self.flows.values() for r in rs]
        results = check.check(self.cluster, readings or self.readings, records, datapath, BEGAN, ENDED)
        result.report(results)  # whatever came out can be printed
        return {r.name: r.problems for r in results if not r.ok}

    def find(self, wanted):
        """Key of the first made connection that satisfies wanted(speaker, talk, opening key)."""
        return next(dnat for speaker, talk, there, dnat, _, _ in self.made
                    if talk["protocol"] != "probe" and wanted(speaker, talk, there))

    def tcp_to_service(self):
        return self.find(lambda _, talk, there: talk["protocol"] == "tcp" and self.cluster.service_at(
            there[1], there[4], 6))

    def same_node(self):
        first, second = self.cluster.nodes[0].pods
        return self.find(lambda s, talk, there: talk["protocol"] == "tcp" and there[:2] == (first.ipv4, second.ipv4))

    def across(self, family=4):
        here, there_pods = (n.pods for n in self.cluster.nodes)
        return self.find(lambda s, talk, k: talk["protocol"] == "tcp" and k[0] in [p.address(family) for p in here]
                         and k[1] in [p.address(family) for p in there_pods])

    def assertOnly(self, failed, *names):
        self.assertEqual(sorted(failed), sorted(names), failed)

    def test_right_records_pass(self):
        self.assertEqual(self.failed(), {})

    def test_many_seeds_pass(self):
        for seed in range(40):
            with self.subTest(seed=seed):
                self.SEED = seed
                self.setUp()
                self.assertEqual(self.failed(), {})

    def test_kernel_datapath_wants_every_counter(self):
        failed = self.failed(datapath="system")
        self.assertOnly(failed, "totals equal the referee's")
        self.assertTrue(any("ICMP" in p for p in failed["totals equal the referee's"]))
        self.assertTrue(any("fd" in p for p in failed["totals equal the referee's"]))

    def test_missing_flow_of_each_kind(self):
        for speaker, talk, there, dnat, _, _ in self.made:
            if talk["protocol"] == "probe":
                continue
            with self.subTest(key=dnat):
                self.setUp()
                del self.flows[dnat]
                failed = self.failed()
                wanted = 2 if ":" in dnat[0] else 1  # its kind, and IPv6
                self.assertEqual(len(failed), wanted, failed)
                self.assertTrue(all("none came" in p for ps in failed.values() for p in ps))

    def test_each_wrong_name(self):
        for field in ("sourcePodName", "sourcePodNamespace", "sourceNodeName", "destinationPodName",
                      "destinationPodNamespace", "destinationNodeName"):
            with self.subTest(field=field):
                self.setUp()
                self.flows[self.same_node()][1][field] = ""
                failed = self.failed()
                self.assertOnly(failed, "Pod-to-Pod on one Node: exported with its names")
                self.assertIn(f"{field}: expected", failed["Pod-to-Pod on one Node: exported with its names"][0])

    def test_name_of_a_remote_pod(self):
        key = self.across()
        self.flows[key][0]["destinationPodName"] = self.cluster.pod_at(key[1]).name
        self.assertOnly(self.failed(), "Pod-to-Pod across Nodes: exported with its names")

    def test_exported_by_both_nodes(self):
        key = self.across()
        copies = copy.deepcopy(self.flows[key])
        for record in copies:
            record["_domain"] = self.cluster.nodes[1].observation_domain
        self.flows["copies"] = copies
        self.assertOnly(self.failed(), "exported once, by the source's Node")

    def test_exported_by_the_wrong_node(self):
        key = self.across(family=6)
        for record in self.flows[key]:
            record["_domain"] = self.cluster.nodes[1].observation_domain
        self.assertOnly(self.failed(), "exported once, by the source's Node", "IPv6: exported",
                        "Pod-to-Pod across Nodes: exported with its names")

    def test_service_fields(self):
        for field, value in (("destinationClusterIP", "0.0.0.0"), ("destinationServicePortName", "shop/cart"),
                             ("destinationPodName", "somebody")):
            with self.subTest(field=field):
                self.setUp()
                for record in self.flows[self.tcp_to_service()]:
                    record[field] = value
                self.assertOnly(self.failed(), "Pod-to-Service: exported with its names")

    def test_service_with_the_cluster_ip_as_destination(self):
        key = self.tcp_to_service()
        service = next(s for s in self.cluster.services if s.endpoint.ipv4 == key[1] and s.protocol == 6)
        for record in self.flows[key]:
            record.update(destinationIPv4Address=service.cluster_ip, destinationTransportPort=service.port)
        failed = self.failed()
        self.assertOnly(failed, "Pod-to-Service: exported with its names", "exported once, by the source's Node")

    def test_cluster_ip_where_there_is_no_service(self):
        self.flows[self.same_node()][2]["destinationClusterIP"] = "10.96.0.1"
        self.assertOnly(self.failed(), "Pod-to-Pod on one Node: exported with its names")

    def test_each_wrong_counter(self):
        for name in check.COUNTERS:
            for off in (1, -1):
                with self.subTest(name=name, off=off):
                    self.setUp()
                    last = self.flows[self.across()][-1]
                    last[f"{name}TotalCount"] += off
                    last[f"{name}DeltaCount"] += off
                    failed = self.failed()
                    self.assertOnly(failed, "totals equal the referee's")
                    self.assertIn(f"{name}TotalCount: referee", failed["totals equal the referee's"][0])

    def test_wrong_counter_where_zero_is_allowed(self):
        key = self.across(family=6)
        for name in check.COUNTERS:
            self.flows[key][-1][f"{name}TotalCount"] = self.flows[key][-1][f"{name}DeltaCount"] = 5
        self.assertOnly(self.failed(), "totals equal the referee's, where not exact: or zero")
        self.flows[key][-1]["relativeError"] = 0.2
        self.assertEqual(self.failed(), {})

    def test_deltas_that_do_not_sum_up(self):
        for name in check.COUNTERS:
            with self.subTest(name=name):
                self.setUp()
                self.flows[self.tcp_to_service()][1][f"{name}DeltaCount"] += 1
                self.assertOnly(self.failed(), "deltas sum to the total")

    def test_lost_record(self):
        del self.flows[self.same_node()][1]
        self.assertOnly(self.failed(), "deltas sum to the total")

    def test_denied_connection_exported(self):
        speaker, _, there, dnat, forward, _ = next(m for m in self.made if m[1]["protocol"] == "probe")
        self.flows[dnat] = records_of(self.cluster, speaker, there, dnat, forward, (0, 0), True)
        self.assertOnly(self.failed(), "denied: no connection record", "exported once, by the source's Node")

    def test_made_up_connection(self):
        key = self.same_node()
        invented = copy.deepcopy(self.flows[key])
        for record in invented:
            record["sourceTransportPort"] = 60999
        self.flows["invented"] = invented
        self.assertOnly(self.failed(), "exported once, by the source's Node")

    def test_lives(self):
        name = "start, end and flowEndReason make sense"
        for field, place, value in (("flowEndReason", 2, 5), ("flowEndReason", 0, 3), ("flowEndReason", 2, None),
                                    ("flowStartSeconds", 2, "2023-11-14T22:13:26Z"),
                                    ("flowEndSeconds", 1, "2023-11-14T22:13:27Z"),
                                    ("flowEndSeconds", 2, "2023-11-15T22:13:40Z"), ("flowEndSeconds", 2, "soon")):
            with self.subTest(field=field, value=value):
                self.setUp()
                self.flows[self.same_node()][place][field] = value
                self.assertOnly(self.failed(), name)

    def test_traffic_that_did_not_flow(self):
        readings = copy.deepcopy(self.readings)
        for counters in readings.values():
            for direction in counters.values():
                for key in [k for k in direction if k[2] == 58]:
                    del direction[key]
        for key in [k for k in self.flows if k[2] == 58]:
            del self.flows[key]
        self.assertOnly(self.failed(readings=readings), "every kind of traffic flowed")

    def test_drop_rule_without_effect(self):
        readings = copy.deepcopy(self.readings)
        _, talk, there, _, forward, _ = next(m for m in self.made if m[1]["protocol"] == "probe")
        readings[self.cluster.pod_at(there[1]).name]["received"][there] = forward
        self.assertOnly(self.failed(readings=readings), "denied: no connection record")

    def test_loss_between_the_referees_places_is_a_range(self):
        readings = copy.deepcopy(self.readings)
        key = self.across()
        packets, octets = readings[self.cluster.pod_at(key[1]).name]["received"][key]
        readings[self.cluster.pod_at(key[1]).name]["received"][key] = (packets - 2, octets - 100)
        self.assertEqual(self.failed(readings=readings), {})
        self.assertEqual(len(check.lost_in_datapath(self.cluster, readings)), 1)

    def test_no_records_at_all(self):
        self.flows = {}
        failed = self.failed()
        self.assertIn("deltas sum to the total", failed)
        self.assertIn("totals equal the referee's", failed)


class Referee(unittest.TestCase):
    def test_parses_nft_output(self):
        element = '{"elem": {"val": {"concat": [%s]}, "counter": {"packets": %d, "bytes": %d}}}'
        text = '{"nftables": [{"metainfo": {}}, {"set": {"name": "ports4", "elem": [%s]}}, ' \
               '{"set": {"name": "echo6", "elem": [%s]}}, {"set": {"name": "ports6"}}]}' % (
                   element % ('"10.0.0.1", "10.0.0.2", "udp", 40000, 53', 3, 180),
                   element % ('"fd00::1", "fd00::2", "echo-reply", 77', 2, 208))
        self.assertEqual(referee.parse(text), {("10.0.0.1", "10.0.0.2", 17, 40000, 53): (3, 180),
                                               ("fd00::1", "fd00::2", 58, 77, 129 << 8): (2, 208)})


class Drawing(unittest.TestCase):
    def test_addresses_names_and_ports_are_distinct(self):
        for seed in range(200):
            drawn = cluster.draw(seed)
            addresses = [a for p in drawn.pods for a in (p.ipv4, p.ipv6)]
            addresses += [a for n in drawn.nodes for a in (n.ipv4, n.ipv6, n.gateway4, n.gateway6)]
            addresses += [s.cluster_ip for s in drawn.services]
            self.assertEqual(len(addresses), len(set(addresses)), seed)
            ports = [x for p in drawn.pods for x in (p.tcp_port, p.udp_port)] + [n.tcp_port for n in drawn.nodes]
            ports += [s.port for s in drawn.services] + [drawn.denied_port]
            self.assertEqual(len(ports), len(set(ports)), seed)
            self.assertFalse(set(ports) & set(cluster.CLIENT_PORTS))
            self.assertEqual(len({n.name for n in drawn.nodes}), 2)
            self.assertEqual(len({p.interface for p in drawn.pods}), 4)
            self.assertTrue(all(len(p.interface) < 16 for p in drawn.pods))

    def test_observation_domain_is_fnv_1(self):
        node = copy.copy(cluster.draw(1).nodes[0])
        object.__setattr__(node, "name", "k8s-node-control-plane")
        self.assertEqual(node.observation_domain, 2432262065)


if __name__ == "__main__":
    unittest.main()
