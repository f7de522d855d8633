#include "ovs-plugin/conntrack/event_source.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/conntrack/zone_set.h"

namespace ofe::conntrack {
namespace {

constexpr int buffer_octets = 8 << 20;  // the kernel counts 1,280 a message: 130 ms of 100,000 a second
// One event a datagram; a few hundred octets each.
constexpr std::size_t events_per_call = 64;
constexpr std::size_t longest_event = 4096;
constexpr std::uint16_t new_event = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
constexpr std::uint16_t destroy_event = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;

struct CloseHandle {
  void operator()(nfct_handle* handle) const { nfct_close(handle); }
};

std::string failure(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// Receives up to events_per_call datagrams with one system call.
class Datagrams {
 public:
  Datagrams() {
    for (std::size_t i = 0; i < events_per_call; ++i) {
      vectors_[i] = {octets_[i].data(), longest_event};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  // How many; -1 and errno.
  int receive(int fd) { return ::recvmmsg(fd, headers_.data(), events_per_call, MSG_DONTWAIT, nullptr); }
  // Of a datagram that was longer than the room for it, what fitted.
  std::span<const char> operator[](std::size_t i) const {
    return std::span<const char>(octets_[i]).first(headers_[i].msg_len);
  }

 private:
  struct alignas(nlmsghdr) Octets : std::array<char, longest_event> {};
  std::array<Octets, events_per_call> octets_;
  std::array<iovec, events_per_call> vectors_;
  std::array<mmsghdr, events_per_call> headers_{};
};

}  // namespace

struct EventSource::Impl {
  using Event = std::function<void(const flowstore::Observation&)>;

  std::unique_ptr<nfct_handle, CloseHandle> handle;
  EventSourceStats stats;
  ZoneSet zones;
  NewEvents new_events = NewEvents::all;
  Datagrams datagrams;

  int fd() const { return handle ? nfct_fd(handle.get()) : -1; }
  void open();
  void filter(std::span<const std::uint16_t> wanted, NewEvents wanted_new);
  Drained drain(std::size_t budget, const Event& event);
  void decode(std::span<const char> datagram, const Event& event);
  Drained drained_empty();
  void count_lost();

 private:
  bool losing_ = false;  // since the last overrun the buffer was not seen empty: the kernel may still drop events
};

void EventSource::Impl::open() {
  handle.reset(nfct_open(CONNTRACK, NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY));
  if (!handle) {
    stats.problem = failure("cannot listen to conntrack events");
    return;
  }
  ::fcntl(fd(), F_SETFD, FD_CLOEXEC);
  if (::setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0) {
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof buffer_octets);
  }
  socklen_t length = sizeof stats.buffer_octets;
  ::getsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &stats.buffer_octets, &length);
}

void EventSource::Impl::filter(std::span<const std::uint16_t> wanted, NewEvents wanted_new) {
  zones = ZoneSet(wanted);
  new_events = wanted_new;
  if (!handle) return;
  std::vector<sock_filter> program = event_filter(wanted, wanted_new);
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  const bool failed = ::setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) != 0;
  stats.problem = failed ? failure("events of all zones are read: cannot attach the filter of zones") : "";
}

void EventSource::Impl::decode(std::span<const char> datagram, const Event& event) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  int left = static_cast<int>(datagram.size());
  if (!mnl_nlmsg_ok(message, left)) ++stats.undecodable;
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type != new_event && message->nlmsg_type != destroy_event) continue;
    flowstore::Observation seen;
    if (!decode_ctnetlink(mnl_nlmsg_get_payload(message), mnl_nlmsg_get_payload_len(message), seen)) {
      ++stats.undecodable;
    } else if (!zones.contains(seen.zone)) {
      ++stats.other_zone;
    } else {
      const bool born = message->nlmsg_type == new_event;
      seen.sight = born ? flowstore::Sight::born : flowstore::Sight::gone;
      ++(born ? stats.born : stats.gone);
      event(seen);
    }
  }
}

EventSource::Drained EventSource::Impl::drained_empty() {
  if (losing_) count_lost();
  losing_ = false;
  return Drained::empty;
}

EventSource::Drained EventSource::Impl::drain(std::size_t budget, const Event& event) {
  while (budget > 0) {
    const int received = datagrams.receive(fd());
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && errno == ENOBUFS) {
      ++stats.overruns;
      losing_ = true;
      count_lost();
      return Drained::overrun;
    }
    if (received <= 0) return drained_empty();
    const auto count = static_cast<std::size_t>(received);
    for (std::size_t i = 0; i < count; ++i) decode(datagrams[i], event);
    if (count < events_per_call) return drained_empty();
    budget -= std::min(budget, count);
  }
  return Drained::more;
}

// Events that did not pass the filter are not counted by the kernel.
void EventSource::Impl::count_lost() {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) != 0) return;
  const auto before = static_cast<std::uint32_t>(stats.lost);
  const std::uint32_t lost = memory[SK_MEMINFO_DROPS] - before;  // 32 bits that may wrap
  stats.lost += lost;
  stats.missed_at_most += new_events == NewEvents::all ? (lost + 1) / 2 : lost;
}

EventSource::EventSource(std::span<const std::uint16_t> zones, NewEvents new_events) : impl_(std::make_unique<Impl>()) {
  impl_->open();
  impl_->filter(zones, new_events);
}
EventSource::~EventSource() = default;

bool EventSource::open() const {
  return impl_->handle != nullptr;
}

void EventSource::watch(std::span<const std::uint16_t> zones, NewEvents new_events) {
  impl_->filter(zones, new_events);
}

EventSource::Drained EventSource::drain(std::size_t budget, const Impl::Event& event) {
  return impl_->handle ? impl_->drain(budget, event) : Drained::empty;
}

int EventSource::fd() const {
  return impl_->fd();
}
const EventSourceStats& EventSource::stats() const {
  return impl_->stats;
}

}  // namespace ofe::conntrack
