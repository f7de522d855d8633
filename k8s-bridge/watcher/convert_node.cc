// core/v1 Node: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
#include <charconv>

#include "k8s-bridge/watcher/convert.h"

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

bool cidr_from(std::string_view text, v1::Cidr& cidr) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  cidr.set_address(address_octets(text.substr(0, slash)));
  const std::string_view digits = text.substr(slash + 1);
  std::uint32_t length = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (code != std::errc() || end != digits.data() + digits.size()) return false;
  cidr.set_prefix_length(length);
  return !cidr.address().empty() && length <= 8 * cidr.address().size();
}

}  // namespace

void node_from(const Fields& root, v1::Node& node) {
  node.set_name(identity_from(root, false).name);

  root.object("status").each_object("addresses", [&](const Fields& address) {
    const std::string_view type = address.text("type");
    if (type == "InternalIP" || type == "ExternalIP") address.add_address("address", *node.mutable_addresses());
  });

  const Fields spec = root.object("spec");
  spec.each_text("podCIDRs", [&](std::string_view text, int index) {
    if (!cidr_from(text, *node.add_pod_cidrs())) spec.fail("podCIDRs", index, "is not an address range");
  });
  if (const std::string_view text = spec.text("podCIDR"); node.pod_cidrs().empty() && !text.empty()) {
    if (!cidr_from(text, *node.add_pod_cidrs())) spec.fail("podCIDR", -1, "is not an address range");
  }
}

}  // namespace ofe::watcher
