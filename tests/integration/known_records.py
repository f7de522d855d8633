"""Records whose values a test draws, for tests/ipfix/export_records.cc to send, and what decoders by others print of them,
brought into one form: (source, destination, source port, destination port, protocol, packets, octets, reverse packets,
reverse octets, start ms, end ms, name), addresses as text. A decoder that does not say a part says None there."""

import datetime
import ipaddress
import json
import os
import re

from harness import BIN, run

SENDER = BIN.parent / "tests" / "export_records"
UTC = {**os.environ, "TZ": "UTC"}
ADDRESS_FIELDS = ("sourceIPv4Address", "sourceIPv6Address"), ("destinationIPv4Address", "destinationIPv6Address")
COUNTERS = ("packetDeltaCount", "octetDeltaCount", "reversePacketDeltaCount", "reverseOctetDeltaCount")


def listening(namespace, *ports):
    """UDP or TCP, all of them."""
    sockets = run("ip", "netns", "exec", namespace, "cat", *(f"/proc/net/{kind}" for kind in ("udp", "udp6", "tcp")))
    return all(f":{int(port):04X} " in sockets for port in ports)


def draw(random, count):
    """Different from each other in source and port; counters of every size, both families, long names too."""
    records = []
    for number in range(count):
        v6 = number % 2
        source, destination = (str(ipaddress.ip_address(random.getrandbits(128 if v6 else 32).to_bytes(16 if v6 else 4, "big")))
                               for _ in range(2))
        counters = [random.getrandbits(random.randint(1, 44)) + 1 for _ in range(4)]
        start = 1_700_000_000_000 + random.randrange(10_000_000)
        name = f"pod-{number}" + "x" * random.choice((0, 10, 240, 250, 300))
        records.append((source, destination, 1024 + number % 60_000, random.randrange(1, 65536), random.choice((6, 17, 132)),
                        *counters, start, start + random.randrange(100_000), name))
    return records


def lines(records):
    return "".join(" ".join(map(str, record)) + "\n" for record in records)


def milliseconds(text):
    """Of "2023-11-14 22:13:20.123" and as other decoders write it, UTC."""
    seconds, _, fraction = text.replace("T", " ").removesuffix("Z").removesuffix(" UTC").partition(".")
    moment = datetime.datetime.strptime(seconds, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 1000 + int(fraction[:3].ljust(3, "0"))


def either(values, names):
    return str(ipaddress.ip_address(next(str(values[name]) for name in names if name in values)))


def libfixbuf_blocks(path):
    """What ipfixDump prints of each Data Record, {name: text}, of a repeated name the last; and its standard error."""
    text = run("timeout", "60", "ipfixDump", "--rfc5610", "--data", "-i", path, env=UTC)
    return [dict(re.findall(r"^\s+\([\d/]+\)(?: \(S\))?\s+(\w+) : (.*)$", block, re.MULTILINE))
            for block in text.split("--- data record")[1:]]


def libfixbuf(path):
    records = []
    for values in libfixbuf_blocks(path):
        if "protocolIdentifier" not in values:  # an option
            continue
        records.append((*(either(values, names) for names in ADDRESS_FIELDS), int(values["sourceTransportPort"]),
                        int(values["destinationTransportPort"]), int(values["protocolIdentifier"]),
                        *(int(values[name]) for name in COUNTERS), milliseconds(values["flowStartMilliseconds"]),
                        milliseconds(values["flowEndMilliseconds"]),
                        re.sub(r"^\(len: \d+\) ", "", values["sourcePodName"])))
    return records


def python_ipfix_values(path):
    """{name: value} of each flow record, as python3-ipfix has it."""
    import ipfix.ie  # pylint: disable=import-outside-toplevel
    import ipfix.reader  # pylint: disable=import-outside-toplevel
    ipfix.ie.use_iana_default()
    ipfix.ie.use_5103_default()
    ipfix.ie.for_spec("sourcePodName(55829/101)<string>")
    with open(path, "rb") as stream:
        return [values for values in ipfix.reader.from_stream(stream).namedict_iterator() if "protocolIdentifier" in values]


def python_ipfix(path):
    return [(*(either(values, names) for names in ADDRESS_FIELDS), values["sourceTransportPort"],
             values["destinationTransportPort"], values["protocolIdentifier"], *(values[name] for name in COUNTERS),
             *(milliseconds(str(values[name])) for name in ("flowStartMilliseconds", "flowEndMilliseconds")),
             values["sourcePodName"]) for values in python_ipfix_values(path)]


def tshark(capture, port, transport):
    """Of everything to this port."""
    listing = run("timeout", "60", "tshark", "-r", capture, "-d", f"{transport}.port=={port},cflow", "-O", "cflow", "-V",
                  "-Y", f"cflow && {transport}.dstport == {port}", env=UTC)
    records = []
    for block in re.split(r"^\s+Flow \d+$", listing, flags=re.MULTILINE)[1:]:
        value = dict(re.findall(r"^\s+(\w+): ([^\n(]*\S)\s*$", block, re.MULTILINE))
        both = re.findall(r"^\s+(?:Packets|Octets): (\d+)", block, re.MULTILINE)
        if "SrcPort" not in value:
            continue
        name = re.search(r"Value \(hex bytes\): ([0-9a-f ]+)", block).group(1)
        records.append((*(str(ipaddress.ip_address(value[side])) for side in ("SrcAddr", "DstAddr")), int(value["SrcPort"]),
                        int(value["DstPort"]), int(re.search(r"Protocol: \w+ \((\d+)\)", block).group(1)),
                        *map(int, both), *(tshark_time(value[side]) for side in ("StartTime", "EndTime")),
                        bytes.fromhex(name.replace(" ", "")).decode()))
    return records


def tshark_time(text):
    moment, fraction = text.removesuffix(" UTC").split(".")
    parsed = datetime.datetime.strptime(moment, "%b %d, %Y %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(parsed.timestamp()) * 1000 + int(fraction[:3])


def nfacctd(path):
    protocols = {"tcp": 6, "udp": 17, "sctp": 132}
    records = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        records.append((*(str(ipaddress.ip_address(row[side])) for side in ("ip_src", "ip_dst")), row["port_src"],
                        row["port_dst"], protocols[row["ip_proto"]], row["packets"], row["bytes"], None, None,
                        milliseconds(row["timestamp_start"]), milliseconds(row["timestamp_end"]), None))
    return records


def nfdump(folder):
    listing = run("timeout", "60", "nfdump", "-R", folder, "-o", "json", "-q", env=UTC).strip()
    records = []
    for row in json.loads(listing if listing.startswith("[") else f"[{listing}]"):  # quiet: without brackets
        family = "4" if "src4_addr" in row else "6"
        records.append((*(str(ipaddress.ip_address(row[f"{side}{family}_addr"])) for side in ("src", "dst")),
                        row["src_port"], row["dst_port"], row["proto"], row["in_packets"], row["in_bytes"],
                        row["out_packets"], row["out_bytes"], milliseconds(row["first"]), milliseconds(row["last"]), None))
    return records
