// The exporter's settings: the agent's ConfigMap (antrea-agent.conf) as it stands, plus our own under ovsFlowExporter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowstore/address.h"

namespace ofe::config {

enum class CollectorProtocol : std::uint8_t { tcp, udp, tls };

struct Collector {
  std::string host;                             // numeric address, DNS name, or "" when a Service is named
  std::string service_namespace, service_name;  // "<namespace>/<name>": looked up in the directory
  std::uint16_t port = 4739;
  CollectorProtocol protocol = CollectorProtocol::tcp;

  friend bool operator==(const Collector&, const Collector&) = default;
};
// "<host>:<port>[:<proto>]", "[v6]:port[:proto]", "<namespace>/<name>[:<port>][:<proto>]"; nullopt and a sentence in
// error otherwise.
std::optional<Collector> parse_collector(std::string_view text, std::string& error);
std::string to_string(const Collector& collector);
// A numeric address or a DNS name.
bool is_host(std::string_view text);

// ovsFlowExporter.tls, for collectors reached over TLS.
struct Tls {
  std::string ca_file;                     // "": the system's authorities
  std::string certificate_file, key_file;  // "": none
  std::string server_name;                 // "": as the collector's address has it
  friend bool operator==(const Tls&, const Tls&) = default;
};

// A Go duration string ("300ms", "1h15m30s", "1.5s"; units ns us µs ms s m h) in milliseconds, rounded down.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
std::string duration_text(std::int64_t ms);  // "1m30s"

// ovsFlowExporter.spool: records on disk until the collector's host has acknowledged them.
struct SpoolSettings {
  std::string path;                                   // of a folder; "": none
  std::uint64_t max_octets = std::uint64_t{1} << 30;  // of all collectors together, in equal parts

  friend bool operator==(const SpoolSettings&, const SpoolSettings&) = default;
};

// ovsFlowExporter.deniedFlows: which dropped traffic is exported.
enum class DeniedFlows : std::uint8_t { policy, all, off };

struct Config {
  bool enabled = true;                 // featureGates.FlowExporter / flowExporter.enable
  bool antrea_proxy = true;            // featureGates.AntreaProxy: Service fields are filled
  std::optional<Collector> collector;  // none: the exporter serves ovs-appctl only
  std::int64_t poll_interval_ms = 5'000;
  std::uint32_t export_frequency = 12;
  std::optional<std::int64_t> active_timeout_ms;  // the newer spelling; else frequency × interval
  std::optional<std::int64_t> idle_timeout_ms;
  std::vector<std::uint8_t> protocols;  // protocolFilter as protocol numbers; empty: all
  // ovsFlowExporter:
  std::string bridge = "br-int";
  std::vector<std::uint16_t> zones = {65520, 65510};  // of the bridge's connections
  bool zones_from_rules = true;                       // the file lists none: `zones` until the rules tell
  bool node_flows =
      true;  // of zone 0 the Node-to-Node connections, in addition to zones; all of it where zones lists 0
  bool remote_names = false;
  bool exact_accounting = false;
  bool conntrack_events = true;              // conntrackEvents: auto or off
  std::vector<flowstore::Prefix> pod_cidrs;  // of the cluster, for when the bridge is absent
  std::string metadata_socket = "/var/run/ovs-flow-exporter/metadata.sock";
  std::optional<std::uint32_t> observation_domain_id;  // else FNV-1 of the Node name
  std::uint32_t max_flows = 1'000'000;
  std::string log_level = "info";  // off error warn info debug
  std::int64_t template_refresh_ms = 600'000;
  std::int64_t statistics_interval_ms = 60'000;  // of what is told of sent and lost records
  std::uint32_t udp_max_message_octets = 1'400;
  bool udp_segmentation = false;
  std::uint64_t export_queue_octets = 16u << 20;
  std::vector<Collector> more_collectors;  // in addition to `collector`
  SpoolSettings spool;
  std::int64_t reconnect_max_ms = 60'000;
  std::int64_t shutdown_grace_ms = 2'000;  // for the last records after SIGTERM
  std::string metrics_address;             // "192.0.2.1:9184", where Prometheus asks; "": nowhere
  // Userspace datapath: of ovs-vswitchd's time, for our questions; and the longest answer it is asked for.
  std::uint32_t vswitchd_share_percent = 5;
  std::uint64_t vswitchd_max_answer_octets = 64u << 20;
  std::string state_file;  // "": none
  DeniedFlows denied_flows = DeniedFlows::policy;
  std::uint32_t profile = 55829;            // whose elements records have: 55829 or 56506
  std::vector<std::string> extra_elements;  // names of IANA elements, in the order of the records
  Tls tls;

  // collector, where there is one, and more_collectors.
  std::vector<Collector> all_collectors() const;

  friend bool operator==(const Config&, const Config&) = default;
};

// Every problem found, each "FILE:LINE: key: value is wrong because …; allowed: …"; settings is empty when there is
// one.
struct ParseResult {
  std::optional<Config> settings;
  std::vector<std::string> errors;
  std::vector<std::string>
      warnings;  // e.g. an unknown key under ovsFlowExporter is an error, a deprecated one a warning
};
// Which elements extraElements may name, and why not an element that IANA has ("": IANA has none of that name).
struct ElementNames {
  std::vector<std::string_view> allowed;
  std::string (*why_not)(std::string_view name) = nullptr;
};
ParseResult parse(const std::string& yaml, const std::string& file_name, const ElementNames& elements = {});
ParseResult load(const std::string& path,
                 const ElementNames& elements = {});  // errors name what could not be read and why

// The effective configuration as YAML in the agent's spelling (the newer one where only that can say it);
// parse(to_yaml(c)) equals c for every c that parse() yields.
std::string to_yaml(const Config& config);

// Notices a change of the file, by inotify on its folder and on ..data (a ConfigMap is replaced by a symlink swap).
// A file that is being written is not a change until the writer closes it.
class FileWatch {
 public:
  explicit FileWatch(std::string path);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  // -1 when inotify is not to be had (or the folder went away): changed() then compares mtime, inode and size. May
  // change with every call of changed().
  int fd() const { return fd_; }
  bool changed();  // true when there was a change since the last call; never blocks

 private:
  void watch_target();
  bool is_change(int watch, std::uint32_t mask, std::string_view name) const;
  bool drain();

  std::string path_;
  int fd_ = -1;
  int folder_watch_ = -1;    // of the folder of path_
  int target_watch_ = -1;    // of the folder path_ leads to, where it is a symlink
  std::string target_name_;  // of the file in that folder
  std::uint64_t fingerprint_ = 0;
};

}  // namespace ofe::config
