#include "ipfix/dump/listener.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>

#include "ipfix/exporting_process.h"

namespace ipfix::dump {
namespace {

constexpr int datagrams_per_turn = 64;          // so that one busy socket does not starve the others
constexpr int turns_at_end = 1000;              // reading what has arrived when asked to end
constexpr std::int64_t accept_pause_ms = 1000;  // after running out of descriptors
constexpr int udp_receive_buffer_octets = 4 << 20;

volatile std::sig_atomic_t end_requested = 0;
void request_end(int) {
  end_requested = 1;
}

std::int64_t monotonic_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

// "tcp:ADDR:PORT" or "udp:ADDR:PORT", an IPv6 address in brackets.
std::optional<SocketAddress> parse_where(std::string_view where, bool& is_udp) {
  is_udp = where.starts_with("udp:");
  if (!is_udp && !where.starts_with("tcp:")) return std::nullopt;
  where.remove_prefix(4);
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = where.substr(0, colon);
  const std::string_view port_text = where.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (wrong != std::errc{} || end != port_text.data() + port_text.size()) return std::nullopt;
  return numeric_address(std::string(host), port);
}

sockaddr* as_sockaddr(SocketAddress& address) {
  return reinterpret_cast<sockaddr*>(&address.storage);
}

}  // namespace

Listener::Listener(CollectingProcess& process, FindingLog& log, RecordOutput& output)
    : process_(process), log_(log), output_(output), buffer_(1u << 18) {
  struct sigaction action {};
  action.sa_handler = request_end;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Listener::~Listener() {
  for (const auto& [fd, session] : connections_) ::close(fd);
  for (const ListeningSocket& socket : sockets_) ::close(socket.fd);
}

bool Listener::listen(const std::string& where, std::string& error) {
  bool is_udp = false;
  std::optional<SocketAddress> address = parse_where(where, is_udp);
  if (!address.has_value()) {
    error = where + ": is not tcp:ADDRESS:PORT or udp:ADDRESS:PORT with a numeric address";
    return false;
  }
  const int family = address->storage.ss_family;
  const int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  bool ok = fd >= 0;
  if (ok && family == AF_INET6) ok = ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0;
  if (ok && !is_udp) ok = ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
  if (ok && is_udp) {
    // Best effort: the kernel caps it at net.core.rmem_max.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &udp_receive_buffer_octets, sizeof udp_receive_buffer_octets);
  }
  ok = ok && ::bind(fd, as_sockaddr(*address), address->length) == 0 && (is_udp || ::listen(fd, SOMAXCONN) == 0);
  SocketAddress taken;
  taken.length = sizeof taken.storage;
  ok = ok && ::getsockname(fd, as_sockaddr(taken), &taken.length) == 0;
  if (!ok) {
    error = "cannot listen on " + where + ": " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return false;
  }
  sockets_.push_back({fd, is_udp});
  FindingLog::say(std::string("listening on ") + (is_udp ? "udp:" : "tcp:") + to_string(taken));
  return true;
}

void Listener::run() {
  while (end_requested == 0 && output_.error() == 0) turn(-1);
  for (int i = 0; i < turns_at_end && output_.error() == 0 && turn(0); ++i) {
  }
  while (!connections_.empty()) close_connection(connections_.begin()->first);
}

bool Listener::turn(int timeout_ms) {
  const bool accepting = now_ms_ >= accept_again_ms_;
  std::vector<pollfd> fds;
  fds.reserve(sockets_.size() + connections_.size());
  for (const ListeningSocket& socket : sockets_) {
    fds.push_back({socket.fd, static_cast<short>(socket.is_udp || accepting ? POLLIN : 0), 0});
  }
  for (const auto& [fd, session] : connections_) fds.push_back({fd, POLLIN, 0});
  if (!accepting && timeout_ms < 0) timeout_ms = static_cast<int>(accept_pause_ms);

  // A signal counts from before the wait to its end: it is let in only inside ppoll().
  sigset_t ending;
  sigset_t before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, &before);
  int ready = 0;
  if (end_requested == 0 || timeout_ms == 0) {
    const timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000L};
    ready = ::ppoll(fds.data(), fds.size(), timeout_ms < 0 ? nullptr : &timeout, &before);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);

  now_ms_ = monotonic_ms();
  log_.set_time(now_ms_);
  if (ready <= 0) return false;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (fds[i].revents == 0) continue;
    if (i >= sockets_.size()) {
      read_connection(fds[i].fd);
    } else if (sockets_[i].is_udp) {
      read_datagrams(fds[i].fd);
    } else {
      accept_connection(fds[i].fd);
    }
  }
  output_.flush();
  return true;
}

void Listener::accept_connection(int listening_fd) {
  SocketAddress peer;
  peer.length = sizeof peer.storage;
  const int fd = ::accept4(listening_fd, as_sockaddr(peer), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      FindingLog::say(std::string("cannot accept a connection: ") + std::strerror(errno));
      accept_again_ms_ = now_ms_ + accept_pause_ms;
    }
    return;  // anything else is the peer's change of mind
  }
  const auto session = process_.open(SessionKind::stream, to_string(peer));
  if (!session.has_value()) {
    ::close(fd);
    return;
  }
  connections_.emplace(fd, *session);
}

void Listener::read_connection(int fd) {
  const auto connection = connections_.find(fd);
  if (connection == connections_.end()) return;
  const ssize_t octets = ::recv(fd, buffer_.data(), buffer_.size(), 0);
  if (octets < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const bool more = octets > 0 && process_.receive(connection->second,
                                                   Octets(buffer_).first(static_cast<std::size_t>(octets)), now_ms_);
  if (!more) close_connection(fd);
}

void Listener::read_datagrams(int fd) {
  for (int i = 0; i < datagrams_per_turn; ++i) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    const ssize_t octets = ::recvfrom(fd, buffer_.data(), buffer_.size(), 0, as_sockaddr(peer), &peer.length);
    if (octets < 0) return;
    process_.receive_datagram(to_string(peer), Octets(buffer_).first(static_cast<std::size_t>(octets)), now_ms_);
  }
}

void Listener::close_connection(int fd) {
  const auto connection = connections_.find(fd);
  process_.close(connection->second);
  connections_.erase(connection);
  ::close(fd);
}

}  // namespace ipfix::dump
