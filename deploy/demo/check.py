"""`--check`: holds the exported records against what the referee counted. Pure: data in, list of results out."""

import collections
import datetime

import expected
from expected import ACROSS_NODES, KINDS, NODE_TO_POD, POD_TO_NODE, POD_TO_POD, POD_TO_SERVICE, derive, key_text
from result import Result

ACTIVE_TIMEOUT = 2
END_REASONS = {1: "idle timeout", 2: "active timeout", 3: "end of flow", 4: "forced end"}
COUNTERS = ("packet", "octet", "reversePacket", "reverseOctet")  # + TotalCount, DeltaCount

# What a run has to contain, or a property would be proved by nothing: (kind, protocol, family).
COVERAGE = [(POD_TO_POD, p, f) for p, f in ((6, 4), (17, 4), (1, 4), (6, 6), (17, 6), (58, 6))]
COVERAGE += [(ACROSS_NODES, p, f) for p, f in ((6, 4), (17, 4), (1, 4), (6, 6), (17, 6), (58, 6))]
COVERAGE += [(POD_TO_SERVICE, 6, 4), (POD_TO_SERVICE, 17, 4)]
COVERAGE += [(kind, 6, f) for kind in (POD_TO_NODE, NODE_TO_POD) for f in (4, 6)]


def record_key(record):
    """The 5-tuple of a flow record; None for a record that is none (options data)."""
    source = record.get("sourceIPv4Address", record.get("sourceIPv6Address"))
    destination = record.get("destinationIPv4Address", record.get("destinationIPv6Address"))
    if source is None or destination is None:
        return None
    return (source, destination, record.get("protocolIdentifier"), record.get("sourceTransportPort"),
            record.get("destinationTransportPort"))


def _by_key(records):
    """Those of connections: dropped traffic has records of its own, which say so."""
    flows = collections.defaultdict(list)
    for record in records:
        key = record_key(record)
        if key is not None and "firewallEvent" not in record:
            flows[key].append(record)
    return flows


def _shown(record):
    names = ("_domain", "sourcePodNamespace", "sourcePodName", "sourceNodeName", "destinationPodNamespace",
             "destinationPodName", "destinationNodeName", "destinationClusterIP", "destinationServicePortName")
    return ", ".join(f"{n}={record[n]!r}" for n in names if record.get(n) not in (None, ""))


def _expected_names(flow):
    """Names of entities of the exporter's own Node; the rest stays empty."""
    names = dict.fromkeys(("sourcePodName", "sourcePodNamespace", "sourceNodeName", "destinationPodName",
                           "destinationPodNamespace", "destinationNodeName"), "")
    for side, pod in (("source", flow.source_pod), ("destination", flow.destination_pod)):
        if pod is None:
            names[f"{side}NodeName"] = flow.node.name
        elif pod.node == flow.node.name:
            names.update({f"{side}PodName": pod.name, f"{side}PodNamespace": pod.namespace,
                          f"{side}NodeName": pod.node})
    names["destinationServicePortName"] = flow.service.port_label if flow.service else ""
    return names


def _check_coverage(derived):
    result = Result("every kind of traffic flowed")
    present = collections.Counter((f.kind, f.key[2], f.family) for f in derived.flows)
    for kind, protocol, family in COVERAGE:
        if present[kind, protocol, family]:
            result.verified += 1
        else:
            result.problems.append(f"the referee saw no {kind} over {expected.protocol_name(protocol)} IPv{family}: "
                                   "the demo's own traffic or rules are at fault")
    for same_node in (True, False):
        if not any(f.service and (f.destination_pod.node == f.node.name) == same_node for f in derived.flows):
            where = "the client's own Node" if same_node else "the other Node"
            result.problems.append(f"the referee saw no Pod-to-Service with its endpoint on {where}")
    if len({f.node.name for f in derived.flows if f.kind == ACROSS_NODES}) < 2:
        result.problems.append("the referee did not see Pod-to-Pod across Nodes in both directions")
    for flow in derived.flows:
        if not all(packets for packets, _ in flow.reverse):
            result.problems.append(f"{flow.text}: never answered; the demo's own traffic or rules are at fault")
    for key in derived.unknown:
        result.problems.append(f"{key_text(key)}: fits no kind of the drawn cluster")
    return result


