#include "ovs-plugin/exporter/collector_status.h"

namespace ofe {
namespace {

// As the collector is told it (RFC 7011 section 4.3).
Json not_sent_json(const ipfix::NotSent& not_sent) {
  return {{"flowRecords", not_sent.flows},
          {"packets", not_sent.packets},
          {"octets", not_sent.octets},
          {"first", time_text(not_sent.first_wall_ms)},
          {"last", time_text(not_sent.last_wall_ms)}};
}

}  // namespace

Json collector_status(const CollectorExport& collector, const config::Config& settings) {
  const ipfix::ExportingStats& stats = collector.process().stats();
  Json json{{"configured", collector.name()},
            {"peer", stats.peer},
            {"state", to_string(stats.state)},
            {"since", time_text(stats.state_since_wall_ms)},
            {"lastError", stats.last_error},
            {"queuedOctets", stats.queued_octets},
            {"queueLimitOctets", settings.export_queue_octets},
            {"recordsAccepted", stats.records_accepted},
            {"recordsSent", stats.records_sent},
            {"recordsResent", stats.records_resent},
            {"recordsRefusedQueueFull", stats.records_refused},
            {"recordsLost", stats.records_lost},
            {"notSent", not_sent_json(stats.not_sent)},
            {"messagesSent", stats.messages_sent},
            {"octetsSent", stats.octets_sent},
            {"templatesSent", stats.templates_sent},
            {"connects", stats.connects},
            {"connectFailures", stats.connect_failures},
            {"authenticationFailures", stats.authentication_failures},
            {"sendErrors", stats.send_errors},
            {"nextSequence", stats.sequence}};
  if (const ipfix::TlsContext* tls = collector.process().tls()) json["tls"] = tls_json(*tls);
  if (!collector.has_spool()) return json;
  json["spool"] = {{"octets", stats.spool.octets},
                   {"limitOctets", collector.spool_limit_octets()},
                   {"waitingOctets", stats.spool.waiting_octets},
                   {"recordsWritten", stats.spool.records_written},
                   {"recordsResumed", stats.records_resumed},
                   {"recordsUnusable", stats.spool.records_unusable},
                   {"damagedOctets", stats.spool.damaged_octets},
                   {"writeErrors", stats.spool.write_errors},
                   {"lastError", stats.spool.error}};
  return json;
}

}  // namespace ofe
