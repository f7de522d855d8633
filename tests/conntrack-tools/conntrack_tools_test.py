"""conntrack-fill and conntrack-churn against what the kernel itself says: conntrack(8) and counters of nftables."""

import json
import pathlib
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import BIN, Testbed, expect, run, wait_for  # noqa: E402  pylint: disable=wrong-import-position

ZONE = 65520
CONNECTIONS = 3000
# conntrack(8) is a slow listener (it looks up which program deleted each entry), and its option -b does not reach the
# socket it listens with: that holds 166 events.
AT_ONCE = 100
RULES = """
table ip tools {
  counter sent { }
  chain before { type filter hook output priority raw; ct zone set 65520; }
  chain after { type filter hook output priority filter; udp dport 9999 counter name sent
    udp dport 1 ct label set 1
  }
}
"""


class Namespace:
    def __init__(self, testbed):
        self.testbed, self.name = testbed, testbed.namespace("tools")
        self.run("nft", "-f", "-", input=RULES)
        for setting in ("acct", "timestamp", "events"):
            self.run("sysctl", "-q", "-w", f"net.netfilter.nf_conntrack_{setting}=1")

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.name, *command, **options)

    def fails(self, *command):
        """What it says on standard error."""
        done = subprocess.run(["ip", "netns", "exec", self.name, *map(str, command)], check=False, text=True,
                              capture_output=True)
        expect(done.returncode == 1, f"{pathlib.Path(command[0]).name} {' '.join(command[1:])} fails")
        return done.stderr

    def listen(self):
        """A conntrack -E that is subscribed (group 3 of NETLINK_NETFILTER, which is protocol 12)."""
        listener = self.testbed.start("stdbuf", "-oL", "conntrack", "-E", "-e", "DESTROY", "-o", "extended",
                                      namespace=self.name, log="events")
        subscribed = re.compile(r"^\S+ 12 +\d+ +00000004 ", re.MULTILINE)
        wait_for("the listener", lambda: subscribed.search(self.run("cat", "/proc/net/netlink")))
        return listener


def whole_lines(path):
    text = path.read_text()
    return [line for line in text[: text.rfind("\n") + 1].splitlines() if "DESTROY" in line]


def destroyed(line):
    """(source, destination, protocol, ports), counters of both directions, zone"""
    value = {}
    for name, text in re.findall(r"(\w+)=(\S+)", line):
        value.setdefault(name, []).append(text)
    protocol = re.search(r"(udp|tcp) +(\d+)", line)[2]
    key = (value["src"][0], value["dst"][0], protocol, value["sport"][0], value["dport"][0])
    counters = value["packets"][0], value["bytes"][0], value["packets"][1], value["bytes"][1]
    return key, counters, value["zone"][0]


