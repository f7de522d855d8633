"""What the fuzzers begin with: seeds.py FOLDER writes a folder of inputs for each."""

import json
import pathlib
import struct
import sys

RECORDED = pathlib.Path(__file__).parents[1] / "proto/recorded/version_1.txt"
NEXT_ANSWER, CUT_OFF = "\x1e", "\x1f"
POD = {"metadata": {"namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "7",
                    "creationTimestamp": "2024-05-01T10:20:30Z", "deletionTimestamp": None},
       "spec": {"nodeName": "node-a", "hostNetwork": False},
       "status": {"phase": "Running", "podIP": "10.1.0.5", "podIPs": [{"ip": "10.1.0.5"}, {"ip": "fd00::5"}],
                  "startTime": "2024-05-01T10:20:31Z"}}
SERVICE = {"metadata": {"namespace": "shop", "name": "web", "uid": "u2", "resourceVersion": "8"},
           "spec": {"type": "NodePort", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00:10::1"],
                    "externalIPs": ["203.0.113.7"],
                    "ports": [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]},
           "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}, {"hostname": "x"}]}}}
NODE = {"metadata": {"name": "node-a", "resourceVersion": "9"},
        "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00::/64"]},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}
STATUS = {"kind": "Status", "code": 410, "message": "too old resource version"}
END = {"metadata": {"resourceVersion": "12", "annotations": {"k8s.io/initial-events-end": "true"}}}
BOOKMARK = {"metadata": {"resourceVersion": "15"}}


def events(*those):
    return "".join(json.dumps({"type": kind, "object": thing}, separators=(",", ":")) + "\n" for kind, thing in those)


def page(*items, more=""):
    return json.dumps({"metadata": {"resourceVersion": "10", "continue": more}, "items": items}, separators=(",", ":"))


def script(choice, *answers):
    return (choice + NEXT_ANSWER.join(answers)).encode()


def watch_streams():
    """As watch_stream_fuzzer.cc reads them: an octet that chooses, then answers."""
    for number, thing in enumerate((POD, SERVICE, NODE)):
        pages, streams = chr(0x30 + number), chr(0x60 + number)  # 0x30 and 0x60 are multiples of three
        gone = events(("DELETED", thing))
        watch = events(("ADDED", thing), ("MODIFIED", thing), ("BOOKMARK", BOOKMARK))
        yield script(pages, "200" + page(thing, more="next"), "200" + page(thing), "200" + watch + gone)
        yield script(pages, "200" + page(thing), "200" + events(("ERROR", STATUS)), "200" + page())
        yield script(pages, "500", "429", "200" + page(thing), "410" + json.dumps(STATUS), "200" + page(thing))
        yield script(streams, "200" + events(("ADDED", thing), ("BOOKMARK", END)) + watch, "200" + gone)
        yield script(streams, "200" + events(("ADDED", thing)) + CUT_OFF, "422", "200" + page(thing), "200" + watch)
        yield script(streams, "403" + json.dumps(STATUS), "403" + json.dumps(STATUS), "200" + page(thing), "200" + watch)


def frames_of(side):
    for line in RECORDED.read_text().splitlines():
        by, _, octets = line.partition(" ")
        if by == side:
            message = bytes.fromhex(octets)
            yield struct.pack(">I", len(message)) + message


def main():
    folder = pathlib.Path(sys.argv[1])
    bridge, exporter = list(frames_of("bridge")), list(frames_of("exporter"))
    for name, seeds in (("watch_stream", watch_streams()), ("exporter_frames", exporter),
                        ("bridge_frames", [*bridge, b"".join(bridge), b"".join(bridge[1:])])):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / name / f"seed-{number}").write_bytes(seed)


main()
