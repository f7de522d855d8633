#include "ovs-plugin/exporter/ovsdb_part.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <vector>

namespace ofe {
namespace {

// OVS sends a record of a flow that goes on every so many seconds; what a record tells must not be older than an export
// of ours, and two seconds is what was measured to be complete.
constexpr int netflow_active_timeout_s = 2;

struct InterfaceSearch {
  const std::string& bridge;
  std::vector<record::LocalPort> ports;
  std::vector<record::Port> all;  // of every bridge
};

// sysfs of the exporter's network namespace, which is ovs-vswitchd's; virtual interfaces have no device.
bool has_device(const char* interface) {
  return ::access(("/sys/class/net/" + std::string(interface) + "/device").c_str(), F_OK) == 0;
}

std::vector<record::ExternalId> ids_of(const ofe_ovs_pair* pairs, std::size_t n) {
  std::vector<record::ExternalId> ids;
  for (std::size_t i = 0; i < n; ++i) ids.push_back({pairs[i].key, pairs[i].value});
  return ids;
}

bool collect_port(const ofe_ovs_interface* interface, void* context) {
  auto& search = *static_cast<InterfaceSearch*>(context);
  const std::vector<record::ExternalId> ids = ids_of(interface->external_ids, interface->n_external_ids);
  record::Port known = record::port_from_interface(interface->bridge, interface->name, interface->type, ids,
                                                   interface->type[0] == '\0' && has_device(interface->name));
  known.ofport = interface->ofport;
  known.ifindex = interface->ifindex;
  search.all.push_back(std::move(known));
  if (search.bridge != interface->bridge) return true;
  record::LocalPort port;
  if (record::local_port_from_external_ids(interface->name, ids, port)) search.ports.push_back(std::move(port));
  return true;
}

struct BridgeSearch {
  const std::string& name;
  BridgeView view;
};

bool find_bridge(const ofe_ovs_bridge* bridge, void* context) {
  auto& search = *static_cast<BridgeSearch*>(context);
  if (search.name != bridge->name) return true;
  search.view = {true, bridge->datapath_type, ids_of(bridge->external_ids, bridge->n_external_ids)};
  return false;
}

}  // namespace

const char* to_string(ofe_ovs_netflow_state state) {
  switch (state) {
    case OFE_OVS_NETFLOW_OFF:
      return "off";
    case OFE_OVS_NETFLOW_PENDING:
      return "pending";
    case OFE_OVS_NETFLOW_ACTIVE:
      return "active";
    case OFE_OVS_NETFLOW_FOREIGN:
      return "refused: the bridge has a NetFlow configuration of somebody else's";
    case OFE_OVS_NETFLOW_FAILED:
      return "failed";
  }
  return "unknown";
}

OvsdbPart::OvsdbPart(State& state, const std::string& remote)
    : state_(state), remote_(remote), db_(ofe_ovs_db_open(remote.c_str())) {}

void OvsdbPart::run(flowstore::Now) {
  ofe_ovs_db_run(db_.get());
  if (ofe_ovs_db_seqno(db_.get()) != seqno_ || generation_ != state_.settings_generation) refresh();
  report_netflow();
}

void OvsdbPart::wait(flowstore::Now) {
  ofe_ovs_db_wait(db_.get());
}

void OvsdbPart::refresh() {
  seqno_ = ofe_ovs_db_seqno(db_.get());
  generation_ = state_.settings_generation;
  BridgeSearch bridge{state_.settings.bridge, {}};
  ofe_ovs_db_each_bridge(db_.get(), find_bridge, &bridge);
  if (bridge.view.found != bridge_.found || bridge.view.datapath_type != bridge_.datapath_type) {
    if (bridge.view.found) {
      spdlog::info("bridge {}: datapath type {}", state_.settings.bridge, bridge.view.datapath_type);
    } else if (bridge_.found) {
      spdlog::warn("bridge {} is gone from OVSDB; its connections are no longer read", state_.settings.bridge);
    } else if (seqno_ != 0) {
      spdlog::warn("bridge {} is not in OVSDB; waiting for it", state_.settings.bridge);
    }
  }
  bridge_ = bridge.view;
  InterfaceSearch interfaces{state_.settings.bridge, {}, {}};
  ofe_ovs_db_each_interface(db_.get(), collect_port, &interfaces);
  state_.ports.replace(std::move(interfaces.ports));
  state_.bridge_ports.replace(std::move(interfaces.all));
  if (netflow_port_ != 0 && netflow_bridge_ != state_.settings.bridge) want_netflow(netflow_port_);
  if (bridge_.found && !left_over_removed_) remove_left_over_netflow();
}

// Once, at start: a row with our mark is that of an exporter that was killed. Where we shall claim one it is taken
// over; elsewhere it would make Open vSwitch keep exact flows for nobody. Returns at once when there is none.
void OvsdbPart::remove_left_over_netflow() {
  left_over_removed_ = true;
  if (netflow_port_ != 0 || (state_.settings.exact_accounting && bridge_.userspace())) return;
  netflow_port_ = 1;  // of what is removed nothing but the mark matters
  netflow_bridge_ = state_.settings.bridge;
  ofe_ovs_db_netflow_claim(db_.get(), netflow_bridge_.c_str(), "127.0.0.1:1", state_.node_name.c_str(),
                           netflow_active_timeout_s);
  close();
}

void OvsdbPart::want_netflow(std::uint16_t port) {
  if (netflow_port_ != 0 && (port == 0 || netflow_bridge_ != state_.settings.bridge)) close();
  netflow_port_ = port;
  netflow_bridge_ = state_.settings.bridge;
  if (port == 0) return;
  const std::string target = "127.0.0.1:" + std::to_string(port);
  ofe_ovs_db_netflow_claim(db_.get(), netflow_bridge_.c_str(), target.c_str(), state_.node_name.c_str(),
                           netflow_active_timeout_s);
}

void OvsdbPart::close() {
  if (netflow_port_ == 0) return;
  netflow_port_ = 0;
  if (const int error = ofe_ovs_db_netflow_release(db_.get(), 2'000)) {
    spdlog::warn(
        "exact accounting: our NetFlow row could not be removed from OVSDB: {}; the next exporter on this Node "
        "takes it over, or: ovs-vsctl clear bridge {} netflow",
        ofe_ovs_strerror(error), netflow_bridge_);
  }
}

void OvsdbPart::report_netflow() {
  const ofe_ovs_netflow_state now = netflow_state();
  state_.counters.set_netflow_active(now == OFE_OVS_NETFLOW_ACTIVE);
  if (now == reported_netflow_) return;
  reported_netflow_ = now;
  if (now == OFE_OVS_NETFLOW_FAILED) {
    spdlog::error("exact accounting: OVSDB refused the NetFlow row: {}", netflow_error());
  } else {
    spdlog::info("exact accounting: {}", to_string(now));
  }
}

}  // namespace ofe
