"""Who is in a record of ipfix-dump's and what a group of them adds up to: the pipeline's filter once more, by other code."""

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}


def address(record, side):
    return record.get(f"{side}IPv4Address") or record.get(f"{side}IPv6Address")


def named(record, side):
    pod, node = record.get(f"{side}PodName"), record.get(f"{side}NodeName")
    return f"{record[f'{side}PodNamespace']}/{pod}" if pod else node or address(record, side)


def flow(record):
    return (address(record, "source"), address(record, "destination"), record["sourceTransportPort"],
            record["destinationTransportPort"], record["protocolIdentifier"], record["flowStartSeconds"])


def is_denied(record):
    return record.get("firewallEvent") == 3


def is_allowed(record):
    return not is_denied(record)


def protocol(record):
    return PROTOCOLS.get(record["protocolIdentifier"], str(record["protocolIdentifier"]))


def service(record):
    return record.get("destinationServicePortName") or None


def from_pod(record):
    return record.get("sourcePodName") and is_allowed(record)


def to_pod(record):
    return record.get("destinationPodName") and is_allowed(record)


def kind(record):
    def what(side):
        return "Pod" if record.get(f"{side}PodName") else "Node" if record.get(f"{side}NodeName") else "other"
    return f"{what('source')}-to-{'Service' if service(record) else what('destination')}"


def adds(name):
    return lambda group: sum(record.get(name, 0) for record in group)


def flows(group):
    return len({flow(record) for record in group})


BYTES, PACKETS = adds("octetDeltaCount"), adds("packetDeltaCount")
AMOUNTS = (BYTES, PACKETS, adds("reverseOctetDeltaCount"), adds("reversePacketDeltaCount"))