def _check_kind(kind, flows, exported, has_cluster_ip):
    """Exported by the right Node, with the right names."""
    result = Result(f"{kind}: exported with its names")
    for flow in (f for f in flows if f.kind == kind):
        records = exported.get(flow.key)
        if not records:
            result.problems.append(f"{flow.text}: expected a record from {flow.node.name}, none came")
            continue
        wanted = _expected_names(flow)
        for record in records:
            wrong = [f"{name}: expected {value!r}, came {record.get(name)!r}" for name, value in wanted.items()
                     if (record.get(name) or "") != value]
            if has_cluster_ip(flow):
                cluster_ip = flow.service.cluster_ip if flow.service else "0.0.0.0"
                if (record.get("destinationClusterIP") or "0.0.0.0") != cluster_ip:
                    wrong.append(f"destinationClusterIP: expected {cluster_ip}, came "
                                 f"{record.get('destinationClusterIP')!r}")
            if wrong:
                result.problems.append(f"{flow.text}: {'; '.join(wrong)} (record: {_shown(record)})")
                break
        else:
            result.verified += 1
    return result


def _check_exporters(cluster, flows, exported):
    result = Result("exported once, by the source's Node")
    names = {n.observation_domain: n.name for n in cluster.nodes}
    by_key = {f.key: f for f in flows}
    for key, records in exported.items():
        domains = {r.get("_domain") for r in records}
        who = ", ".join(sorted(names.get(d, f"unknown observation domain {d}") for d in domains))
        if key not in by_key:
            result.problems.append(f"{key_text(key)}: exported by {who}, but the referee saw no such connection "
                                   f"({_shown(records[0])})")
        elif domains != {by_key[key].node.observation_domain}:
            result.problems.append(f"{by_key[key].text}: expected from {by_key[key].node.name} alone, "
                                   f"came from {who}")
        else:
            result.verified += 1
    return result


def _check_denied(derived, exported):
    result = Result("denied: no connection record")
    for key in derived.let_through:
        result.problems.append(f"{key_text(key)}: the drop rule let it through; the demo's own rules are at fault")
    for key in derived.denied:
        if key in exported:
            result.problems.append(f"{key_text(key)}: was dropped by policy, expected no record, "
                                   f"came {len(exported[key])} ({_shown(exported[key][0])})")
        else:
            result.verified += 1
    return result


def _check_denied_records(derived, cluster, readings, records):
    """What is exported as denied was denied, and names who tried. A last packet may be on its way at the end."""
    result = Result("denied: exported as such, named, no packet too many")
    for record in records:
        source, destination, protocol, source_port, port = key = record_key(record)
        exact = source_port and record.get("sourceIPv4PrefixLength") == 32
        who = cluster.pod_at(source)
        if record.get("firewallEvent") != 3 or protocol != 6 or port != cluster.denied_port:
            result.problems.append(f"{key_text(key)}: exported as dropped by policy, which no rule of the demo does")
        elif exact and key not in derived.denied:
            result.problems.append(f"{key_text(key)}: exported as denied, but the referee saw no such attempt")
        elif not record.get("sourcePodName") or (who and record["sourcePodName"] != who.name):
            result.problems.append(f"{key_text(key)}: expected the name of the Pod that tried ({_shown(record)})")
        elif exact and record["packetTotalCount"] > readings[who.name]["sent"][key][0]:
            result.problems.append(f"{key_text(key)}: {record['packetTotalCount']} packets denied, "
                                   f"{readings[who.name]['sent'][key][0]} sent")
        else:
            result.verified += 1
    return result


def _total_problems(flow, last):
    for name, readings, place in (("packet", flow.forward, 0), ("octet", flow.forward, 1),
                                  ("reversePacket", flow.reverse, 0), ("reverseOctet", flow.reverse, 1)):
        values = [r[place] for r in readings]
        came = last.get(f"{name}TotalCount")
        if came is None or not min(values) <= came <= max(values):
            yield f"{name}TotalCount: referee {' / '.join(map(str, sorted(set(values))))}, came {came}"


def _check_totals(flows, exported, exact):
    """exact(flow): statistics of this flow must be there; others must be right where they are not zero."""
    must, may = Result("totals equal the referee's"), Result("totals equal the referee's, where not exact: or zero")
    for flow in flows:
        if flow.key not in exported:
            continue  # reported by its kind
        last = exported[flow.key][-1]
        if not exact(flow):
            may.verified += 1
            counted = any(last.get(f"{n}TotalCount") for n in COUNTERS)
            estimated = last.get("relativeError") is not None
            if counted and not estimated:
                may.problems += [f"{flow.text}: {p}" for p in _total_problems(flow, last)]
            continue
        problems = list(_total_problems(flow, last))
        must.verified += not problems
        if problems:
            reason = last.get("flowEndReason")
            must.problems.append(f"{flow.text}: {'; '.join(problems)} ({len(exported[flow.key])} records, the last's "
                                 f"flowEndReason: {END_REASONS.get(reason, reason)})")
    return [must, may] if may.verified else [must]


