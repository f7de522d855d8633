// A collector reached over TLS: its context from the settings, what is shown of it, and what is said of its files.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "flowstore/flow.h"
#include "ipfix/exporting_process.h"
#include "ipfix/tls_context.h"
#include "ovs-plugin/config/config.h"

namespace ofe {

ipfix::Transport transport_of(config::CollectorProtocol protocol);

// The certificate must be for tls.serverName, else for the host of the collector's address as it is written there; of a
// Service that is <name>.<namespace>.svc.
std::shared_ptr<ipfix::TlsContext> make_tls_context(const config::Tls& tls, const config::Collector& collector);
// Differs when any of it does.
std::string to_string(const config::Tls& tls);

nlohmann::ordered_json tls_json(const ipfix::TlsContext& context);

// Says once in the log what is wrong with the files while older ones are in use, that new ones are, and that our own
// certificate has expired. That no session can be made is said as a failed connect.
class TlsReport {
 public:
  void run(const ipfix::TlsContext& context, flowstore::Now now);

 private:
  const ipfix::TlsContext* of_ = nullptr;
  unsigned generation_ = 0;
  std::string problem_;
  bool expired_ = false;
};

}  // namespace ofe
