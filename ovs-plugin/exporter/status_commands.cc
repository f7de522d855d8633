// exporter/status, ipfix/show and config/show.
#include <sys/resource.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>

#include "ipfix/element.h"
#include "ipfix/flow_keys.h"
#include "ipfix/statistics_records.h"
#include "ipfix/type_records.h"
#include "ovs-plugin/exporter/collector_status.h"
#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/denied_commands.h"
#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/exporter/tls_collector.h"
#include "ovs-plugin/exporter/userspace_status.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

Json store_json(const flowstore::Stats& stats, std::uint32_t limit) {
  return {{"flows", stats.flows},
          {"limit", limit},
          {"endedWaiting", stats.ended_waiting},
          {"withoutStatistics", stats.without_statistics},
          {"created", stats.created},
          {"restarted", stats.restarted},
          {"ended", stats.ended},
          {"refusedFull", stats.refused_full},
          {"evictedEnded", stats.evicted_ended},
          {"counterStepsBack", stats.counter_steps_back},
          {"zoneMembershipsDropped", stats.zone_memberships_dropped},
          {"staleObservations", stats.stale_observations},
          {"endsNotRemembered", stats.ends_not_remembered}};
}

Json kernel_json(const KernelScan& scan, const conntrack::AccountingSysctls& accounting) {
  const conntrack::KernelSourceStats& stats = scan.stats();
  return {{"dumps", stats.dumps},
          {"dumpsFailed", stats.dumps_failed},
          {"entries", stats.entries},
          {"undecodable", stats.undecodable},
          {"entriesOfOtherZones", stats.other_zone},
          {"kernelFiltersZones", stats.kernel_filters},
          {"readsAllZonesAtOnce", scan.reads_all_at_once()},
          {"accounting", accounting.accounting},
          {"timestamps", accounting.timestamps},
          {"problem", accounting.problem},
          {"lastError", stats.last_error}};
}

Json events_json(const EventStream* events, const ResyncStats& resync) {
  if (events == nullptr) return {{"state", "off"}};
  const conntrack::EventSourceStats& stats = events->stats();
  return {{"state", events->open() ? "listening" : "not available"},
          {"new", stats.born},
          {"destroy", stats.gone},
          {"undecodable", stats.undecodable},
          {"eventsOfOtherZones", stats.other_zone},
          {"bufferOctets", stats.buffer_octets},
          {"overruns", stats.overruns},
          {"eventsLost", stats.lost},
          {"connectionsMissedAtMost", stats.missed_at_most},
          {"resyncs", resync.completed},
          {"resyncUnderWay", resync.under_way},
          {"sysctlChanged", events->sysctl().changed()},
          {"problem", events->sysctl().problem() + (events->sysctl().problem().empty() ? "" : ". ") + stats.problem}};
}

Json loop_json(const LoopTimes& times) {
  const auto ms = [&](double part) { return static_cast<double>(times.quantile_us(part)) / 1e3; };
  return {{"turns", times.turns()},
          {"p50Ms", ms(0.5)},
          {"p99Ms", ms(0.99)},
          {"p999Ms", ms(0.999)},
          {"longestMs", static_cast<double>(times.longest_us()) / 1e3}};
}

Json node_flows_json(const State& state) {
  const NodeFlowStats& stats = state.node_flows.stats();
  return {{"wanted", state.settings.node_flows},
          {"zone0", whole_host_zone(state.settings) ? "all of it, as zones lists it"
                    : state.settings.node_flows     ? "connections between Nodes"
                                                    : "not read"},
          {"entriesTaken", stats.taken},
          {"entriesLeftOut", stats.left_out},
          {"problem", state.node_flows.problem(state.node_name)}};
}

Json conntrack_json(Exporter& exporter) {
  const ConntrackPart& part = exporter.conntrack();
  const ConntrackPartStats& stats = part.stats();
  Json json{{"source", part.source()},
            {"zones", exporter.state().settings.zones},
            {"polls", stats.polls},
            {"pollsSkipped", stats.polls_skipped},
            {"scansFailed", stats.scans_failed},
            {"lastPollMs", stats.last_poll_ms},
            {"lastPoll", time_text(stats.last_poll_wall_ms)},
            {"lastError", stats.last_error},
            {"nodeFlows", node_flows_json(exporter.state())}};
  if (part.kernel() != nullptr) {
    json["kernel"] = kernel_json(*part.kernel(), part.accounting());
    json["events"] = events_json(part.events(), part.resync());
  }
  if (part.userspace() != nullptr) {
    json["userspace"] = userspace_json(*part.userspace(), exporter.state(), exporter.now());
  }
  return json;
}

