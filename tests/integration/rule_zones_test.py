"""Zones come from the bridge's OpenFlow rules, without any setting: immediate ones, from a register, nested in clone and in
a group's bucket, and OVN's keys; flows in them are exported. Rules that change are followed, rules that are put in anew end
no flow. Bridge deleted, ovs-vswitchd killed, a thousand ports: the zones stay, the ports follow."""

import json
import os
import pathlib
import re
import signal
import sys
import time

from harness import BIN, Exporter, Testbed, expect, recorded, run, wait_for
from userspace_pods import UserspacePods

HERE = pathlib.Path(__file__).parent
POLL_S = 1
HELD_S = 6 * POLL_S  # a zone that left the rules is watched that long at least
CONFIG = """
flowCollectorAddr: "127.0.0.1:47391"
flowPollInterval: "%ds"
flowExportFrequency: 2
ovsFlowExporter: {metadataSocket: /nonexistent/metadata.sock, nodeFlows: true%s}
"""
# IPv6 connections are tracked in the zone that register 13 holds; table 30 is never reached.
RULES = """
table=0,priority=110,arp actions=NORMAL
table=0,priority=110,icmp6,icmp_type=135 actions=NORMAL
table=0,priority=110,icmp6,icmp_type=136 actions=NORMAL
table=0,priority=100,ip actions=ct(table=10,zone=65520)
table=0,priority=100,ipv6 actions=load:8001->NXM_NX_REG13[0..15],ct(table=10,zone=NXM_NX_REG13[0..15])
table=10,priority=100,ip,ct_state=+new+trk,cookie=0x1020000000000 actions=ct(commit,table=20,zone=65520)
table=10,priority=100,ipv6,ct_state=+new+trk actions=ct(commit,table=20,zone=NXM_NX_REG13[0..15])
table=10,priority=50,ct_state=-new+trk actions=resubmit(,20)
table=20,priority=100,ip,nw_dst=10.78.0.1 actions=mod_dl_dst:0a:00:00:00:00:01,output:1
table=20,priority=100,ip,nw_dst=10.78.0.2 actions=mod_dl_dst:0a:00:00:00:00:02,output:2
table=20,priority=90,ipv6 actions=NORMAL
table=30,priority=10,ip actions=clone(ct(commit,zone=%d,exec(load:1->NXM_NX_CT_MARK[])))
table=30,priority=9,ip,cookie=0x77 actions=ct(commit,zone=NXM_NX_REG9[16..31])
table=30,priority=8,ip,cookie=0x78 actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG9[16..31]
table=30,priority=7,ip actions=ct(zone=99,table=31)
"""
GROUP = "group_id=5,type=select,bucket=ct(commit,zone=88,nat(dst=10.78.0.2))"


class Rules:
    def __init__(self, pods):
        self.control = pods.database.rundir / "br-int.mgmt"
        self.environment = {**os.environ, **pods.database.environment}

    def ofctl(self, *arguments, check=True, **options):
        return run("ovs-ofctl", "-O", "OpenFlow13", *arguments, check=check, env=self.environment, **options)

    def install(self, nested):
        wait_for("the bridge's OpenFlow socket", lambda: self.ofctl("show", self.control, check=False))
        self.ofctl("del-groups", self.control)
        self.ofctl("add-group", self.control, GROUP)
        self.ofctl("replace-flows", self.control, "-", input=RULES % nested)

    def remove(self):
        self.ofctl("del-flows", self.control)
        self.ofctl("del-groups", self.control)


def zone_list(exporter):
    return json.loads(exporter.appctl("zone/list", "--json"))


def zones(exporter):
    return {row["zone"]: row for row in zone_list(exporter)["zones"]}


def status(exporter):
    return exporter.status()["zones"]


def wait_for_zones(exporter, *numbers, seconds=30):
    wait_for(f"zones {sorted(numbers)}", lambda: sorted(zones(exporter)) == sorted(numbers), seconds=seconds)


def wait_for_readings(exporter, count):
    before = status(exporter)["readings"]
    wait_for(f"{count} readings", lambda: status(exporter)["readings"] >= before + count, seconds=60)


