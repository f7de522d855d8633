// core/v1 Service: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
#include <netinet/in.h>

#include "k8s-bridge/watcher/convert.h"

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

constexpr std::string_view headless = "None";  // what clusterIP says of a Service without one

std::uint32_t protocol_from(const Fields& port) {
  const std::string_view text = port.text("protocol");
  if (text.empty() || text == "TCP") return IPPROTO_TCP;
  if (text == "UDP") return IPPROTO_UDP;
  if (text == "SCTP") return IPPROTO_SCTP;
  port.fail("protocol", -1, "is none of TCP, UDP and SCTP");
  return 0;
}

void port_from(const Fields& fields, v1::ServicePort& port) {
  port.set_name(std::string(fields.text("name")));
  port.set_port(fields.integer("port", 65535));
  if (port.port() == 0) fields.fail("port", -1, "is missing");
  port.set_protocol(protocol_from(fields));
  port.set_node_port(fields.integer("nodePort", 65535));
}

}  // namespace

void service_from(const Fields& root, v1::Service& service) {
  Identity identity = identity_from(root, true);
  service.set_namespace_(std::move(identity.object_namespace));
  service.set_name(std::move(identity.name));

  const Fields spec = root.object("spec");
  const std::string_view type = spec.text("type");
  service.set_type(std::string(type.empty() ? "ClusterIP" : type));
  const std::string_view cluster_ip = spec.text("clusterIP");
  bool is_headless = cluster_ip == headless;
  spec.each_text("clusterIPs", [&](std::string_view text, int) { is_headless = is_headless || text == headless; });
  if (!is_headless) {
    // clusterIPs repeats clusterIP as its first; servers before 1.20 have clusterIP alone.
    spec.add_addresses("clusterIPs", *service.mutable_cluster_ips());
    if (service.cluster_ips().empty()) spec.add_address("clusterIP", *service.mutable_cluster_ips());
  }
  spec.add_addresses("externalIPs", *service.mutable_external_ips());
  // An ingress point of some cloud load balancers has a host name instead of an address.
  root.object("status").object("loadBalancer").each_object("ingress", [&](const Fields& ingress) {
    ingress.add_address("ip", *service.mutable_external_ips());
  });
  spec.each_object("ports", [&](const Fields& port) { port_from(port, *service.add_ports()); });
}

}  // namespace ofe::watcher
