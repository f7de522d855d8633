#include "ovs-plugin/exporter/metrics.h"

#include <algorithm>
#include <string_view>

namespace ofe {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Numbers that say how many there are now, or were in the last dump.
constexpr std::string_view gauges[] = {
    "conntrack.events.bufferOctets",
    "conntrack.userspace.megaflowJoin.entryMegaflows",
    "conntrack.userspace.megaflowJoin.untracked",
    "conntrack.userspace.megaflowJoin.followed",
    "conntrack.userspace.megaflowJoin.pinned",
    "conntrack.userspace.megaflowJoin.shared",
    "conntrack.userspace.megaflowJoin.routes",
    "conntrack.userspace.megaflowJoin.masks",
    "conntrack.userspace.megaflowJoin.buckets",
    "conntrack.userspace.megaflowJoin.memberships",
    "conntrack.userspace.countedTuples",
    "conntrack.userspace.share.lastTooLongEntries",
    "conntrack.userspace.share.lastTooLongOctets",
    "denied.drops",
    "denied.megaflows",
    "denied.tracesWaiting",
    "denied.kinds.unclassified",
    "denied.kinds.policy",
    "denied.kinds.invalidState",
    "denied.kinds.antiSpoofing",
    "denied.kinds.tableMiss",
    "denied.kinds.other",
    "stateFile.flows",
    "stateFile.notSeenAgainYet",
    "stateFile.unsentRecords",
    "stateFile.unsentRecordsWaiting",
    "store.flows",
    "store.endedWaiting",
    "store.withoutStatistics",
    "ports.known",
    "ports.inDatapath",
    "ports.unreadable",
    "zones.watched",
    "zones.unresolvedMore",
    "zones.rules",
    "zones.undecodable",
    "zones.tablesTooLong",
    "zones.writesDropped",
    "metadata.stalenessSeconds",
    "metadata.pods",
    "metadata.removedPodsKept",
    "metadata.contestedServicePorts",
    "metadata.bridge.exporters.connected",
    "metadata.services",
    "metadata.nodes",
    "metadata.podsOfLocalPorts",
    "ipfix.collector.queuedOctets",
    "ipfix.collector.spool.octets",
    "ipfix.collector.spool.waitingOctets",
};

// Numbers that measure nothing, and those that come under standard names.
constexpr std::string_view left_out[] = {
    "process.pid",          "process.cpuUserSeconds",    "process.cpuSystemSeconds",     "process.residentOctets",
    "exactAccounting.port", "ipfix.observationDomainId", "ipfix.collector.nextSequence",
};

template <std::size_t N>
bool lists(const std::string_view (&paths)[N], std::string_view path) {
  return std::ranges::find(paths, path) != std::end(paths);
}

// "octetsSent" is {"octets", "sent"}, "table-miss" {"table", "miss"}.
std::vector<std::string> words_of(std::string_view camel_case) {
  std::vector<std::string> words{""};
  for (const char c : camel_case) {
    if (c == '-') {
      words.emplace_back();
      continue;
    }
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !words.back().empty()) words.emplace_back();
    words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

struct Leaf {
  std::string name, unit;  // unit: "" or as it ends the name, "_seconds"
  bool gauge = false;
  double per_unit = 1;  // what the number is divided by
};

Leaf describe(const std::string& path, const std::string& key) {
  Leaf leaf{"", "", lists(gauges, path), 1};
  std::vector<std::string> words = words_of(key);
  if (words.back() == "ms") {
    words.pop_back();
    leaf.unit = "_seconds";
    leaf.per_unit = 1000;
    leaf.gauge = true;
  } else if (std::erase(words, "octets") != 0) {
    leaf.unit = "_bytes";
  }
  for (const std::string& word : words) {
    leaf.name += "_" + word;
    leaf.gauge = leaf.gauge || word == "limit" || word == "percent";
  }
  return leaf;
}

MetricFamily family(std::string name, const std::string& help, MetricType type, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {std::move(name), help, type, {std::move(metric)}};
}

void walk(const Json& node, const std::string& path, const std::string& prefix, std::vector<MetricFamily>& metrics);

// Each collector's numbers, told apart by a label.
void walk_collectors(const Json& collectors, const std::string& prefix, std::vector<MetricFamily>& metrics) {
  for (const Json& collector : collectors) {
    std::vector<MetricFamily> of_one;
    walk(collector, "ipfix.collector", prefix + "_collector", of_one);
    for (MetricFamily& one : of_one) {
      one.metric.front().label = {{"collector", collector.value("configured", "")}};
      const auto same = std::ranges::find(metrics, one.name, &MetricFamily::name);
      if (same == metrics.end()) {
        metrics.push_back(std::move(one));
      } else {
        same->metric.push_back(std::move(one.metric.front()));
      }
    }
  }
}

void walk(const Json& node, const std::string& path, const std::string& prefix, std::vector<MetricFamily>& metrics) {
  for (const auto& [key, value] : node.items()) {
    const std::string here = path.empty() ? key : path + "." + key;
    const Leaf leaf = describe(here, key);
    if (here == "ipfix.collectors") {
      walk_collectors(value, prefix, metrics);
    } else if (here == "ipfix.collector" && node.contains("collectors")) {
      continue;  // the first of them
    } else if (value.is_object()) {
      walk(value, here, prefix + leaf.name, metrics);
    } else if (value.is_boolean()) {
      metrics.push_back(
          family(prefix + leaf.name, here + " of exporter/status", MetricType::Gauge, value.get<bool>() ? 1 : 0));
    } else if (value.is_number() && !lists(left_out, here)) {
      const std::string end = leaf.unit + (leaf.gauge ? "" : "_total");
      metrics.push_back(family(prefix + leaf.name + end, here + " of exporter/status",
                               leaf.gauge ? MetricType::Gauge : MetricType::Counter,
                               value.get<double>() / leaf.per_unit));
    }
  }
}

}  // namespace

std::vector<MetricFamily> metrics_of(const Json& status) {
  std::vector<MetricFamily> metrics;
  if (const auto process = status.find("process"); process != status.end()) {
    metrics.push_back(family("process_cpu_seconds_total", "User and system CPU time spent", MetricType::Counter,
                             process->value("cpuUserSeconds", 0.0) + process->value("cpuSystemSeconds", 0.0)));
    metrics.push_back(family("process_resident_memory_bytes", "Resident memory size", MetricType::Gauge,
                             process->value("residentOctets", 0.0)));
  }
  walk(status, "", "ovs_flow_exporter", metrics);
  return metrics;
}

}  // namespace ofe