def from_the_rules(exporter):
    wait_for_zones(exporter, 0, 77, 88, 8001, 65520)
    seen = zones(exporter)
    expect(seen[65520]["family"] == "IPv4" and seen[65520]["why"] == ["rule: table 10 cookie 0x1020000000000"]
           and seen[65520]["bridge"] == "br-int", f"65520: {seen[65520]}")
    expect(seen[8001]["family"] == "IPv6" and "loads it into reg13" in seen[8001]["why"][0], f"8001: {seen[8001]}")
    expect("table 30" in seen[77]["why"][0] and seen[88]["why"] == ["rule: group 5"], "nested in clone, in a group")
    expect(seen[0]["why"] == ["nodeFlows"], "zone 0 is watched for Node-to-Node flows")
    unresolved = zone_list(exporter)["unresolved"]
    expect([(u["rule"], u["field"], u["why"]) for u in unresolved] ==
           [("table 30 cookie 0x78", "reg9", "written from in_port"),
            ("table 30 cookie 0x77", "reg9", "no rule loads a constant into it")], f"not resolved: {unresolved}")
    expect(status(exporter)["source"] == "rules" and status(exporter)["undecodable"] == 0
           and status(exporter)["lastError"] == "", f"exporter/status: {status(exporter)}")
    print(exporter.appctl("zone/list"))


def flows_are_exported(pods, exporter, records):
    for version, address in (("4", pods.pods[1][1]), ("6", pods.pods[1][2])):
        run("ip", "netns", "exec", pods.pods[0][0], "python3", HERE / "talk.py", "ask", "tcp", address, 5201, 3000, 3000, 1)
        del version
    wait_for("a flow in the zone of the rule", lambda: exporter.flows("zone=65520", "proto=tcp"))
    wait_for("a flow in the zone of the register", lambda: exporter.flows("zone=8001", "proto=tcp"))
    wait_for("both exported", lambda: {pods.pods[0][1], pods.pods[0][2]} <= {
        r.get("sourceIPv4Address", r.get("sourceIPv6Address")) for r in recorded(records)})
    wait_for("their entries to be counted", lambda: zones(exporter)[8001].get("entries", 0) >= 1)
    expect(True, "flows in both zones are exported, without any setting")


def rules_that_change(pods, exporter, rules):
    rules.install(nested=78)
    wait_for("the new zone", lambda: 78 in zones(exporter))
    expect(77 in zones(exporter), "a zone that the rules have no more is still watched")
    wait_for_zones(exporter, 0, 78, 88, 8001, 65520)
    expect(True, "and is let go after a while")
    pods.database.vsctl("set", "bridge", "br-int", "external_ids:ct-zone-tests_pod1=4242")
    wait_for("OVN's zone", lambda: 4242 in zones(exporter))
    expect(zones(exporter)[4242]["why"] == ["ovn: ct-zone-tests_pod1"], "OVN's key is named")
    pods.database.vsctl("remove", "bridge", "br-int", "external_ids", "ct-zone-tests_pod1")


def held(exporter):
    """The ping that runs all the time: (conntrack's key, when it began)."""
    return [(f["original"]["id"], f["start"]) for f in exporter.flows("proto=icmp", "state=live")]


def rules_put_in_anew(exporter, rules):
    before = wait_for("the ping's flow", lambda: held(exporter))
    ended = exporter.status()["store"]["ended"]
    rules.remove()
    wait_for_readings(exporter, 4)
    expect({78, 88, 8001, 65520} <= set(zones(exporter)), "without any rule the zones stay")
    rules.install(nested=78)
    wait_for_readings(exporter, 2)
    expect(held(exporter) == before and exporter.status()["store"]["ended"] == ended, "no flow ended by it")


def settings_come_first(exporter):
    exporter.configure(CONFIG % (POLL_S, ", zones: [5]"))
    wait_for_zones(exporter, 0, 5)
    expect(zones(exporter)[5]["why"] == ["ovsFlowExporter.zones"] and status(exporter)["source"] == "ovsFlowExporter.zones",
           "ovsFlowExporter.zones overrides")
    exporter.configure(CONFIG % (POLL_S, ""))
    wait_for_zones(exporter, 0, 78, 88, 8001, 65520)
    expect("zones: ~" in exporter.appctl("config/show"), "taken out again: the rules' zones")


def ports(exporter):
    return {row["interface"]: row for row in json.loads(exporter.appctl("port/list", "--json"))["ports"]}


def wait_for_datapath_ports(pods, exporter):
    """dpif/show, as it is now, against port/list."""
    def agree():
        control = pods.database.rundir / f"ovs-vswitchd.{pods.database.vswitchd.pid}.ctl"
        shown = dict(re.findall(r"^    (\S+) \d+/(\d+):", run("ovs-appctl", "-t", control, "dpif/show"), re.MULTILINE))
        ours = {name: str(port["datapathPort"]) for name, port in ports(exporter).items() if "datapathPort" in port}
        return shown if shown and shown == ours else None

    # A question that met a busy ovs-vswitchd counts as what it waited, and is followed by a pause twenty times as long.
    return wait_for("the datapath's port numbers", agree, seconds=150)


