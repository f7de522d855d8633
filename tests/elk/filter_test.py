"""The pipeline's filter on records made up for it: keys, kinds, throughput, one id a record."""

import math
import sys
import unittest

from elk_files import documents, flat, mappings

RECORD = {
    "version": 10, "flowset_id": 256, "flowStartSeconds": "2026-01-02T03:04:05.000Z",
    "flowEndSeconds": "2026-01-02T03:04:15.000Z", "sourceIPv4Address": "10.10.1.2",
    "destinationIPv4Address": "10.10.2.2", "sourceTransportPort": 40000, "destinationTransportPort": 80,
    "protocolIdentifier": 6, "packetTotalCount": 10, "octetTotalCount": 1000, "packetDeltaCount": 10,
    "octetDeltaCount": 1000, "reversePacketTotalCount": 5, "reverseOctetTotalCount": 50000,
    "reversePacketDeltaCount": 5, "reverseOctetDeltaCount": 50000, "sourcePodName": "web",
    "sourcePodNamespace": "shop", "sourceNodeName": "node-a", "destinationPodName": "db",
    "destinationPodNamespace": "store", "destinationNodeName": "node-b", "destinationClusterIP": "0.0.0.0",
    "destinationServicePortName": "", "flowEndReason": 2}


def event(**changes):
    record = {name: value for name, value in {**RECORD, **changes}.items() if value is not None}
    return {"@timestamp": "2026-01-02T03:05:00.000Z", "host": "192.0.2.1", "ipfix": record}


def later(seconds, octets, reverse_octets=0, **changes):
    """A record of the same flow, seconds after its start, with deltas of its own."""
    return event(flowEndSeconds=f"2026-01-02T03:04:{5 + seconds:02}.000Z", octetDeltaCount=octets,
                 octetTotalCount=10**6, reverseOctetDeltaCount=reverse_octets, **changes)


def flows(*events, **parameters):
    return [document["flow"] for _, document in documents(events, **parameters)]


class Throughput(unittest.TestCase):
    def test_is_in_bits_per_second_of_what_the_record_adds(self):
        first, second = flows(event(), later(14, 600, 80))
        self.assertEqual((first["interval"], first["throughput"], first["reverse_throughput"]), (10, 800, 40000))
        self.assertEqual((second["interval"], second["throughput"], second["reverse_throughput"]), (4, 1200, 160))

    def test_of_less_than_a_second_is_taken_as_one(self):
        [flow] = flows(event(flowEndSeconds=RECORD["flowStartSeconds"]))
        self.assertEqual((flow["interval"], flow["throughput"]), (1, 8000))

    def test_is_left_out_where_the_record_before_is_not_known(self):
        [flow] = flows(later(20, 600))
        self.assertNotIn("throughput", flow)
        self.assertNotIn("interval", flow)
        self.assertEqual(flow["bytes"], 600)

    def test_is_left_out_when_records_come_in_the_wrong_order(self):
        _, _, third = flows(event(), later(20, 600), later(15, 600))
        self.assertNotIn("throughput", third)

    def test_connections_on_one_key_are_told_apart_by_their_start(self):
        other = {"flowStartSeconds": "2026-01-02T03:04:06.000Z"}
        *_, last = flows(event(), event(**other), later(20, 600, **other))
        self.assertEqual(last["interval"], 10)

    def test_remembers_so_many_flows_and_so_long(self):
        many = [event(sourceTransportPort=port) for port in range(1, 1001)]
        again = [later(20, 8, sourceTransportPort=port) for port in range(1, 1001)]
        known = [flow for flow in flows(*many, *again, flows_remembered=100)[1000:] if "throughput" in flow]
        self.assertEqual(len(known), 0, "the oldest went first, and so each before its second record")
        known = [flow for flow in flows(*many, *again, flows_remembered=1000)[1000:] if "throughput" in flow]
        self.assertEqual(len(known), 1000)
        self.assertNotIn("throughput", flows(event(), event(sourceTransportPort=9, flowEndSeconds="2026-01-02T03:34:16.000Z"),
                                             later(50, 8), remember_seconds=1800)[-1])

    def test_an_ended_flow_is_forgotten(self):
        *_, last = flows(event(), later(12, 100, flowEndReason=3), later(14, 100))
        self.assertNotIn("throughput", last)

    def test_is_a_number_for_any_record(self):
        for _, document in documents([event(octetDeltaCount=None, octetTotalCount=None),
                                      event(octetDeltaCount=2**64 - 1, octetTotalCount=2**64 - 1)]):
            self.assertTrue(math.isfinite(document["flow"]["throughput"]))


