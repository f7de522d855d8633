#include "ovs-plugin/datapath/kernel_flows.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "ovs-plugin/datapath/flow_message.h"
#include "ovs-plugin/netlink/dump.h"
#include "ovs-plugin/netlink/generic_family.h"

namespace ofe::datapath {
namespace {

using netlink::Attribute;
using netlink::Octets;

std::vector<char> dump_request(std::uint16_t family, std::uint8_t command, std::uint8_t version, int datapath) {
  std::vector<char> request(MNL_NLMSG_HDRLEN + GENL_HDRLEN + sizeof(ovs_header));
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_type = family;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* generic = static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(header, sizeof(genlmsghdr)));
  generic->cmd = command;
  generic->version = version;
  static_cast<ovs_header*>(mnl_nlmsg_put_extra_header(header, sizeof(ovs_header)))->dp_ifindex = datapath;
  return request;
}

// What follows the headers; empty where they are cut short.
Octets attributes_of(const nlmsghdr* message, ovs_header& header) {
  const auto* payload = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(message));
  const std::size_t octets = mnl_nlmsg_get_payload_len(message);
  constexpr std::size_t headers = GENL_HDRLEN + sizeof(ovs_header);
  if (octets < headers) return {};
  std::memcpy(&header, payload + GENL_HDRLEN, sizeof header);
  return {payload + headers, octets - headers};
}

std::string text_of(const Attribute& a) {
  const auto* text = reinterpret_cast<const char*>(a.value.data());
  return {text, strnlen(text, a.value.size())};
}

}  // namespace

struct KernelFlows::Impl {
  using Visit = std::function<void(const Megaflow&)>;
  enum class Stage : std::uint8_t { idle, datapaths, ports, flows };

  const std::string name;
  netlink::Dump dump{NETLINK_GENERIC, "the datapath's flows"};
  KernelFlowsStats stats;
  Stage stage = Stage::idle;
  std::array<std::uint16_t, 4> families{};  // by stage; 0: to be asked for. They hold while the module stays loaded.
  int datapath = 0;                         // its interface index; 0: not found
  PortNames ports;
  Megaflow flow;

  Progress fail(const std::string& why);
  bool ask(Stage next, const char* family_name, std::uint8_t command, std::uint8_t version);
  Progress next_stage();
  void take(const nlmsghdr* message, std::int64_t now_ms, const Visit& visit);
  void take_datapath(const ovs_header& header, Octets attributes);
  void take_port(Octets attributes);
};

KernelFlows::Progress KernelFlows::Impl::fail(const std::string& why) {
  ++stats.dumps_failed;
  stats.last_error = why;
  stage = Stage::idle;
  families = {};
  return Progress::failed;
}

// False: failed, stats say why.
bool KernelFlows::Impl::ask(Stage next, const char* family_name, std::uint8_t command, std::uint8_t version) {
  std::string error;
  std::uint16_t& family = families[static_cast<std::size_t>(next)];
  if (family == 0) family = netlink::generic_family(family_name, error);
  if (family == 0) {
    fail(error);
    return false;
  }
  stage = next;
  dump.start(dump_request(family, command, version, datapath));
  return true;
}

KernelFlows::Progress KernelFlows::Impl::next_stage() {
  bool asked = false;
  if (stage == Stage::datapaths) {
    if (datapath == 0) return fail("the kernel has no datapath " + name);
    ports = {};
    stats.ports = 0;
    asked = ask(Stage::ports, OVS_VPORT_FAMILY, OVS_VPORT_CMD_GET, OVS_VPORT_VERSION);
  } else if (stage == Stage::ports) {
    asked = ask(Stage::flows, OVS_FLOW_FAMILY, OVS_FLOW_CMD_GET, OVS_FLOW_VERSION);
  } else {
    ++stats.dumps;
    stats.last_error.clear();
    stage = Stage::idle;
    return Progress::complete;
  }
  return asked ? Progress::waiting : Progress::failed;
}

void KernelFlows::Impl::take_datapath(const ovs_header& header, Octets attributes) {
  netlink::each_attribute(attributes, [&](const Attribute& a) {
    if (a.type == OVS_DP_ATTR_NAME && text_of(a) == name) datapath = header.dp_ifindex;
    return true;
  });
}

void KernelFlows::Impl::take_port(Octets attributes) {
  std::uint32_t number = 0;
  bool has_number = false;
  std::string port;
  netlink::each_attribute(attributes, [&](const Attribute& a) {
    if (a.type == OVS_VPORT_ATTR_NAME) port = text_of(a);
    if (a.type != OVS_VPORT_ATTR_PORT_NO || a.value.size() != sizeof number) return true;
    std::memcpy(&number, a.value.data(), sizeof number);
    return has_number = true;
  });
  if (!has_number || port.empty()) return;
  ports.set(number, std::move(port));
  ++stats.ports;
}

void KernelFlows::Impl::take(const nlmsghdr* message, std::int64_t now_ms, const Visit& visit) {
  ovs_header header{};
  const Octets attributes = attributes_of(message, header);
  if (stage == Stage::datapaths) {
    take_datapath(header, attributes);
  } else if (stage == Stage::ports) {
    take_port(attributes);
  } else if (decode_flow(attributes, now_ms, ports, flow)) {
    ++stats.flows;
    visit(flow);
  } else {
    ++stats.undecodable;
  }
}

KernelFlows::KernelFlows(std::string datapath) : impl_(std::make_unique<Impl>(std::move(datapath))) {}
KernelFlows::~KernelFlows() = default;

void KernelFlows::start() {
  Impl& in = *impl_;
  if (in.stage != Impl::Stage::idle) in.fail("given up: another dump was started before it ended");
  in.datapath = 0;
  in.ask(Impl::Stage::datapaths, OVS_DATAPATH_FAMILY, OVS_DP_CMD_GET, OVS_DATAPATH_VERSION);
}

KernelFlows::Progress KernelFlows::step(std::size_t budget, std::int64_t now_ms, const Impl::Visit& visit) {
  Impl& in = *impl_;
  if (in.stage == Impl::Stage::idle) return in.stats.last_error.empty() ? Progress::idle : Progress::failed;
  const Progress progress = in.dump.step(budget, [&](const nlmsghdr* message) { in.take(message, now_ms, visit); });
  if (progress == Progress::failed) return in.fail(in.dump.error());
  return progress == Progress::complete ? in.next_stage() : progress;
}

int KernelFlows::fd() const {
  return impl_->dump.fd();
}
const KernelFlowsStats& KernelFlows::stats() const {
  return impl_->stats;
}

}  // namespace ofe::datapath
