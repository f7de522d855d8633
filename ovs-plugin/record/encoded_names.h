// The names of a flow as they stand in its record, encoded once for all flows that share them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flowstore/address.h"
#include "ovs-plugin/record/names.h"

namespace ofe::record {

struct NameField {
  const char* element;  // name in the registry
  std::string Names::*value;
};
// What the endpoints are called: they stand together in every template, in this order.
inline constexpr std::array<NameField, 6> endpoint_names{{
    {"sourcePodName", &Names::source_pod},
    {"sourcePodNamespace", &Names::source_namespace},
    {"sourceNodeName", &Names::source_node},
    {"destinationPodName", &Names::destination_pod},
    {"destinationPodNamespace", &Names::destination_namespace},
    {"destinationNodeName", &Names::destination_node},
}};

class EncodedNames {
 public:
  EncodedNames();  // of no names: seven empty strings
  explicit EncodedNames(const Names& names);

  // Each a string of variable length (RFC 7011 section 7).
  std::span<const std::uint8_t> endpoints() const { return std::span(octets_).first(endpoints_octets_); }
  std::span<const std::uint8_t> service_port_name() const { return std::span(octets_).subspan(endpoints_octets_); }
  std::span<const std::uint8_t> all() const { return octets_; }  // one after the other
  bool has_service() const { return octets_.size() - endpoints_octets_ > 1; }
  const flowstore::Address& service_address() const { return service_address_; }
  const Ends& ends() const { return ends_; }

 private:
  std::vector<std::uint8_t> octets_;
  std::size_t endpoints_octets_ = 0;
  flowstore::Address service_address_{};
  Ends ends_;
};

}  // namespace ofe::record
