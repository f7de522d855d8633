// The filters of flow/list and flow/show: "proto=tcp ip=10.10.0.0/24 pod=default/web-1 limit=50".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowstore/address.h"
#include "flowstore/flow.h"
#include "flowstore/store.h"
#include "ovs-plugin/record/names.h"

namespace ofe {

struct FlowFilter {
  std::optional<flowstore::Prefix> source, destination, either;  // src= dst= ip=
  std::optional<std::uint16_t> source_port, destination_port, port;
  std::optional<std::uint8_t> protocol;
  std::optional<std::uint16_t> zone;
  std::string pod, service;  // "name" or "namespace/name"
  std::optional<bool> ended;
  std::size_t limit = 1'000;
  bool json = false;

  bool takes_all() const;  // no condition is set
  // Destination means the original one (a Service's cluster IP) or the endpoint behind it.
  bool matches(const flowstore::Flow& flow, const record::Names& names) const;
};

// Adds one argument; false: error says what is wrong and what is allowed.
bool add_filter(std::string_view argument, FlowFilter& filter, std::string& error);

extern const char* const flow_filter_usage;

// "tcp", "udp", "icmp", "icmpv6", "sctp", or the number.
std::string protocol_name(std::uint8_t protocol);
std::optional<std::uint8_t> protocol_number(std::string_view text);
const char* tcp_state_name(flowstore::TcpState state);
const char* statistics_name(flowstore::Statistics statistics);

}  // namespace ofe
