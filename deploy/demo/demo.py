"""The demo itself, after everything is installed and built: see `deploy/demo/run --help`."""

import argparse
import os
import secrets
import signal
import sys
import time

import check
import cluster
import programs
import referee
import result
import topology
import traffic
from collector import Collected
from process import DemoError
from run_folder import RunFolder, remove_leftovers
from table import LiveView

POLL_S = 2.5       # exporters complete a poll before traffic begins: they see every connection being born
SETTLE_S = 9       # between the last packet of the traffic and the end of the exporters
SHORTEST_CHECK_S = 25
NAMED_WITHIN_S = 20


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived."""


def _arguments():
    parser = argparse.ArgumentParser(prog="deploy/demo/run", allow_abbrev=False)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--for", dest="seconds", type=int, metavar="SECONDS")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--datapath", choices=("auto", "system", "netdev"), default="auto")
    parser.add_argument("--records", metavar="FILE")
    parser.add_argument("--no-exporter", action="store_true")
    arguments = parser.parse_args()
    if arguments.seconds is not None and arguments.seconds < 1:
        parser.error("--for: at least 1 second")
    if arguments.check:
        arguments.seconds = arguments.seconds or 40
        if not SHORTEST_CHECK_S <= arguments.seconds <= traffic.MAX_SECONDS_WITHOUT_REUSE:
            parser.error(f"--check needs --for {SHORTEST_CHECK_S} to {traffic.MAX_SECONDS_WITHOUT_REUSE}: shorter "
                         "proves nothing, longer uses source ports twice")
    if arguments.records:
        arguments.records = os.path.abspath(arguments.records)
    return arguments


def _headline(drawn, sides, datapath):
    lines = [f"ovs-flow-exporter demo: Open vSwitch with the {datapath} datapath, seed {drawn.seed}"]
    for side in sides:
        lines.append(f"{side.node.name} ({side.node.cidr4}): "
                     f"ovs-appctl -t {programs.Programs.control(side)} flow/list")
    return lines


class Demo:
    def __init__(self, arguments, folder):
        self._arguments, self._folder = arguments, folder
        self._began = time.monotonic()
        self._drawn = cluster.draw(arguments.seed if arguments.seed is not None else secrets.randbelow(1 << 32))
        self._datapath = topology.datapath_type(arguments.datapath)
        self._collected = Collected(keep_records=arguments.check, copy_to=arguments.records)
        self._ours = None  # Programs, unless --no-exporter
        self._view = None

    def run(self):
        """Returns the exit status."""
        arguments = self._arguments
        print(f"seed {self._drawn.seed}, datapath {self._datapath}, folder {self._folder.path}", flush=True)
        self._sides, collector_namespace = topology.build(self._folder, self._drawn, self._datapath)
        referee.install(self._sides)
        talk = traffic.Traffic(self._folder, self._drawn, self._sides)
        talk.start_servers()
        if not arguments.no_exporter:
            self._ours = programs.Programs(self._folder, arguments.bin, self._drawn, self._sides, collector_namespace,
                                           self._datapath)
            self._ours.start(self._collected)
            self._view = LiveView(self._drawn, self._collected,
                                  _headline(self._drawn, self._sides, self._datapath))
        ready = time.monotonic()
        self._watch_until(ready + POLL_S)
        traffic_began = time.time()
        talk.start_clients()

        end = ready + arguments.seconds if arguments.seconds else None
        if not arguments.check:
            self._watch_until(end)
            return self._finish_without_check(talk)
        self._watch_until(end - SETTLE_S)
        complaints = talk.stop_clients()
        self._watch_until(max(end, time.monotonic() + SETTLE_S - 1))
        return self._check(complaints, traffic_began)

    def _watch_until(self, end):
        """Shows flows until then (None: until interrupted); a program that ends by itself ends the demo."""
        while end is None or time.monotonic() < end:
            self._folder.require_alive()
            if self._view:
                self._view.show(time.monotonic(), time.time())
            time.sleep(0.2 if end is None else max(0.0, min(0.2, end - time.monotonic())))

    def _finish_without_check(self, talk):
        if self._view:
            self._view.show(time.monotonic(), time.time(), final=True)
        else:
            complaints = talk.stop_clients()
            print(complaints + result.report(check.traffic_results(self._drawn, referee.read(self._sides))[1]))
        return 0

    def _wait_for_quiet_collector(self):
        count, since = -1, time.monotonic()
        while time.monotonic() - since < 1.0:
            if self._collected.count != count:
                count, since = self._collected.count, time.monotonic()
            time.sleep(0.1)

    def _check(self, complaints, traffic_began):
        readings = referee.read(self._sides)
        if self._ours is None:
            _, results = check.traffic_results(self._drawn, readings)
            return self._verdict(results, complaints, readings, "")
        status_text = self._ours.ask("exporter/status") + self._ours.ask("ipfix/show")
        logs = self._ours.logs()
        stream = result.Result("exporters ended well, IPFIX well-formed")
        stream.problems += self._ours.stop_exporters()
        self._wait_for_quiet_collector()
        dump_status = self._ours.stop_collector()
        if dump_status != 0:
            stream.problems.append(f"ipfix-dump ended with status {dump_status} (2: it met malformed input):\n"
                                   f"{self._ours.collector_log()}")
        if self._collected.unreadable or self._collected.beyond_limit:
            stream.problems.append(f"{self._collected.unreadable} lines of ipfix-dump are not JSON, "
                                   f"{self._collected.beyond_limit} came after the limit")
        stream.verified = self._collected.count

        soon = result.Result(f"named flows within {NAMED_WITHIN_S} s")
        first = self._collected.first_named
        if first is not None and first - self._began <= NAMED_WITHIN_S:
            soon.verified = 1
        else:
            soon.problems.append("none came" if first is None else f"the first after {first - self._began:.1f} s")

        results = check.check(self._drawn, readings, self._collected.records, self._datapath, traffic_began,
                              time.time())
        results += [soon, stream]
        if referee.read(self._sides) != readings:
            results[0].problems.append("packets still flowed while the exporters ended: the comparison is void")
        return self._verdict(results, complaints, readings, f"{status_text}\n{logs}")

    def _verdict(self, results, complaints, readings, details):
        print(f"\n{result.report(results)}\n")
        for side in self._sides:
            print(f"datapath of {side.node.name}: {topology.lookups(side)}")
        for note in check.lost_in_datapath(self._drawn, readings)[:5]:
            print(f"note: packets lost inside the datapath, seen by the referee: {note}")
        if complaints:
            print(f"note: clients complained:\n{complaints}")
        failed = [r for r in results if not r.ok]
        if failed:
            print(f"{details}\ncheck FAILED: {len(failed)} of {len(results)} properties (seed {self._drawn.seed})")
            return 1
        print(f"check passed: {len(results)} properties, {self._collected.count} records (seed {self._drawn.seed}, "
              f"datapath {self._datapath})")
        return 0


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _on_signal(number, _):
    for other in _SIGNALS:  # a second Ctrl-C must not cut the removal short
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def main():
    arguments = _arguments()
    sys.stdout.reconfigure(errors="replace")
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    folder, status = None, 1
    try:
        if not arguments.no_exporter:
            programs.require(arguments.bin)
        for what in remove_leftovers():
            print(f"removed what an earlier run left behind: {what}")
        folder = RunFolder()
        status = Demo(arguments, folder).run()
    except Interrupted as interrupted:
        # Ctrl-C is how a demo ends; a check that was cut short has not passed.
        status = 0 if interrupted.args[0] == signal.SIGINT and not arguments.check else 128 + interrupted.args[0]
        print("\ninterrupted: removing everything this run made", flush=True)
    except DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr, flush=True)
    except BrokenPipeError:
        pass  # nobody reads any more
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if folder is not None:
            folder.remove()
    return status


if __name__ == "__main__":
    sys.exit(main())
