"""What Logstash's netflow codec makes of IPFIX datagrams, written anew after its documented rules (logstash-codec-netflow
4.x: one message a datagram; a template with one element it does not know is dropped whole; templates are known by
observation domain and id). It is strict where the codec is silent: whatever it drops or cannot use is kept in problems."""

import csv
import datetime
import ipaddress
import re
import struct

from elk_files import ROOT

ELEMENTS = ROOT / "ipfix/elements"
IANA, REVERSE = 0, 29305
LAST_IANA = 433
NOT_IN_ITS_TABLE = {*range(65, 70), 97, *range(105, 128), 416, 419}
NOT_REVERSED = {*range(211, 218), 239}
VARIABLE = 65535
# Its types for those of the registry; lists are skipped.
TYPES = {"unsigned8": "uint8", "unsigned16": "uint16", "unsigned32": "uint32", "unsigned64": "uint64",
         "ipv4Address": "ip4_addr", "ipv6Address": "ip6_addr", "macAddress": "mac_addr", "string": "string",
         "octetArray": "string", "float64": "double", "signed32": "int32", "boolean": "uint8",
         "dateTimeSeconds": "uint32", "dateTimeMilliseconds": "uint64", "dateTimeMicroseconds": "uint64",
         "dateTimeNanoseconds": "uint64"}
FIXED = {"uint8": 1, "int32": 4, "ip4_addr": 4, "ip6_addr": 16, "mac_addr": 6, "double": 8}
BY_LENGTH = ("uint16", "uint32", "uint64")  # the template's length counts


def builtin_definitions():
    table = {IANA: {}, REVERSE: {}}
    with (ELEMENTS / "iana_ipfix_elements.csv").open() as file:
        for row in csv.DictReader(file):
            number, name = int(row["id"]), row["name"]
            if number > LAST_IANA or number in NOT_IN_ITS_TABLE or row["type"] not in TYPES:
                continue
            table[IANA][number] = (TYPES[row["type"]], name)
            if number not in NOT_REVERSED:
                table[REVERSE][number] = (TYPES[row["type"]], "reverse" + name[0].upper() + name[1:])
    return table


def read_definitions(text):
    """The block style that Ruby's YAML reads as {enterprise: {id: [:type, :name]}}; any other line is an error."""
    table, enterprise, number = {}, None, None
    for line in text.splitlines():
        if not line or line.startswith("#") or line == "---":
            continue
        if found := re.fullmatch(r"(\d+):", line):
            enterprise = int(found[1])
            assert enterprise not in table, f"enterprise {enterprise} stands twice: the later one would win alone"
            table[enterprise] = {}
        elif found := re.fullmatch(r"  (\d+):", line):
            number = int(found[1])
            assert number not in table[enterprise], f"{enterprise}/{number} stands twice"
            table[enterprise][number] = ()
        elif found := re.fullmatch(r"  - :(\w+)", line):
            table[enterprise][number] += (found[1],)
        else:
            raise ValueError(f"not in the style that the codec's own tables have: {line!r}")
    return table


class Codec:
    def __init__(self, definitions):
        # Merged enterprise by enterprise, not element by element.
        self.known = {**builtin_definitions(), **definitions}
        self.templates, self.problems = {}, []

    def decode(self, datagram):
        """The events of one datagram, each with what the codec calls the target's fields."""
        version, length, exported, _, domain = struct.unpack_from(">HHIII", datagram)
        if length != len(datagram):
            self.problems.append(f"a message of {length} octets in a datagram of {len(datagram)}: the rest is lost")
        if version != 10 or length > len(datagram):
            self.problems.append(f"a message of version {version}, {length} octets")
            return []
        events, at = [], 16
        while at < length:
            set_id, set_length = struct.unpack_from(">HH", datagram, at)
            if set_length <= 4 or at + set_length > length:
                self.problems.append(f"set {set_id} of {set_length} octets at {at}")
                break
            content = datagram[at + 4:at + set_length]
            if set_id in (2, 3):
                self._templates(domain, set_id, content)
            else:
                events += self._records(domain, set_id, content, exported)
            at += set_length
        return events

    def _templates(self, domain, set_id, content):
        at = 0
        while len(content) - at > 2:  # up to two octets are padding to it
            template_id, count = struct.unpack_from(">HH", content, at)
            at += 4 if set_id == 2 else 6  # the scope's fields are fields to it
            fields = []
            for _ in range(count):
                number, length = struct.unpack_from(">HH", content, at)
                at += 4
                enterprise = IANA
                if number & 0x8000:
                    enterprise, = struct.unpack_from(">I", content, at)
                    at += 4
                fields.append(self._field(enterprise, number & 0x7FFF, length))
            names = [name for _, name, _ in filter(None, fields)]
            if None in fields:
                self.problems.append(f"template {template_id} is dropped: an element is not known")
            elif len({*names}) < len(names):
                self.problems.append(f"template {template_id} is dropped: a name stands twice")
            else:
                self.templates[domain, template_id] = fields

    def _field(self, enterprise, number, length):
        definition = self.known.get(enterprise, {}).get(number)
        if definition is None:
            self.problems.append(f"element {enterprise}/{number} is not known")
            return None
        kind, name = definition
        if kind in BY_LENGTH and length not in (1, 2, 4, 8) or kind in FIXED and length != FIXED[kind]:
            self.problems.append(f"{name}: {kind} of {length} octets")
            return None
        return kind, name, length

    def _records(self, domain, set_id, content, exported):
        fields = self.templates.get((domain, set_id))
        if fields is None:
            self.problems.append(f"data of set {set_id} before its template")
            return []
        events, at = [], 0
        while at < len(content):
            event = {"version": 10, "flowset_id": set_id}
            try:
                for kind, name, length in fields:
                    event[name], at = _value(kind, name, length, content, at)
            except (struct.error, IndexError):
                break  # the rest is padding, shorter than a record
            events.append({"@timestamp": _iso(exported), "ipfix": event})
        return events


def _value(kind, name, length, content, at):
    if kind in ("string", "octetarray") and length == VARIABLE:
        length, at = content[at], at + 1
        if length == 255:
            (length,), at = struct.unpack_from(">H", content, at), at + 2
    octets = content[at:at + length]
    if len(octets) < length:
        raise IndexError
    return _shown(kind, name, octets), at + length


def _shown(kind, name, octets):
    if kind in ("ip4_addr", "ip6_addr"):
        return str(ipaddress.ip_address(octets))
    if kind == "mac_addr":
        return octets.hex(":")
    if kind == "string":
        return octets.rstrip(b"\0").decode("utf-8", "replace")
    if kind == "octetarray":
        return octets.hex()
    if kind == "double":
        return struct.unpack(">d", octets)[0]
    number = int.from_bytes(octets, "big", signed=kind == "int32")
    if re.fullmatch("flow(Start|End)Seconds", name):
        return _iso(number)
    if re.fullmatch("flow(Start|End)Milliseconds", name):
        return _iso(number / 1000)
    return number


def _iso(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