def ports_are_known(pods, exporter):
    wait_for_datapath_ports(pods, exporter)
    seen = ports(exporter)
    expect(seen["p1"]["pod"] == "tests/pod1" and seen["p1"]["kind"] == "pod" and seen["p1"]["ofport"] == 1, f"p1: {seen['p1']}")
    flow = exporter.flows("zone=65520", "proto=tcp")[0]
    expect((flow["ingressInterface"], flow["egressInterface"]) == ("p1", "p2"), "a flow's ports")
    pods.database.vsctl("add-port", "br-int", "antrea-gw0", "--", "set", "interface", "antrea-gw0", "type=internal",
                        "external_ids:antrea-type=gateway", "--", "add-port", "br-int", "antrea-tun0", "--", "set",
                        "interface", "antrea-tun0", "type=vxlan", "options:remote_ip=flow", "options:key=flow")
    wait_for_datapath_ports(pods, exporter)
    kinds = {name: port["kind"] for name, port in ports(exporter).items()}
    expect(kinds["antrea-gw0"] == "gateway" and kinds["antrea-tun0"] == "tunnel", f"gateway and tunnel: {kinds}")
    print(exporter.appctl("port/list"))


def a_thousand_ports(pods, exporter):
    names = [f"q{number}" for number in range(1000)]
    add = [word for name in names for word in ("--", "add-port", "br-int", name, "--", "set", "interface", name,
                                               "type=internal", f"external_ids:pod-name={name}",
                                               "external_ids:pod-namespace=many")]
    began = time.monotonic()
    pods.database.vsctl("--timeout=200", *add)
    added = time.monotonic()
    wait_for_datapath_ports(pods, exporter)
    expect(set(names) <= set(ports(exporter)), f"1,000 ports at once: ovs-vswitchd took {added - began:.1f} s, "
           f"the exporter knew them {time.monotonic() - added:.1f} s later")
    expect(ports(exporter)["q777"]["pod"] == "many/q777", "each with its Pod")
    pods.database.vsctl("--timeout=200", *[word for name in names for word in ("--", "del-port", "br-int", name)])
    wait_for_datapath_ports(pods, exporter)
    expect(not set(names) & set(ports(exporter)), "and they are gone at once")
    loop = exporter.status()["loop"]
    print(f"   loop: {loop}; zones: {status(exporter)}; ports: {exporter.status()['ports']}")


def vswitchd_restarts(pods, exporter, rules):
    testbed = pods.database.testbed
    testbed.stop(pods.database.vswitchd, signal.SIGKILL)
    wait_for("the failure to show", lambda: status(exporter)["lastError"], seconds=60)
    expect({78, 88, 8001, 65520} <= set(zones(exporter)), f"ovs-vswitchd killed: zones stay; {status(exporter)['lastError']}")
    pods.database.start_vswitchd()
    rules.install(nested=79)
    wait_for("the new rules' zone", lambda: 79 in zones(exporter), seconds=60)
    expect(status(exporter)["lastError"] == "", "read again")


def bridge_made_anew(pods, exporter, rules):
    pods.database.vsctl("del-br", "br-int")
    wait_for("the bridge to be gone", lambda: not exporter.status()["ovs"]["bridgeFound"])
    pods.database.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "fail_mode=secure")
    rules.install(nested=80)
    wait_for("the new bridge's zone", lambda: 80 in zones(exporter), seconds=60)
    wait_for_zones(exporter, 0, 80, 88, 8001, 65520)
    expect(True, "bridge deleted and made anew: its zones are followed")


def main():
    testbed = Testbed("zones")
    pods = UserspacePods(testbed)
    rules = Rules(pods)
    rules.install(nested=77)
    for address in pods.pods[1][1:]:
        serving = testbed.start("python3", HERE / "talk.py", "serve", address, "5201", namespace=pods.pods[1][0])
        wait_for("the server", lambda process=serving: "serving" in process.log.read_text())
    records = testbed.folder / "records.jsonl"
    testbed.start(BIN / "ipfix-dump", "--listen", "tcp:127.0.0.1:47391", namespace=pods.node, log=records.name)
    exporter = Exporter(testbed, pods.database.rundir, CONFIG % (POLL_S, ""), namespace=pods.node)
    from_the_rules(exporter)
    flows_are_exported(pods, exporter, records)
    testbed.start("ping", "-i", "0.5", pods.pods[1][1], namespace=pods.pods[0][0], log="ping.log")
    ports_are_known(pods, exporter)
    rules_that_change(pods, exporter, rules)
    rules_put_in_anew(exporter, rules)
    settings_come_first(exporter)
    vswitchd_restarts(pods, exporter, rules)
    wait_for_datapath_ports(pods, exporter)
    bridge_made_anew(pods, exporter, rules)
    wait_for_datapath_ports(pods, exporter)
    a_thousand_ports(pods, exporter)
    expect(testbed.stop(exporter.process) == 0, "SIGTERM ends with 0")
    return 0


sys.exit(main())
