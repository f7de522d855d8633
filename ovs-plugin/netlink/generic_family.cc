#include "ovs-plugin/netlink/generic_family.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace ofe::netlink {
namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

int take_attribute(const nlattr* attribute, void* family) {
  if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(attribute, MNL_TYPE_U16) == 0) {
    *static_cast<std::uint16_t*>(family) = mnl_attr_get_u16(attribute);
  }
  return MNL_CB_OK;
}

int take_message(const nlmsghdr* message, void* family) {
  return mnl_attr_parse(message, sizeof(genlmsghdr), take_attribute, family);
}

}  // namespace

std::uint16_t generic_family(const std::string& name, std::string& error) {
  alignas(nlmsghdr) std::array<char, 8192> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = GENL_ID_CTRL;
  request->nlmsg_flags = NLM_F_REQUEST;
  auto* generic = static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(request, sizeof(genlmsghdr)));
  generic->cmd = CTRL_CMD_GETFAMILY;
  generic->version = 1;
  mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, name.c_str());

  std::uint16_t family = 0;
  const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC));
  bool asked = socket != nullptr && mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) == 0 &&
               mnl_socket_sendto(socket.get(), request, request->nlmsg_len) > 0;
  if (asked) {
    const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    asked = received > 0 && mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), 0,
                                       mnl_socket_get_portid(socket.get()), take_message, &family) >= 0;
  }
  if (!asked || family == 0) {
    const bool absent = errno == ENOENT || asked;
    error = "cannot find the netlink family " + name + ": " +
            (absent ? "the kernel has none (is its module loaded?)" : std::strerror(errno));
  }
  return family;
}

}  // namespace ofe::netlink
