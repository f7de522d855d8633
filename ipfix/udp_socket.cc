#include "ipfix/udp_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ipfix {
namespace {

constexpr std::size_t max_segments = 64;             // UDP_MAX_SEGMENTS of Linux before 6.7
constexpr std::size_t max_segmented_octets = 65507;  // of all segments together: they leave the process as one packet

// A kernel that does not know the option would ignore it in sendmmsg(2) and send one long datagram.
bool knows_segments(int fd) {
  const int none = 0;
  return setsockopt(fd, SOL_UDP, UDP_SEGMENT, &none, sizeof none) == 0;
}

// EINVAL, EMSGSIZE: a datagram would have to be cut into fragments; EIO: no checksums on this way (net/ipv4/udp.c,
// udp_send_skb()).
bool refuses_segments(int error) {
  return error == EINVAL || error == EMSGSIZE || error == EIO;
}

// Datagrams as sendmmsg(2) takes them: neighbours of one length, and a shorter one behind them, as one.
class Batch {
 public:
  Batch(std::span<const std::span<const std::uint8_t>> datagrams, bool in_segments) {
    for (std::size_t i = 0; i < datagrams.size(); ++i)
      parts_[i] = {const_cast<std::uint8_t*>(datagrams[i].data()), datagrams[i].size()};
    for (std::size_t from = 0; from < datagrams.size();) {
      const std::size_t joined = in_segments ? run_length(datagrams.subspan(from)) : 1;
      add(from, joined);
      from += joined;
    }
  }

  int send(int fd) const {
    return sendmmsg(fd, headers_.data(), static_cast<unsigned>(count_), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // Of the first so many that sendmmsg() took.
  std::size_t datagrams(std::size_t taken) const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < taken; ++i) sum += headers_[i].msg_hdr.msg_iovlen;
    return sum;
  }

 private:
  struct alignas(cmsghdr) SegmentSize {
    std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> octets;
  };

  static std::size_t run_length(std::span<const std::span<const std::uint8_t>> datagrams) {
    const std::size_t each = datagrams[0].size();
    const std::size_t most = std::min({datagrams.size(), max_segments, max_segmented_octets / each});
    std::size_t joined = 1;
    while (joined < most && datagrams[joined].size() == each) ++joined;
    return joined < most && datagrams[joined].size() < each ? joined + 1 : std::max<std::size_t>(joined, 1);
  }

  void add(std::size_t from, std::size_t joined) {
    msghdr& header = headers_[count_].msg_hdr;
    header.msg_iov = &parts_[from];
    header.msg_iovlen = joined;
    if (joined > 1) {
      const auto each = static_cast<std::uint16_t>(parts_[from].iov_len);
      header.msg_control = &sizes_[count_];
      header.msg_controllen = sizeof sizes_[count_];
      cmsghdr* const size = CMSG_FIRSTHDR(&header);
      size->cmsg_level = SOL_UDP;
      size->cmsg_type = UDP_SEGMENT;
      size->cmsg_len = CMSG_LEN(sizeof each);
      std::memcpy(CMSG_DATA(size), &each, sizeof each);
    }
    ++count_;
  }

  std::size_t count_ = 0;
  mutable std::array<mmsghdr, max_datagrams_at_once> headers_{};  // the kernel writes msg_len
  std::array<iovec, max_datagrams_at_once> parts_;
  std::array<SegmentSize, max_datagrams_at_once> sizes_{};
};

}  // namespace

IoResult UdpSocket::open(const SocketAddress& address) {
  close();
  fd_ = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return {IoStatus::failed, 0, errno};
  segments_ = wants_segments_ && knows_segments(fd_);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return {};
  return {IoStatus::failed, 0, errno};
}

// sendmmsg(2) tells an error only when it met the first datagram; one that stopped it later is lost.
IoResult UdpSocket::send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams) {
  const Batch batch(datagrams.first(std::min(datagrams.size(), max_datagrams_at_once)), segments_);
  for (;;) {
    const int sent = batch.send(fd_);
    if (sent >= 0) return {IoStatus::done, batch.datagrams(static_cast<std::size_t>(sent)), 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::blocked, 0, 0};
    if (segments_ && refuses_segments(errno)) {
      segments_ = false;
      return send_datagrams(datagrams);
    }
    if (errno != EINTR) return {IoStatus::failed, 0, errno};
  }
}

void UdpSocket::close() {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

}  // namespace ipfix
