"""Pods at the ports of a real Open vSwitch's br-int, with whatever rules a test has."""

import os

from harness import OvsDatabase, run, wait_for


class BridgePods:
    """node: the namespace of Open vSwitch; pods[i]: (namespace, IPv4, IPv6), of 10.NET.0.0/24 and fdNET::/64, at the
    OpenFlow port and device i + 1 and pi + 1, called tests/podi + 1, 0a:00:00:00:00:0i + 1. Others are behind a gateway
    that does not exist: 10.NET.0.254."""

    def __init__(self, testbed, net, count, rules, datapath_type="netdev"):
        self.net, self.rules = net, rules
        self.node = testbed.namespace("node")
        self.database = OvsDatabase(testbed, self.node, datapath_type, vswitchd=True)
        self.pods = [self._pod(testbed, index) for index in range(1, count + 1)]
        self.install_rules()

    def _pod(self, testbed, index):
        pod, device = testbed.namespace(f"pod{index}"), f"p{index}"
        run("ip", "-n", self.node, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", pod)
        run("ip", "-n", self.node, "link", "set", device, "up")
        run("ip", "-n", pod, "link", "set", "eth0", "address", f"0a:00:00:00:00:0{index}", "up")
        v4, v6, gateway = f"10.{self.net}.0.{index}", f"fd{self.net}::{index}", f"10.{self.net}.0.254"
        run("ip", "-n", pod, "addr", "add", f"{v4}/24", "dev", "eth0")
        run("ip", "-n", pod, "addr", "add", f"{v6}/64", "dev", "eth0", "nodad")
        run("ip", "-n", pod, "neigh", "add", gateway, "lladdr", "0a:00:00:00:00:fe", "dev", "eth0", "nud", "permanent")
        run("ip", "-n", pod, "route", "add", "default", "via", gateway)
        for namespace, name in ((pod, "eth0"), (self.node, device)):  # whole, checksummed segments, as the wire has them
            run("ip", "netns", "exec", namespace, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro",
                "off")
        self.database.vsctl("add-port", "br-int", device, "--", "set", "interface", device, f"ofport_request={index}",
                            f"external_ids:pod-name=pod{index}", "external_ids:pod-namespace=tests",
                            f'external_ids:ip-address="{v4},{v6}"')
        return pod, v4, v6

    def install_rules(self):
        """Also after ovs-vswitchd was started again: it keeps no rules."""
        control, environment = self.database.rundir / "br-int.mgmt", {**os.environ, **self.database.environment}
        wait_for("the bridge's OpenFlow socket", lambda: run("ovs-ofctl", "show", control, check=False, env=environment))
        run("ovs-ofctl", "add-flows", control, "-", input=self.rules, env=environment)
