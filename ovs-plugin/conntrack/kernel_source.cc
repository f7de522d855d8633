#include "ovs-plugin/conntrack/kernel_source.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ofe::conntrack {
namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

constexpr std::uint16_t entry_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;

}  // namespace

struct KernelSource::Impl {
  Socket socket;
  KernelSourceStats stats;
  bool dumping = false;
  std::uint16_t zone = 0;
  std::uint32_t sequence = 0;
  // netlink_dump() fills at most 32 KiB per message, whatever the receiver offers; what was not yet handed out waits
  // here.
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer{};
  int unread = 0;
  const nlmsghdr* next = nullptr;

  bool open();
  bool receive(Progress& progress);
  Progress fail(const std::string& why);
  Progress handle(const nlmsghdr* message, const std::function<void(const flowstore::Observation&)>& entry);
};

bool KernelSource::Impl::open() {
  socket.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    fail(std::string("cannot open a netfilter netlink socket: ") + std::strerror(errno));
    return false;
  }
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    fail(std::string("cannot bind the netfilter netlink socket: ") + std::strerror(errno));
    return false;
  }
  return true;
}

// A dump that failed may still have messages on its way, and the kernel takes no second request while it lasts: the
// socket goes with it.
KernelSource::Progress KernelSource::Impl::fail(const std::string& why) {
  if (dumping) ++stats.dumps_failed;
  stats.last_error = why;
  dumping = false;
  unread = 0;
  socket.reset();
  return Progress::failed;
}

KernelSource::KernelSource() : impl_(std::make_unique<Impl>()) {
  impl_->open();
}
KernelSource::~KernelSource() = default;

bool KernelSource::start(std::uint16_t zone) {
  Impl& in = *impl_;
  if (in.dumping) in.fail("given up: another dump was started before it ended");
  in.dumping = true;
  if (!in.socket && !in.open()) return false;

  std::array<char, 256> request{};
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = ++in.sequence;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  family->nfgen_family = AF_UNSPEC;
  family->version = NFNETLINK_V0;
  mnl_attr_put_u16(header, CTA_ZONE, htons(zone));
  in.zone = zone;
  in.unread = 0;
  if (mnl_socket_sendto(in.socket.get(), header, header->nlmsg_len) < 0) {
    in.fail(std::string("cannot ask for the conntrack entries of zone ") + std::to_string(zone) + ": " +
            std::strerror(errno));
    return false;
  }
  return true;
}

// Fills the buffer. False: `progress` is what step() returns.
bool KernelSource::Impl::receive(Progress& progress) {
  ssize_t received;
  do {
    received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
  } while (received < 0 && errno == EINTR);
  if (received > 0) {
    unread = static_cast<int>(received);
    next = reinterpret_cast<const nlmsghdr*>(buffer.data());
    return true;
  }
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    progress = Progress::waiting;
  } else if (received < 0 && errno == ENOBUFS) {
    progress = fail("messages of the dump were lost: the socket's receive buffer was full");
  } else if (received < 0 && errno == ENOSPC) {
    progress = fail("a message of the dump was longer than 32 KiB");
  } else {
    progress =
        fail(std::string("cannot read the dump: ") + (received < 0 ? std::strerror(errno) : "the socket was closed"));
  }
  return false;
}

KernelSource::Progress KernelSource::Impl::handle(const nlmsghdr* message,
                                                  const std::function<void(const flowstore::Observation&)>& entry) {
  if (message->nlmsg_seq != sequence) return Progress::more;  // belongs to an earlier request
  if (message->nlmsg_flags & NLM_F_DUMP_INTR) return fail("the table changed during the dump (NLM_F_DUMP_INTR)");
  const std::size_t octets = mnl_nlmsg_get_payload_len(message);
  const void* payload = mnl_nlmsg_get_payload(message);
  int code = 0;
  if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
    if (octets >= sizeof code) std::memcpy(&code, payload, sizeof code);
    if (code < 0) return fail(std::string("the kernel refused the dump: ") + std::strerror(-code));
    if (message->nlmsg_type == NLMSG_ERROR) return Progress::more;  // an acknowledgement
    ++stats.dumps;
    stats.last_error.clear();
    dumping = false;
    unread = 0;
    return Progress::complete;
  }
  if (message->nlmsg_type == NLMSG_OVERRUN) return fail("messages of the dump were lost (NLMSG_OVERRUN)");
  if (message->nlmsg_type != entry_type) return Progress::more;
  flowstore::Observation seen;
  if (!decode_ctnetlink(payload, octets, seen)) {
    ++stats.undecodable;
  } else if (seen.zone != zone) {
    ++stats.other_zone;
  } else {
    ++stats.entries;
    entry(seen);
  }
  return Progress::more;
}

KernelSource::Progress KernelSource::step(std::size_t budget_entries,
                                          const std::function<void(const flowstore::Observation&)>& entry) {
  Impl& in = *impl_;
  if (!in.dumping) return Progress::idle;
  for (; budget_entries > 0; --budget_entries) {
    Progress progress = Progress::more;
    if (!mnl_nlmsg_ok(in.next, in.unread) && !in.receive(progress)) return progress;
    if (!mnl_nlmsg_ok(in.next, in.unread)) return in.fail("a message of the dump was cut short");
    const nlmsghdr* message = in.next;
    in.next = mnl_nlmsg_next(message, &in.unread);
    progress = in.handle(message, entry);
    if (progress != Progress::more) return progress;
  }
  return Progress::more;
}

int KernelSource::fd() const {
  return impl_->socket ? mnl_socket_get_fd(impl_->socket.get()) : -1;
}
const KernelSourceStats& KernelSource::stats() const {
  return impl_->stats;
}

}  // namespace ofe::conntrack
