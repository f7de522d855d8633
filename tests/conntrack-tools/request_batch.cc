#include "tests/conntrack-tools/request_batch.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace conntrack_tools {
namespace {

constexpr std::size_t longest_request = 512;
// A datagram of requests and the answers to it, should every one be refused. Beyond the usual limits, so root's.
constexpr int socket_octets = 4 << 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

RequestBatch::RequestBatch()
    : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)),
      requests_(most_requests * longest_request),
      answers_(64 * 1024) {
  if (!socket_) fail("cannot open a netfilter netlink socket");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("cannot bind a netfilter netlink socket");
  const int fd = mnl_socket_get_fd(socket_.get());
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) {
    if (setsockopt(fd, SOL_SOCKET, option, &socket_octets, sizeof socket_octets) < 0) {
      fail("cannot enlarge the buffers of a netlink socket (CAP_NET_ADMIN is needed)");
    }
  }
  int on = 1;  // an answer then has the request's header only
  mnl_socket_setsockopt(socket_.get(), NETLINK_CAP_ACK, &on, sizeof on);
}

nlmsghdr* RequestBatch::begin(std::uint16_t type, std::uint16_t flags, std::uint64_t number) {
  char* const at = last_ == nullptr ? requests_.data() : reinterpret_cast<char*>(last_) + last_->nlmsg_len;
  last_ = mnl_nlmsg_put_header(at);
  last_->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  last_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  last_->nlmsg_seq = first_sequence_ + static_cast<std::uint32_t>(numbers_.size());
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(last_, sizeof(nfgenmsg)));
  family->nfgen_family = AF_INET;
  family->version = NFNETLINK_V0;
  numbers_.push_back(number);
  return last_;
}

// The kernel answers a request when it failed, and the last one, which asks for it, in any case.
void RequestBatch::send(const std::function<void(std::uint64_t, int)>& refused) {
  if (empty()) return;
  last_->nlmsg_flags |= NLM_F_ACK;
  const char* const end = reinterpret_cast<const char*>(last_) + last_->nlmsg_len;
  if (mnl_socket_sendto(socket_.get(), requests_.data(), static_cast<std::size_t>(end - requests_.data())) < 0) {
    fail("cannot send requests to ctnetlink");
  }
  while (!read_answers(refused)) continue;
  first_sequence_ += static_cast<std::uint32_t>(numbers_.size());
  numbers_.clear();
  last_ = nullptr;
}

// True when the answer to the last request was among them.
bool RequestBatch::read_answers(const std::function<void(std::uint64_t, int)>& refused) {
  const ssize_t received = mnl_socket_recvfrom(socket_.get(), answers_.data(), answers_.size());
  if (received < 0) fail("cannot read ctnetlink's answers");
  int left = static_cast<int>(received);
  bool over = false;
  for (auto* m = reinterpret_cast<nlmsghdr*>(answers_.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
    const std::uint32_t place = m->nlmsg_seq - first_sequence_;
    if (m->nlmsg_type != NLMSG_ERROR || place >= numbers_.size()) continue;
    const auto* answer = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(m));
    if (answer->error != 0) refused(numbers_[place], -answer->error);
    over |= place + 1 == numbers_.size();
  }
  return over;
}

void put_tuple(nlmsghdr* request, std::uint16_t attribute, const Tuple& tuple) {
  nlattr* const whole = mnl_attr_nest_start(request, attribute);
  nlattr* const addresses = mnl_attr_nest_start(request, CTA_TUPLE_IP);
  mnl_attr_put_u32(request, CTA_IP_V4_SRC, htonl(tuple.source));
  mnl_attr_put_u32(request, CTA_IP_V4_DST, htonl(tuple.destination));
  mnl_attr_nest_end(request, addresses);
  nlattr* const protocol = mnl_attr_nest_start(request, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(request, CTA_PROTO_NUM, tuple.protocol);
  mnl_attr_put_u16(request, CTA_PROTO_SRC_PORT, htons(tuple.source_port));
  mnl_attr_put_u16(request, CTA_PROTO_DST_PORT, htons(tuple.destination_port));
  mnl_attr_nest_end(request, protocol);
  mnl_attr_nest_end(request, whole);
}

void put_zone(nlmsghdr* request, std::uint16_t zone) {
  if (zone != 0) mnl_attr_put_u16(request, CTA_ZONE, htons(zone));
}

}  // namespace conntrack_tools
