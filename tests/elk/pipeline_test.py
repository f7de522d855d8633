"""The exporter's own datagrams through the codec's rules and the pipeline's filter, in both profiles: no template and no
record is lost, every document fits the index template, and what the documents add up to is what was exported."""

import ipaddress
import json
import pathlib
import re
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
from conntrack_lab import Lab
from elk_files import LOGSTASH, documents, flat, mappings
from harness import BIN, expect, run, wait_for
from namespace_sockets import TcpTalk, UdpTalk, listen, udp
from netflow_codec import Codec, read_definitions
from web_service import ADDRESS, ADDRESS_V6, NAT, OBJECTS

PROFILES = {55829: "", 56506: "  profile: 56506\n",
            "with more elements": "  extraElements: [flowStartMilliseconds, flowId, biflowDirection, ipVersion]\n"}
FITS = {"ip": lambda v: ipaddress.ip_address(v), "keyword": lambda v: len(v) <= 512 and isinstance(v, str),
        "date": lambda v: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", v),
        "boolean": lambda v: isinstance(v, bool), "double": lambda v: isinstance(v, (int, float)) and v == v,
        "long": lambda v: isinstance(v, int) and v < 2**63, "integer": lambda v: isinstance(v, int) and v < 2**31,
        "short": lambda v: isinstance(v, int) and v < 2**15, "unsigned_long": lambda v: isinstance(v, int) and v < 2**64}


class UdpLab(Lab):
    """Its exporter sends over UDP, as Logstash takes it; the datagrams are kept in order."""

    def __init__(self, name):
        super().__init__(name)
        self.datagrams = []
        self.socket = udp(self.node, "127.0.0.1", 4739)
        self.socket.settimeout(None)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        while True:
            self.datagrams.append(self.socket.recv(65536))

    def config(self, *arguments, **settings):
        return super().config(*arguments, **settings).replace("4739:tcp", "4739:udp")


def traffic(lab, number):
    """Connections of both families and protocols, with and without a Service, that go on for some seconds."""
    (client, address, address_v6), (server, *_) = lab.pods.pods
    port = 42000 + 10 * number
    web, web_v6 = listen(server, "10.77.2.2", 5201), listen(server, "fd77:2::2", 5201)
    talks = [TcpTalk(client, address, port, web), TcpTalk(client, address, port + 1, web, (ADDRESS, 80)),
             TcpTalk(client, address_v6, port + 2, web_v6, (ADDRESS_V6, 80))]
    datagrams = UdpTalk(udp(client, address, port + 3), udp(server, "10.77.2.2", 5301))
    for polls in (1, 3):
        for talk in talks:
            talk.say(5000, 700)
        datagrams.say(3, 100, 2, 50)
        lab.polled(polls)
    for talk in talks:
        talk.close()
    for listener in (web, web_v6):
        listener.close()
    for socket in (datagrams.client, datagrams.server):
        socket.close()
    return [port, port + 1, port + 2, port + 3]


def exported(lab, name):
    """What ipfix-dump reads from the same datagrams."""
    folder = lab.testbed.folder / f"datagrams-{name}"
    folder.mkdir()
    files = [folder / f"{number:05}" for number in range(len(lab.datagrams))]
    for file, datagram in zip(files, lab.datagrams):
        file.write_bytes(datagram)
    return [json.loads(line) for line in run(BIN / "ipfix-dump", "--datagrams", *files).splitlines()]


def one_profile(lab, number, profile, settings):
    del lab.datagrams[:]
    lab.export(collect=False, own=settings)
    ports = traffic(lab, number)
    lab.testbed.stop(lab.exporter.process)  # what was not exported yet goes out now
    codec = Codec(read_definitions((LOGSTASH / "ipfix.yml").read_text()))
    events = [event for datagram in list(lab.datagrams) for event in codec.decode(datagram)]
    records = exported(lab, number)
    expect(not codec.problems, f"{profile}: {len(codec.templates)} templates, none lost, no element unknown {codec.problems}")
    expect(len(events) == len(records), f"{profile}: {len(events)} records, as many as ipfix-dump reads")
    for event, record in zip(events, records):
        ours = {name: value for name, value in event["ipfix"].items() if name in record}
        wrong = {name: (value, record[name]) for name, value in ours.items()
                 if not name.startswith(("relativeError", "observationTime")) and not same(value, record[name])}
        assert not wrong and len(ours) >= len(record) - 1, (wrong, record)
    expect(True, f"{profile}: each as ipfix-dump has it")
    flows_add_up(profile, events, records, ports)


def same(ours, theirs):
    """Times have three digits more in the one."""
    return ours == theirs or str(ours).replace(".000Z", "Z") == theirs


def flows_add_up(profile, events, records, ports):
    made = documents([{**event, "host": "192.0.2.1"} for event in events])
    flows = [record for record in records if "protocolIdentifier" in record]
    expect(len(made) == len(flows) > 0, f"{profile}: a document for each of {len(flows)} flow records")
    expect(len({key for key, _ in made}) == len(made), f"{profile}: each with an id of its own")
    again = documents([{**event, "host": "192.0.2.1"} for event in events])
    expect([key for key, _ in again] == [key for key, _ in made], f"{profile}: the same ids when they come again")
    known = mappings()
    for _, document in made:
        for name, value in flat(document).items():
            if name in known:
                assert FITS[known[name]](value), (name, value, known[name])
            else:
                assert name.startswith("ipfix."), f"{name} is not in the index template"
    expect(True, f"{profile}: every value fits its mapping")
    for ours, theirs in (("bytes", "octetDeltaCount"), ("reverse_packets", "reversePacketDeltaCount")):
        sums = sum(document["flow"][ours] for _, document in made), sum(record[theirs] for record in flows)
        expect(sums[0] == sums[1] > 0, f"{profile}: flow.{ours} adds up to {sums}")
    begun = [document["flow"] for _, document in made if document["flow"]["source"]["port"] in ports]
    off = [flow for flow in begun if round(flow["throughput"] * flow["interval"]) != 8 * flow["bytes"]]
    expect(not off, f"{profile}: throughput is in bits per second, of every record of {len(begun)} of a flow seen to begin")
    services = {document["flow"]["service"]["port_name"]: document["flow"]["kind"] for _, document in made
                if "service" in document["flow"]}
    expect(services == {"store/web:http": "Pod-to-Service"}, f"{profile}: Services {services}")
    seen = {document["flow"]["source"]["port"] for _, document in made}
    expect(seen >= {*ports}, f"{profile}: every connection of the test")


def main():
    lab = UdpLab("elk")
    lab.nft(NAT)
    lab.start_bridge(OBJECTS)
    for number, (profile, settings) in enumerate(PROFILES.items()):
        one_profile(lab, number, profile, settings)
    return 0


sys.exit(main())