def _check_deltas(flows, exported):
    result = Result("deltas sum to the total")
    for flow in flows:
        records = exported.get(flow.key)
        if not records:
            continue
        problems = []
        for name in COUNTERS:
            total = records[-1].get(f"{name}TotalCount")
            deltas = [r.get(f"{name}DeltaCount") for r in records]
            if None in deltas or sum(deltas) != total:
                problems.append(f"{name}: deltas {deltas}, last total {total}")
        result.problems += [f"{flow.text}: {'; '.join(problems)}"] if problems else []
        result.verified += not problems
    return result


def _time(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def _life_problem(records, began, ended):
    """A flow keeps its start, its end never goes back, and only the last record says that it is over."""
    starts = {r.get("flowStartSeconds") for r in records}
    if len(starts) != 1:
        return f"one connection, several flowStartSeconds: {sorted(map(str, starts))}"
    reasons = [r.get("flowEndReason") for r in records]
    if any(r not in END_REASONS for r in reasons) or any(r != ACTIVE_TIMEOUT for r in reasons[:-1]):
        return f"flowEndReason: expected 2 (active timeout) up to the last record and 1 to 4 there, came {reasons}"
    try:
        start = _time(records[0]["flowStartSeconds"])
        ends = [_time(r["flowEndSeconds"]) for r in records]
    except (KeyError, TypeError, ValueError) as error:
        return f"flowStartSeconds or flowEndSeconds unreadable: {error!r}"
    if ends != sorted(ends) or ends[0] < start:
        return f"flowEndSeconds goes back: start {starts.pop()}, ends {[r['flowEndSeconds'] for r in records]}"
    if not began - 2 <= start <= ends[-1] <= ended + 2:
        return (f"times outside the run: {records[0]['flowStartSeconds']} to {records[-1]['flowEndSeconds']}, the run "
                f"was {datetime.datetime.fromtimestamp(began, datetime.timezone.utc):%H:%M:%S} to "
                f"{datetime.datetime.fromtimestamp(ended, datetime.timezone.utc):%H:%M:%S} UTC")
    return None


def _check_lives(flows, exported, began, ended):
    result = Result("start, end and flowEndReason make sense")
    for flow in flows:
        if flow.key in exported:
            problem = _life_problem(exported[flow.key], began, ended)
            result.problems += [f"{flow.text}: {problem}"] if problem else []
            result.verified += problem is None
    return result


def traffic_results(cluster, readings):
    """What the referee alone proves: that the demo's traffic is what the other checks suppose."""
    derived = derive(cluster, readings)
    return derived, [_check_coverage(derived)]


def check(cluster, readings, records, datapath, began, ended):
    """readings: referee.read(); records: one dict per IPFIX record in the order of arrival, with _domain; began and
    ended: when traffic began and exporters had ended, seconds since the epoch. Returns a list of Result."""
    derived, results = traffic_results(cluster, readings)
    flows, exported = derived.flows, _by_key(records)
    # Copies from the wrong Node are found once, by _check_exporters; the rest looks at the right Node's records.
    own = {f.key: [r for r in exported[f.key] if r.get("_domain") == f.node.observation_domain]
           for f in flows if f.key in exported}
    own = {key: found for key, found in own.items() if found}
    # The kernel's conntrack counts everything. The userspace datapath's has no counters; NetFlow of Open vSwitch
    # stands in for them, and it covers IPv4 TCP and UDP.
    exact = (lambda f: True) if datapath == "system" else (lambda f: f.family == 4 and f.key[2] in (6, 17))
    # destinationClusterIP (106) is an ipv4Address and has no place in records of IPv6 flows.
    results += [_check_kind(kind, flows, own, lambda f: f.family == 4) for kind in KINDS]
    ipv6 = [f for f in flows if f.family == 6]
    results.append(Result("IPv6: exported", sum(f.key in own for f in ipv6)))
    results[-1].problems = [f"{f.text}: expected a record from {f.node.name}, none came" for f in ipv6
                            if f.key not in own]
    results.append(_check_exporters(cluster, flows, exported))
    results.append(_check_denied(derived, exported))
    of_denied = [r for r in records if "firewallEvent" in r and record_key(r) is not None]
    if of_denied:
        results.append(_check_denied_records(derived, cluster, readings, of_denied))
    results += _check_totals(flows, own, exact)
    results.append(_check_deltas(flows, own))
    results.append(_check_lives(flows, own, began, ended))
    return results


def lost_in_datapath(cluster, readings):
    """Flows that the referee's two places disagree on: notes, not problems."""
    return [f"{f.text}: {f.forward} there, {f.reverse} back" for f in derive(cluster, readings).flows
            if len(set(f.forward)) > 1 or len(set(f.reverse)) > 1]