def churn_is_exact(namespace, folder):
    listener = namespace.listen()
    expected_file = folder / "expected"
    churn = (BIN / "conntrack-churn", "--zone", ZONE, "--seed", 7)
    summaries, expected_text = [], ""
    for first in range(0, CONNECTIONS, AT_ONCE):
        summaries.append(json.loads(namespace.run(*churn, "--connections", AT_ONCE, "--rate", 50000, "--first", first,
                                                  "--expected", expected_file)))
        expected_text += expected_file.read_text()
        lines = wait_for("an event of every connection", lambda: len(text := whole_lines(listener.log))
                         == first + AT_ONCE and text, interval=0.01)  # pylint: disable=cell-var-from-loop
    namespace.testbed.stop(listener)
    events = [destroyed(line) for line in lines]
    expect({zone for _, _, zone in events} == {str(ZONE)},
           "the rule in the output hook puts both directions in the zone")
    counted = {key: counters for key, counters, _ in events}
    expected = {tuple(line[:5]): tuple(line[5:]) for line in map(str.split, expected_text.splitlines())}
    expect(len(expected) == len(counted) == len(events) == CONNECTIONS, f"{CONNECTIONS} distinct connections")
    different = [(key, expected[key], counted.get(key)) for key in expected if expected[key] != counted.get(key)]
    expect(not different, f"the kernel counted every connection as expected {different[:3]}")
    sums = [sum(int(counters[i]) for counters in expected.values()) for i in range(4)]
    names = ("packets", "octets", "reverse_packets", "reverse_octets")
    expect(sums == [sum(summary[name] for summary in summaries) for name in names], "the summary is the sum")
    counter = json.loads(namespace.run("nft", "-j", "list", "counter", "ip", "tools", "sent"))["nftables"][1]["counter"]
    expect([counter["packets"], counter["bytes"]] == sums[:2], f"nftables counted the same: {sums[:2]}")
    expect(0 < sum(summary["answered"] for summary in summaries) < CONNECTIONS, "some were answered")
    expect(namespace.run("conntrack", "-C").strip() == "0", "nothing stays in the table")

    everything = ("--connections", CONNECTIONS, "--expected", expected_file)
    namespace.run(*churn, *everything, "--rate", 3000, "--lifetime-ms", 50)
    expect(expected_file.read_text() == expected_text, "same seed, same connections, whatever the rate")
    namespace.run(*churn[:-1], 8, *everything, "--rate", 50000)
    expect(not set(expected_file.read_text().splitlines()) & set(expected_text.splitlines()),
           "another seed, other connections")


def fill_is_complete(namespace):
    fill = (BIN / "conntrack-fill", "--entries", "20000", "--zone", str(ZONE))
    namespace.run(*fill)
    listing = namespace.run("conntrack", "-L", "-z", ZONE, "-o", "extended").splitlines()
    keys = {tuple(re.findall(r"(?:src|dst|sport|dport)=(\S+)", line)[:4]) for line in listing}
    expect(len(keys) == len(listing) == 20000, "20000 distinct entries in the zone")
    expect(all(" ESTABLISHED " in line and "[ASSURED]" in line for line in listing), "all established")
    marks = sum("mark=16 " in line for line in listing)
    expect(marks == 5000, f"a quarter went to a Service ({marks})")
    labels = namespace.run(sys.executable, __file__, "labels").split()
    expect(len(labels) == 20000 and all(int(value, 16) for value in labels), "all have labels")
    expect("File exists" in namespace.fails(*fill), "the same entries again are refused, and it says why")
    namespace.run(*fill, "--first", "20000")
    expect(namespace.run("conntrack", "-C").strip() == "40000", "others follow")
    limit = int(pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text())
    message = namespace.fails(fill[0], "--entries", str(limit - 30000))
    expect(f"nf_conntrack_max is {limit}" in message and str(limit + 10000) in message,
           f"a full table is foreseen: {message.strip()}")
    namespace.run("conntrack", "-F")


def print_labels():
    """Of every entry, in hexadecimal: conntrack(8) shows only labels it has a name for. linux/netlink.h,
    linux/netfilter/nfnetlink_conntrack.h."""
    netfilter, get, dump, done, labels = 12, 0x101, 0x301, 3, 22
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netfilter) as kernel:
        kernel.send(struct.pack("=IHHIIBBH", 20, get, dump, 1, 0, 0, 0, 0))
        while True:
            data = kernel.recv(65536)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == done:
                    return
                attributes = data[20:length]
                while attributes:
                    size, name = struct.unpack_from("=HH", attributes)
                    if name == labels:
                        print(attributes[4:size].hex())
                    attributes = attributes[(size + 3) & ~3:]
                data = data[(length + 3) & ~3:]


def main():
    testbed = Testbed("tools")
    namespace = Namespace(testbed)
    churn_is_exact(namespace, testbed.folder)
    fill_is_complete(namespace)
    message = namespace.fails(BIN / "conntrack-churn", "--connections", "10", "--rate", "1000", "--zone", "7")
    expect("10 connections had no entry in zone 7" in message, "a zone without a rule is noticed")
    return 0


sys.exit(print_labels() if sys.argv[1:] == ["labels"] else main())
