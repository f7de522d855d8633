// Names from the k8s-bridge: the metadata socket's client and the directory's ageing.
#pragma once

#include <memory>

#include "k8s-bridge/directory/client.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

class MetadataPart : public Part {
 public:
  explicit MetadataPart(State& state) : state_(state) {}
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;
  // For how long changes in the cluster may have been missed; 0: they are being told, or nothing was ever had.
  double staleness_seconds(flowstore::Now now) const;
  const k8s::ClientStats& stats() const { return client_->stats(); }

 private:
  void follow_settings();
  void report();

  State& state_;
  std::unique_ptr<k8s::Client> client_;
  std::string socket_;
  bool cluster_scope_ = false;
  bool reported_connected_ = false;
  bool reported_failure_ = false;
  std::int64_t next_expiry_ms_ = 0;
};

}  // namespace ofe
