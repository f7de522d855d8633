"""In the guest: the kernel datapath's flows as we read them over netlink, against ovs-vswitchd's own words for them."""

import os
import sys

from harness import BIN, Testbed, expect, run, wait_for
from namespace_sockets import TcpTalk, UdpTalk, connect, listen, udp
from userspace_pods import SERVICE, UserspacePods

DENIED = "table=10,priority=250,tcp,ct_state=+new+trk,tp_dst=9 actions=drop"


def traffic(pods):
    (one, one_v4, one_v6), (two, two_v4, two_v6) = pods.pods
    kept = []
    for target in (two_v4, two_v6):
        source = one_v6 if ":" in target else one_v4
        listener = listen(two, target, 5201)
        talk = TcpTalk(one, source, 40001, listener)
        talk.say(20000, 3000)
        kept += [listener, talk]
        receiver = udp(two, target, 5353)
        UdpTalk(udp(one, source, 40002), receiver).say(5, 200, 2, 20)
        kept.append(receiver)
        run("ip", "netns", "exec", one, "ping", "-q", "-c", "3", "-i", "0.2", "-s", "4000", target)
    kept.append(connect(one, one_v4, 40003, (SERVICE, 80)))
    try:
        connect(one, one_v4, 40004, (two_v4, 9), seconds=1.5)
    except TimeoutError:
        return kept
    sys.exit("FAILED: a denied connection was established")


def by_ufid(lines):
    return {ufid: (int(packets), rest) for ufid, packets, rest in (line.split(" ", 2) for line in lines.splitlines())}


def main():
    testbed = Testbed("flows")
    try:
        pods = UserspacePods(testbed, "system")
        environment = {**os.environ, **pods.database.environment}
        run("ovs-ofctl", "add-flow", pods.database.rundir / "br-int.mgmt", DENIED, env=environment)
        kept = traffic(pods)

        def in_their_words():
            text = run("ip", "netns", "exec", pods.node, "ovs-appctl", "-t",
                       pods.database.rundir / f"ovs-vswitchd.{pods.database.vswitchd.pid}.ctl", "dpctl/dump-flows", "-m",
                       "system@ovs-system")
            return by_ufid(run(BIN / "print-megaflows", "--text", input=text))

        def same_flows():
            """Between two dumps of theirs with the same flows."""
            before = in_their_words()
            ours = by_ufid(run("ip", "netns", "exec", pods.node, BIN / "print-megaflows"))
            after = in_their_words()
            return (before, ours, after) if before.keys() == after.keys() else None

        before, ours, after = wait_for("two dumps of the same flows", same_flows, seconds=60)
        expect(ours.keys() == before.keys(), f"the {len(before)} flows that dpctl/dump-flows lists are those read by netlink")
        for ufid, (packets, flow) in ours.items():
            if flow != before[ufid][1]:
                sys.exit(f"FAILED: over netlink\n{flow}\nbut dpctl/dump-flows says\n{before[ufid][1]}")
            if not before[ufid][0] <= packets <= after[ufid][0]:
                sys.exit(f"FAILED: {packets} packets, before {before[ufid][0]} and afterwards {after[ufid][0]}: {flow}")
        print("ok: key, mask, actions and packets of each are the same")
        kinds = {"drop=1": 1, "ct=65520": 2, "ct=65510": 2, "+nat": 1, "fragment=2": 1, "outputs=p": 4}
        for kind, least in kinds.items():
            found = sum(kind in flow for _, flow in ours.values())
            expect(found >= least, f"{found} of them have {kind}")
        del kept
    finally:
        testbed.close()
    return 0


sys.exit(main())
