// Entries put into the running kernel, and its whole table as it sends it.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "tests/ovs-plugin/conntrack/ctnetlink_message.h"

namespace ofe::conntrack {

using RawMessage = std::vector<std::uint8_t>;  // struct nlmsghdr included

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

inline Socket netlink() {
  Socket socket(mnl_socket_open(NETLINK_NETFILTER));
  if (socket && mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) socket.reset();
  return socket;
}

// 0, or the errno of the kernel's answer.
inline int create(mnl_socket* socket, const Entry& entry) {
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  const nlmsghdr* request = put_entry(buffer.data(), entry);
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return errno;
  if (mnl_socket_recvfrom(socket, buffer.data(), buffer.size()) < 0) return errno;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(reinterpret_cast<const nlmsghdr*>(buffer.data())))->error;
}

// Entry number i: protocols, families, zones and states take turns.
inline Entry numbered(unsigned i) {
  const bool v4 = i % 2 == 0;
  const auto port = static_cast<std::uint16_t>(1024 + i);
  const char *client = v4 ? "10.10.0.1" : "fd00:10::1", *service = v4 ? "10.96.0.10" : "fd00:96::10",
             *server = v4 ? "10.10.0.2" : "fd00:10::2";
  Entry entry;
  if (const unsigned kind = i / 2 % 3; kind == 0) {
    entry.original = tuple_of(client, port, service, 80, IPPROTO_TCP);
    entry.reply = tuple_of(server, 5201, client, port, IPPROTO_TCP);
    entry.tcp_state = static_cast<std::uint8_t>(1 + i / 6 % 8);
  } else if (kind == 1) {
    entry.original = tuple_of(client, port, server, 53, IPPROTO_UDP);
    entry.reply = tuple_of(server, 53, client, port, IPPROTO_UDP);
  } else {
    const std::uint8_t request = v4 ? 8 : 128, answer = v4 ? 0 : 129;
    const auto protocol = static_cast<std::uint8_t>(v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
    entry.original = tuple_of(client, port, server, static_cast<std::uint16_t>(request << 8), protocol);
    entry.reply = tuple_of(server, port, client, static_cast<std::uint16_t>(answer << 8), protocol);
  }
  constexpr std::uint16_t of_entries[] = {0, 65510, 65520};
  entry.zone = of_entries[i / 6 % 3];
  entry.mark = i * 7919;
  entry.timeout_s = 1000 + i;
  entry.status = IPS_CONFIRMED | (i % 3 ? IPS_SEEN_REPLY | IPS_ASSURED : 0);
  if (i % 5 == 0) entry.labels = {static_cast<std::uint8_t>(i), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return entry;
}

inline std::vector<RawMessage> dump_everything(mnl_socket* socket) {
  alignas(nlmsghdr) static std::array<char, 65536> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg));
  std::vector<RawMessage> messages;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return messages;
  for (;;) {
    int left = static_cast<int>(mnl_socket_recvfrom(socket, buffer.data(), buffer.size()));
    if (left <= 0) return {};
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      if (m->nlmsg_type == NLMSG_DONE) return messages;
      if (m->nlmsg_type == NLMSG_ERROR) return {};
      const auto* octets = reinterpret_cast<const std::uint8_t*>(m);
      messages.emplace_back(octets, octets + m->nlmsg_len);
    }
  }
}

}  // namespace ofe::conntrack
