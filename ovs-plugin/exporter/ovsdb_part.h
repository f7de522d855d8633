// OVSDB: which datapath the bridge has, which Pods its ports belong to, and the NetFlow row of exact accounting.
#pragma once

#include <memory>
#include <string>

#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {

struct BridgeView {
  bool found = false;
  std::string datapath_type;  // "system", "netdev"
  std::vector<record::ExternalId> external_ids;
  bool userspace() const { return found && datapath_type == "netdev"; }
};

class OvsdbPart : public Part {
 public:
  OvsdbPart(State& state, const std::string& remote);
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;

  // Points the bridge's NetFlow at 127.0.0.1:port; 0 releases our row.
  void want_netflow(std::uint16_t port);
  // At exit: our row is removed. Blocks for two seconds at the most.
  void close();

  const BridgeView& bridge() const { return bridge_; }
  unsigned seqno() const { return seqno_; }  // changes with the contents
  bool connected() const { return ofe_ovs_db_connected(db_.get()); }
  std::string ovs_version() const { return ofe_ovs_db_ovs_version(db_.get()); }
  const std::string& remote() const { return remote_; }
  ofe_ovs_netflow_state netflow_state() const { return ofe_ovs_db_netflow_state(db_.get()); }
  std::string netflow_error() const { return ofe_ovs_db_netflow_error(db_.get()); }

 private:
  void refresh();
  void report_netflow();
  void remove_left_over_netflow();

  struct Close {
    void operator()(ofe_ovs_db* db) const { ofe_ovs_db_close(db); }
  };
  State& state_;
  std::string remote_;
  std::unique_ptr<ofe_ovs_db, Close> db_;
  BridgeView bridge_;
  unsigned seqno_ = 0;
  unsigned generation_ = 0;
  bool left_over_removed_ = false;
  std::uint16_t netflow_port_ = 0;
  std::string netflow_bridge_;
  ofe_ovs_netflow_state reported_netflow_ = OFE_OVS_NETFLOW_OFF;
};

const char* to_string(ofe_ovs_netflow_state state);

}  // namespace ofe
