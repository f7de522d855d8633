"""The live view: a table of named flows, made of what the exported records say."""

import datetime
import os
import shutil
import sys

from expected import protocol_name


def _magnitude(value, units=("", "k", "M", "G", "T")):
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{value:.0f}{unit}" if unit == "" or value >= 100 else f"{value:.1f}{unit}"
        value /= 1000


def _kind(cluster, record, key):
    """Which of the kinds of flow visibility a record tells of. Pods of the other Node are unnamed in records (names
    are those local to the exporter), so the drawn addresses tell a Pod from a Node here."""
    if record.get("firewallEvent") == 3:
        return "denied"
    if record.get("destinationServicePortName"):
        return "Pod→Service"
    kinds = ["Pod" if cluster.pod_at(a) else "Node" if cluster.node_at(a) else "?" for a in key[:2]]
    if kinds == ["Pod", "Pod"]:
        first, second = (cluster.pod_at(a).node for a in key[:2])
        return "Pod→Pod" if first == second else "Pod→Pod, Nodes"
    return "→".join(kinds)


def _who(record, side, address, port):
    """A Pod by its name, a Node by its name, else the address."""
    pod, node = record.get(f"{side}PodName"), record.get(f"{side}NodeName")
    name = f"{record.get(f'{side}PodNamespace')}/{pod}" if pod else f"{node} {address}" if node else address
    return f"{name}:{port}" if port else name


def _age(record, now):
    try:
        seconds = int(now - datetime.datetime.fromisoformat(record["flowStartSeconds"]).timestamp())
    except (KeyError, TypeError, ValueError):
        return "-"
    return f"{max(seconds, 0)}s" if seconds < 600 else f"{seconds // 60}m"


def _both_ways(record, name):
    there = record.get(f"{name}TotalCount") or 0
    back = record.get(f"reverse{name[0].upper()}{name[1:]}TotalCount") or 0
    return f"{_magnitude(there)}/{_magnitude(back)}" if there or back else "-"  # not counted for this flow


_COLUMNS = (("KIND", "<"), ("SOURCE", "<"), ("DESTINATION", "<"), ("SERVICE", "<"), ("PROTO", "<"), ("OCTETS", ">"),
            ("PACKETS", ">"), ("BIT/S", ">"), ("AGE", ">"))


def _row(cluster, key, flow, now):
    record, (source, destination, protocol, source_port, destination_port) = flow.record, key
    ports = protocol not in (1, 58)
    return (
        _kind(cluster, record, key),
        _who(record, "source", source, source_port if ports else None),
        _who(record, "destination", destination, destination_port if ports else None),
        record.get("destinationServicePortName") or "",
        protocol_name(protocol) + ("/6" if ":" in source and protocol != 58 else ""),
        _both_ways(record, "octet"),
        _both_ways(record, "packet"),
        "ended" if flow.over else _magnitude(flow.bits_per_second) if flow.bits_per_second else "-",
        _age(record, now),
    )


def _fit(widths, wanted):
    """Takes from the widest columns until the row fits."""
    widths = list(widths)
    while sum(widths) + 2 * (len(widths) - 1) > wanted and max(widths) > 12:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(text, width, alignment):
    if len(text) > width:
        text = text[: width - 1] + "…"
    return f"{text:{alignment}{width}}"


def render(cluster, live, headline, columns, lines, now):
    """The view as a list of lines, at most `lines` of them (0: all). live: [(key, LiveFlow)]."""
    flows = sorted(live, key=lambda item: (-item[1].bits_per_second, item[0][2], item[0]))
    named = sum(1 for _, f in flows if f.record.get("sourcePodName") or f.record.get("destinationPodName"))
    rate = sum(f.bits_per_second for _, f in flows)
    top = list(headline) + [f"{len(flows)} flows, {named} with Pod names, {_magnitude(rate)}bit/s", ""]
    room = lines - len(top) - 2 if lines else len(flows)
    rows = [_row(cluster, key, flow, now) for key, flow in flows[: max(room, 1)]]
    titles = tuple(t for t, _ in _COLUMNS)
    widths = _fit([max(len(r[i]) for r in (titles, *rows)) for i in range(len(titles))], columns)
    table = ["  ".join(_cell(c, w, a) for c, w, (_, a) in zip(row, widths, _COLUMNS)).rstrip()
             for row in (titles, *rows)]
    more = [f"… and {len(flows) - len(rows)} more"] if len(rows) < len(flows) else []
    return [_cell(line, min(columns, max(len(line), 1)), "<") for line in top] + table + more


class LiveView:
    """Redraws on a terminal every second; elsewhere prints a snapshot every 5 s."""

    def __init__(self, cluster, collected, headline):
        self._cluster, self._collected, self._headline = cluster, collected, headline
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._last = None

    def show(self, monotonic, wall, final=False):
        period = 1.0 if self._terminal else 5.0
        if not final and self._last is not None and monotonic - self._last < period:
            return
        self._last = monotonic
        live = self._collected.live(silent_s=15, over_s=6)
        if not live and not self._terminal and not final:
            return
        headline = [*self._headline, f"{self._collected.count} records at the collector"]
        if self._terminal:
            columns, lines = shutil.get_terminal_size()
            text = render(self._cluster, live, headline, columns, lines, wall)
            text[0] = text[0] if "NO_COLOR" in os.environ else f"\x1b[1m{text[0]}\x1b[0m"
            sys.stdout.write("\x1b[H\x1b[J" + "\n".join(text) + ("\n" if final else ""))
        else:
            text = render(self._cluster, live, headline, 200, 0, wall)
            sys.stdout.write("\n".join(text) + "\n\n")
        sys.stdout.flush()