Json accounting_json(Exporter& exporter) {
  const datapath::NetflowStats& stats = exporter.netflow().stats();
  return {{"wanted", exporter.state().settings.exact_accounting},
          {"state", to_string(exporter.ovsdb().netflow_state())},
          {"port", exporter.netflow().port()},
          {"datagrams", stats.datagrams},
          {"records", stats.records},
          {"recordsLost", stats.lost_records},
          {"malformed", stats.malformed},
          {"error", exporter.ovsdb().netflow_error()}};
}

Json watch_json(const metadata::v1::BridgeCounters::Watch& watch) {
  return {{"lists", watch.lists()},
          {"streamedLists", watch.streamed_lists()},
          {"pages", watch.pages()},
          {"watches", watch.watches()},
          {"events", watch.events()},
          {"bookmarks", watch.bookmarks()},
          {"unknownEvents", watch.unknown_events()},
          {"expired", watch.expired()},
          {"failures", watch.failures()},
          {"malformed", watch.malformed()},
          {"skipped", watch.skipped()}};
}

// What the k8s-bridge told last of itself; null: nothing.
Json bridge_json(const std::optional<metadata::v1::BridgeCounters>& told) {
  if (!told) return nullptr;
  return {{"pods", watch_json(told->pods())},
          {"services", watch_json(told->services())},
          {"nodes", watch_json(told->nodes())},
          {"objectsTooLarge", told->objects_too_large()},
          {"objectsOverLimit", told->objects_over_limit()},
          {"removalsDropped", told->removals_dropped()},
          {"exporters",
           {{"connected", told->exporters()},
            {"accepted", told->exporters_accepted()},
            {"refused", told->exporters_refused()},
            {"strangers", told->exporters_strangers()},
            {"resumed", told->exporters_resumed()},
            {"malformed", told->exporters_malformed()},
            {"dropped", told->exporters_dropped()}}}};
}

Json metadata_json(Exporter& exporter) {
  const k8s::ClientStats& stats = exporter.metadata().stats();
  const k8s::DirectoryStats& directory = exporter.state().directory.stats();
  return {{"socket", exporter.state().settings.metadata_socket},
          {"connected", stats.connected},
          {"synced", stats.synced},
          {"sourceSynced", stats.source_synced},
          {"sourceDetail", stats.source_detail},
          {"lastMessage", time_text(stats.last_message_wall_ms)},
          {"stalenessSeconds", exporter.metadata().staleness_seconds(exporter.now())},
          {"connects", stats.connects},
          {"resumed", stats.resumed},
          {"connectFailures", stats.connect_failures},
          {"protocolErrors", stats.protocol_errors},
          {"lastError", stats.last_error},
          {"pods", directory.pods},
          {"removedPodsKept", directory.removed_pods_kept},
          {"services", directory.services},
          {"nodes", directory.nodes},
          {"removedPodsDropped", directory.removed_pods_dropped},
          {"contestedServicePorts", directory.contested_service_ports},
          {"invalidObjects", directory.invalid},
          {"objectsRefused", directory.refused},
          {"bridge", bridge_json(stats.bridge)},
          {"podsOfLocalPorts", exporter.state().ports.size()},
          {"portsOverDirectory", exporter.state().naming_stats.ports_over_directory}};
}

Json process_json(Exporter& exporter) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  std::uint64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return {{"pid", ::getpid()},
          {"started", time_text(exporter.state().started.wall_ms)},
          {"cpuUserSeconds", seconds(usage.ru_utime)},
          {"cpuSystemSeconds", seconds(usage.ru_stime)},
          {"residentOctets", resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))}};
}

// How late the flow is that has been due for longest: 0 unless the collector or its queue does not keep up.
std::int64_t export_lag_ms(Exporter& exporter) {
  const std::int64_t now_ms = exporter.now().monotonic_ms;
  return std::max<std::int64_t>(now_ms - exporter.state().store.next_deadline_ms().value_or(now_ms), 0);
}

Json metrics_json(Exporter& exporter) {
  return {{"address", exporter.state().settings.metrics_address},
          {"listening", exporter.metrics().port() != 0},
          {"problem", exporter.metrics().problem()}};
}

Json ipfix_json(Exporter& exporter) {
  const ExportPartStats& part = exporter.exporting().stats();
  Json json{{"observationDomainId", exporter.exporting().observation_domain()},
            {"exportLagMs", export_lag_ms(exporter)},
            {"records", part.records},
            {"exportedElsewhere", part.exported_elsewhere},
            {"filteredByProtocol", part.filtered_protocol},
            {"withoutCollector", part.without_collector},
            {"notEncodable", part.not_encodable}};
  const auto& collectors = exporter.exporting().collectors().all();
  json["collector"] =
      collectors.empty() ? Json("none") : collector_status(*collectors.front(), exporter.state().settings);
  Json all = Json::array();
  for (const auto& collector : collectors) all.push_back(collector_status(*collector, exporter.state().settings));
  json["collectors"] = std::move(all);
  return json;
}

