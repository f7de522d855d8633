"""Values put in at the source, read from the wire by decoders nobody here wrote: ipfixDump (libfixbuf), nfdump, nfacctd
(pmacct), tshark and python3-ipfix print exactly what was drawn, over UDP and TCP, and tshark marks nothing as malformed
or out of sequence. Over UDP once more in packets that the kernel cuts: those messages are padded, and the capture, which
has them uncut, is nobody's to read."""

import collections
import json
import pathlib
import random
import signal
import sys

import known_records as known
from harness import Testbed, expect, run, wait_for

HERE = pathlib.Path(__file__).parent
RECORDS = 2_000
UDP, TCP, NFCAPD, NFACCTD, PADDED = "47491", "47492", "47493", "47494", "47495"
NFACCTD_SETTINGS = f"""
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {NFACCTD}
nfacctd_pipe_size: 4194304
plugins: print[flows]
aggregate[flows]: src_host,dst_host,src_port,dst_port,proto,timestamp_start,timestamp_end
print_output[flows]: json
print_output_file[flows]: %s
print_output_file_append[flows]: true
print_refresh_time[flows]: 1
print_cache_entries[flows]: 16381
timestamps_secs: false
"""


def same(injected, read, what, name_octets=None):
    """What a decoder does not say is not compared, nor what it cuts off a name."""
    injected, read = ([(*record[:-1], record[-1] and record[-1][:name_octets]) for record in records]
                      for records in (injected, read))
    said = [value is not None for value in read[0]] if read else []
    cut = collections.Counter(tuple(v if s else None for v, s in zip(record, said)) for record in injected)
    missing, surplus = cut - collections.Counter(read), collections.Counter(read) - cut
    expect(not missing and not surplus, f"{what}: {len(read)} records as injected" + (
        f"; missing {list(missing)[:2]} …; surplus {list(surplus)[:2]} …" if missing or surplus else ""))


def send(testbed, namespace, transport, port, records, records_per_turn=20):
    told = run("ip", "netns", "exec", namespace, "timeout", "60", known.SENDER, transport, port, records_per_turn,
               input=known.lines(records))
    stats = json.loads(told)
    expect(stats["sent"] == len(records) and stats["lost"] == 0, f"{transport}: {stats}")
    return stats


def statistics_agree(path, stats, what):
    """The last statistics exclude the message they stand in, which is known: two records of 28 and 44 octets."""
    sent = [block for block in known.libfixbuf_blocks(path) if "exportedMessageTotalCount" in block][-1]
    expect((int(sent["exportedMessageTotalCount"]), int(sent["exportedFlowRecordTotalCount"]),
            int(sent["exportedOctetTotalCount"])) == (stats["messages"] - 1, stats["sent"], stats["octets"] - 96),
           f"{what}: ipfixDump reads the statistics that the sender counted: {sent}")


def equal_neighbours(folder):
    lengths = [path.stat().st_size for path in sorted(folder.iterdir())]
    return sum(a == b for a, b in zip(lengths, lengths[1:])) / len(lengths)


def join_files(folder):
    joined = folder.with_suffix(".ipfix")
    joined.write_bytes(b"".join(path.read_bytes() for path in sorted(folder.iterdir())))
    return joined


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    draw = random.Random(seed)
    records, more = known.draw(draw, RECORDS), known.draw(draw, RECORDS)
    testbed = Testbed("referees")
    namespace = testbed.namespace("wire")
    datagrams, padded, nfcapd_files, stream, capture, nfacctd_out = (
        testbed.folder / name for name in ("datagrams", "padded", "nfcapd", "stream.ipfix", "wire.pcap", "nfacctd.json"))
    for folder in (datagrams, padded, nfcapd_files):
        folder.mkdir()
    settings = testbed.folder / "nfacctd.conf"
    settings.write_text(NFACCTD_SETTINGS % nfacctd_out)
    nfcapd = testbed.start("timeout", "60", "nfcapd", "-b", "127.0.0.1", "-p", NFCAPD, "-w", nfcapd_files, "-t", "60",
                           "-B", "4194304", namespace=namespace)
    nfacctd = testbed.start("timeout", "-k", "2", "60", "nfacctd", "-f", settings, namespace=namespace,
                            environment={"TZ": "UTC"})
    dumpcap = testbed.start("timeout", "60", "dumpcap", "-i", "lo", "-B", "64", "-f", f"port {UDP} or port {TCP}", "-w",
                            capture, namespace=namespace)
    for port, folder in ((UDP, datagrams), (PADDED, padded)):
        testbed.start("python3", HERE / "recorder.py", "udp", port, folder, NFCAPD, NFACCTD, namespace=namespace)
    testbed.start("python3", HERE / "recorder.py", "tcp", TCP, stream, namespace=namespace)
    wait_for("the listeners", lambda: known.listening(namespace, UDP, TCP, NFCAPD, NFACCTD, PADDED))
    wait_for("the capture", lambda: "File: " in dumpcap.log.read_text())

    over_udp = send(testbed, namespace, "udp", UDP, records)
    over_tcp = send(testbed, namespace, "tcp", TCP, records)
    in_segments = send(testbed, namespace, "udp-segments", PADDED, more, records_per_turn=200)
    for folder, stats in ((datagrams, over_udp), (padded, in_segments)):
        wait_for("every datagram", lambda f=folder, s=stats: len(list(f.iterdir())) == s["messages"])
    wait_for("the whole stream", lambda: stream.stat().st_size == over_tcp["octets"])
    wait_for("nfacctd", lambda: nfacctd_out.exists() and nfacctd_out.read_text().count("\n") >= 2 * RECORDS)
    wait_for("the capture's file", lambda: capture.stat().st_size > over_udp["octets"] + over_tcp["octets"])
    testbed.stop(nfacctd, signal.SIGINT)
    testbed.stop(nfcapd)
    testbed.stop(dumpcap)

    together, cut = (join_files(folder) for folder in (datagrams, padded))
    alike, by_chance = equal_neighbours(padded), equal_neighbours(datagrams)
    expect(alike > 0.1 > by_chance, f"messages in segments are padded: {alike:.0%} are as long as the one before, of the "
                                    f"others {by_chance:.0%}")
    for path, transport, stats, sent in ((together, "UDP", over_udp, records), (cut, "UDP in segments", in_segments, more),
                                         (stream, "TCP", over_tcp, records)):
        same(sent, known.libfixbuf(path), f"{transport}, ipfixDump")
        same(sent, known.python_ipfix(path), f"{transport}, python3-ipfix")
        statistics_agree(path, stats, transport)
    same(records + more, known.nfdump(nfcapd_files), "UDP, nfdump")
    same(records + more, known.nfacctd(nfacctd_out), "UDP, nfacctd")
    marks = "_ws.malformed || cflow.unexpected_sequence_number"
    gap = testbed.folder / "gap.pcap"
    run("editcap", capture, gap, "20-40")
    expect(run("timeout", "60", "tshark", "-r", gap, "-d", f"udp.port=={UDP},cflow", "-Y", marks),
           "tshark marks the gap when datagrams are taken out")
    for port, transport in ((UDP, "udp"), (TCP, "tcp")):
        same(records, known.tshark(capture, port, transport), f"{transport}, tshark", name_octets=16)
        marked = run("timeout", "60", "tshark", "-r", capture, "-d", f"{transport}.port=={port},cflow", "-Y",
                     f"{transport}.port == {port} && ({marks})")
        expect(not marked, f"{transport}: tshark marks nothing as malformed or out of sequence{marked}")
    return 0


sys.exit(main())