class Names(unittest.TestCase):
    def test_pods_are_named_with_their_namespace(self):
        [flow] = flows(event())
        self.assertEqual(flow["source"], {"ip": "10.10.1.2", "port": 40000, "name": "shop/web", "pod": "web",
                                          "namespace": "shop", "node": "node-a"})
        self.assertEqual(flow["keys"], {"endpoints": "shop/web -> store/db", "pods": "shop/web -> store/db",
                                        "nodes": "node-a -> node-b"})
        self.assertEqual(flow["kind"], "Pod-to-Pod")

    def test_a_service_is_what_was_asked_for(self):
        [flow] = flows(event(destinationServicePortName="store/db:sql", destinationClusterIP="10.96.0.9"))
        self.assertEqual(flow["service"], {"port_name": "store/db:sql", "name": "store/db", "ip": "10.96.0.9"})
        self.assertEqual(flow["keys"]["service"], "shop/web -> store/db:sql")
        self.assertEqual(flow["kind"], "Pod-to-Service")

    def test_a_service_of_the_other_profile_and_family(self):
        [flow] = flows(event(sourceIPv4Address=None, destinationIPv4Address=None, sourceIPv6Address="fd00::2",
                             destinationIPv6Address="fd00::9", destinationClusterIP=None,
                             destinationClusterIPv6="fd00:96::9", destinationServicePortName="store/db"))
        self.assertEqual(flow["service"], {"port_name": "store/db", "name": "store/db", "ip": "fd00:96::9"})
        self.assertEqual(flow["source"]["ip"], "fd00::2")

    def test_kinds(self):
        nothing = {"PodName": "", "PodNamespace": "", "NodeName": ""}
        node = {"PodName": "", "PodNamespace": "", "NodeName": "node-b"}

        def kind(source, destination):
            changes = {f"source{name}": value for name, value in source.items()}
            changes |= {f"destination{name}": value for name, value in destination.items()}
            [flow] = flows(event(**changes))
            return flow["kind"], flow["keys"]["endpoints"]

        self.assertEqual(kind({}, node), ("Pod-to-Node", "shop/web -> node-b"))
        self.assertEqual(kind(node, {}), ("Node-to-Pod", "node-b -> store/db"))
        self.assertEqual(kind(node, node), ("Node-to-Node", "node-b -> node-b"))
        self.assertEqual(kind({}, nothing), ("Pod-to-other", "shop/web -> 10.10.2.2"))
        self.assertEqual(kind(nothing, {}), ("other-to-Pod", "10.10.1.2 -> store/db"))

    def test_protocols_and_reasons(self):
        [flow] = flows(event(protocolIdentifier=17, flowEndReason=3))
        self.assertEqual((flow["protocol"], flow["end_reason"], flow["denied"]), ("UDP", "ended", False))
        [flow] = flows(event(protocolIdentifier=99, firewallEvent=3))
        self.assertEqual((flow["protocol"], flow["denied"]), ("99", True))


class Documents(unittest.TestCase):
    def test_a_record_is_one_document_however_often_it_comes(self):
        for change in ({}, {"octetDeltaCount": 1001}, {"flowEndSeconds": "2026-01-02T03:04:16.000Z"},
                       {"sourcePodName": "web-2"}, {"flowEndReason": 1}):
            (first, _), (second, _) = documents([event(), event(**change)])
            self.assertEqual(first == second, not change, change)

    def test_those_of_a_flow_share_its_id(self):
        first, second, other = flows(event(), later(20, 8), event(sourceTransportPort=1))
        self.assertEqual(first["id"], second["id"])
        self.assertNotEqual(first["id"], other["id"])

    def test_of_two_exporters_are_two(self):
        (first, _), (second, _) = documents([event(), {**event(), "host": "192.0.2.2"}])
        self.assertNotEqual(first, second)

    def test_the_export_time_is_no_part_of_it(self):
        (first, _), (second, _) = documents([event(), {**event(), "@timestamp": "2026-01-02T03:06:00.000Z"}])
        self.assertEqual(first, second, "sent again after a reconnect")

    def test_stands_where_the_flow_was_last_seen(self):
        [(_, document)] = documents([event()])
        self.assertEqual(document["@timestamp"], RECORD["flowEndSeconds"])
        self.assertEqual(document["exporter"], {"ip": "192.0.2.1", "exported": "2026-01-02T03:05:00.000Z"})
        self.assertNotIn("host", document)

    def test_options_are_none(self):
        self.assertEqual(documents([{"@timestamp": "x", "ipfix": {"informationElementName": "sourcePodName"}},
                                    {"@timestamp": "x"}]), [])

    def test_every_field_has_a_mapping(self):
        known = mappings()
        [(_, document)] = documents([event(destinationServicePortName="a/b:c", destinationClusterIP="10.96.0.1")])
        self.assertEqual([name for name in flat(document) if name not in known], [])


if __name__ == "__main__":
    sys.exit(unittest.main())