Json yaml_to_json(const YAML::Node& node) {
  if (node.IsMap()) {
    Json json = Json::object();
    for (const auto& entry : node) json[entry.first.as<std::string>()] = yaml_to_json(entry.second);
    return json;
  }
  if (node.IsSequence()) {
    Json json = Json::array();
    for (const auto& entry : node) json.push_back(yaml_to_json(entry));
    return json;
  }
  if (node.IsNull()) return nullptr;
  if (node.Tag() == "!") return node.as<std::string>();  // quoted
  std::int64_t number = 0;
  if (YAML::convert<std::int64_t>::decode(node, number)) return number;
  bool flag = false;
  if (YAML::convert<bool>::decode(node, flag)) return flag;
  return node.as<std::string>();
}

// The one collector, or the list of several: not both.
void leave_out_repetition(Json& ipfix) {
  ipfix.erase(ipfix["collectors"].size() > 1 ? "collector" : "collectors");
}

Answer render(const Json& json, bool as_json) {
  return {true, as_json ? json.dump() + "\n" : as_text(json)};
}

Json template_json(const ipfix::Template& definition) {
  Json elements = Json::array();
  for (const ipfix::FieldSpecifier& field : definition.fields) {
    elements.push_back(ipfix::Registry::builtin().find(field.enterprise, field.id)->name);
  }
  return {{"id", definition.id}, {"elements", std::move(elements)}};
}

}  // namespace

Json status_json(Exporter& exporter) {
  const BridgeView& bridge = exporter.ovsdb().bridge();
  return {{"node", exporter.state().node_name},
          {"process", process_json(exporter)},
          {"loop", loop_json(exporter.loop_times())},
          {"ovs",
           {{"database", exporter.ovsdb().remote()},
            {"connected", exporter.ovsdb().connected()},
            {"version", exporter.ovsdb().ovs_version()},
            {"libraryVersion", ofe_ovs_library_version()},
            {"bridge", exporter.state().settings.bridge},
            {"bridgeFound", bridge.found},
            {"datapathType", bridge.datapath_type}}},
          {"ports", ports_status(exporter)},
          {"zones", zones_status(exporter)},
          {"conntrack", conntrack_json(exporter)},
          {"exactAccounting", accounting_json(exporter)},
          {"kernelDatapathFlows", kernel_flows_json(exporter.kernel_flows())},
          {"denied", denied_json(exporter)},
          {"store", store_json(exporter.state().store.stats(), exporter.state().settings.max_flows)},
          {"stateFile", state_file_status(exporter)},
          {"metadata", metadata_json(exporter)},
          {"ipfix", ipfix_json(exporter)},
          {"metrics", metrics_json(exporter)},
          {"configuration",
           {{"file", exporter.config().path()},
            {"reloads", exporter.config().stats().reloads},
            {"refused", exporter.config().stats().refused},
            {"problems", exporter.config().stats().problems}}}};
}

Answer exporter_status(Exporter& exporter, const Arguments& arguments) {
  bool json = false;
  Answer wrong;
  if (!take_json_flag(arguments, json, wrong, "exporter/status [--json]")) return wrong;
  Json status = status_json(exporter);
  if (!json) leave_out_repetition(status["ipfix"]);
  return render(status, json);
}

Answer ipfix_show(Exporter& exporter, const Arguments& arguments) {
  bool json = false;
  Answer wrong;
  if (!take_json_flag(arguments, json, wrong, "ipfix/show [--json]")) return wrong;
  Json show = ipfix_json(exporter);
  if (!json) leave_out_repetition(show);
  Json templates = Json::array({template_json(ipfix::type_record_template(record::template_type_records))});
  for (const ipfix::Template& definition : exporter.state().layout.templates())
    templates.push_back(template_json(definition));
  templates.push_back(template_json(ipfix::flow_keys_template(record::template_flow_keys)));
  templates.push_back(template_json(ipfix::sent_statistics_template(record::template_sent_statistics)));
  templates.push_back(template_json(ipfix::not_sent_statistics_template(record::template_not_sent_statistics)));
  show["templates"] = std::move(templates);
  return render(show, json);
}

Answer config_show(Exporter& exporter, const Arguments& arguments) {
  bool json = false;
  Answer wrong;
  if (!take_json_flag(arguments, json, wrong, "config/show [--json]")) return wrong;
  const std::string yaml = config::to_yaml(exporter.state().settings);
  return {true, json ? yaml_to_json(YAML::Load(yaml)).dump() + "\n" : yaml};
}

}  // namespace ofe
