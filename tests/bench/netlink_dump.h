// A ctnetlink dump read with libmnl and nothing else: the message loop that the comparisons share.
#pragma once

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

namespace bench {

class NetlinkDump {
 public:
  NetlinkDump() : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)) {
    if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("netlink socket");
  }

  // Calls entry(const nlmsghdr*) for each message of the dump; the kernel filters where a zone is given (Linux 6.8).
  template <class Entry>
  void read(std::optional<std::uint16_t> zone, Entry&& entry) {
    ask(zone);
    for (;;) {
      const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
      if (received < 0) fail("reading a dump");
      int left = static_cast<int>(received);
      for (auto* m = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(m, left);
           m = mnl_nlmsg_next(m, &left)) {
        if (m->nlmsg_type == NLMSG_DONE) return;
        if (m->nlmsg_type == NLMSG_ERROR) {
          errno = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(m))->error;
          fail("the kernel refused a dump");
        }
        entry(m);
      }
    }
  }

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  [[noreturn]] static void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

  void ask(std::optional<std::uint16_t> zone) {
    nlmsghdr* const request = mnl_nlmsg_put_header(buffer_.data());
    request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg));  // any family
    if (zone) mnl_attr_put_u16(request, CTA_ZONE, htons(*zone));
    if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) fail("asking for a dump");
  }

  std::unique_ptr<mnl_socket, Close> socket_;
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer_{};  // the kernel fills no more in one go
};

}  // namespace bench
