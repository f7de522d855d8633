// Exact accounting: receives the NetFlow that OVS sends us on loopback and adds it to the datapath counters.
#pragma once

#include "ovs-plugin/datapath/netflow.h"
#include "ovs-plugin/exporter/ovsdb_part.h"
#include "ovs-plugin/exporter/part.h"

namespace ofe {

class NetflowPart : public Part {
 public:
  NetflowPart(State& state, OvsdbPart& ovsdb) : state_(state), ovsdb_(ovsdb) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;
  const datapath::NetflowStats& stats() const { return decoder_.stats(); }
  std::uint16_t port() const { return wanted_ ? listener_.port() : 0; }

 private:
  void follow_settings();

  State& state_;
  OvsdbPart& ovsdb_;
  datapath::NetflowListener listener_;
  datapath::NetflowDecoder decoder_;
  bool wanted_ = false;
  bool open_failed_ = false;
  bool more_ = false;
};

}  // namespace ofe
