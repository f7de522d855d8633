"""Measuring two or more ways of doing a thing in turn, and what a row says of it."""

import json
import os
import statistics
import subprocess
import sys


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Prompted:
    """A program that measures once for every line it is given, and answers with a line of JSON."""

    def __init__(self, command):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.first = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"FAILED: {' '.join(self.command)}: exit {self.process.wait()}")
        return json.loads(line)

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def cpu_ns_of(command):
    """User and system time of a program run to its end, output thrown away. (Only their sum is exact to the
    nanosecond where the kernel counts ticks.)"""
    with open(os.devnull, "wb") as nowhere:
        child = subprocess.Popen([str(word) for word in command], stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}: exit {child.returncode}")
    return round((used.ru_utime + used.ru_stime) * 1e9)


def interleaved(rounds, ways):
    """{name: [value of each round]}: A B C A B C …, so that what disturbs the machine for a while disturbs all."""
    values = {name: [] for name in ways}
    for number in range(rounds):
        for name, measure in ways.items():
            values[name].append(measure())
        progress(f"  round {number + 1} of {rounds}")
    return values


def row(bench, unit, ours, peer, peer_values, least_ratio, **more):
    """Medians; for every unit here less is better, so that a ratio above 1 says that ours is the better one."""
    mine, theirs = statistics.median(ours), statistics.median(peer_values)
    ratios = sorted(b / a for a, b in zip(ours, peer_values) if a)
    line = {"bench": bench, "unit": unit, "ours": _short(mine), "peer": peer, "peer_value": _short(theirs),
            "ratio": _short(theirs / mine)}
    line.update(more)
    line.setdefault("bar", f"ratio >= {least_ratio}")
    line.setdefault("met", theirs / mine >= least_ratio)
    line["runs"] = len(ours)
    line["ours_range"] = [_short(min(ours)), _short(max(ours))]
    line["peer_range"] = [_short(min(peer_values)), _short(max(peer_values))]
    line["ratio_range"] = [_short(ratios[0]), _short(ratios[-1])]
    return line


def _short(value):
    """Four significant digits."""
    return float(f"{value:.4g}")
