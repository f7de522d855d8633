// Collectors on the loopback interface for tests of the exporting process: real sockets, and the time is the test's.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "ipfix/exporting_process.h"
#include "tests/ipfix/parsed_message.h"

namespace ipfix_test {

using ipfix::ExportingProcess;
using ipfix::Now;
using ipfix::SocketAddress;

inline Now at_ms(std::int64_t ms) {
  return {ms, 1'700'000'000'000 + ms};
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A non-blocking socket bound to a loopback address; port 0: any free one. get() < 0: it could not be bound.
inline Descriptor bound_socket(int type, const char* host = "127.0.0.1", std::uint16_t port = 0) {
  const auto address = ipfix::numeric_address(host, port);
  Descriptor bound(socket(address->storage.ss_family, type | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(bound.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(bound.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->length) != 0) bound.close();
  return bound;
}

inline SocketAddress local_address(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  return address;
}

inline std::uint16_t port_of(const SocketAddress& address) {
  sockaddr_in in{};  // the port stands in the same place in sockaddr_in6
  std::memcpy(&in, &address.storage, sizeof in);
  return ntohs(in.sin_port);
}

inline ExportingProcess::AddressSource always(const SocketAddress& address) {
  return [address](std::string&) { return std::optional(address); };
}

// One accepted TCP connection.
class TcpSession {
 public:
  explicit TcpSession(int fd) : fd_(fd) {}
  bool is_open() const { return fd_.get() >= 0; }
  void close() { fd_.close(); }
  void say(const char* text) const { static_cast<void>(!send(fd_.get(), text, std::strlen(text), MSG_NOSIGNAL)); }
  // Reads what is there, in pieces of at most so many octets, and takes the whole messages out of it.
  void read(std::size_t piece = 65536) {
    Bytes buffer(piece);
    ssize_t received = 0;
    while ((received = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
      stream_.insert(stream_.end(), buffer.begin(), buffer.begin() + received);
    }
    ended_ = ended_ || received == 0;
    for (ParsedMessage& message : take_messages(stream_)) messages_.push_back(std::move(message));
  }
  const std::vector<ParsedMessage>& messages() const { return messages_; }
  std::size_t cut_octets() const { return stream_.size(); }
  bool ended() const { return ended_; }

 private:
  Descriptor fd_;
  Bytes stream_;
  std::vector<ParsedMessage> messages_;
  bool ended_ = false;
};

class TcpCollector {
 public:
  // receive_buffer_octets 0: the kernel's default.
  explicit TcpCollector(int receive_buffer_octets = 0, const char* host = "127.0.0.1", std::uint16_t port = 0)
      : listener_(bound_socket(SOCK_STREAM, host, port)) {
    if (listener_.get() < 0) return;
    if (receive_buffer_octets > 0) {
      setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_octets, sizeof receive_buffer_octets);
    }
    listen(listener_.get(), 8);
    address_ = local_address(listener_.get());
  }
  bool is_open() const { return listener_.get() >= 0; }
  const SocketAddress& address() const { return address_; }
  void close() { listener_.close(); }
  int fd() const { return listener_.get(); }
  TcpSession accept() const { return TcpSession(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK)); }

 private:
  Descriptor listener_;
  SocketAddress address_;
};

class UdpCollector {
 public:
  explicit UdpCollector(const char* host = "127.0.0.1", std::uint16_t port = 0)
      : socket_(bound_socket(SOCK_DGRAM, host, port)), address_(local_address(socket_.get())) {
    const int octets = 4 << 20;
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  }
  bool is_open() const { return socket_.get() >= 0; }
  const SocketAddress& address() const { return address_; }
  void close() { socket_.close(); }
  const std::vector<ParsedMessage>& messages() const { return messages_; }
  void forget() { messages_.clear(); }
  // Loopback delivers before send() returns: what was sent is here.
  void read() {
    Bytes buffer(65536);
    ssize_t received = 0;
    while ((received = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
      messages_.push_back(parse_message(std::span(buffer).first(static_cast<std::size_t>(received))));
    }
  }

 private:
  Descriptor socket_;
  SocketAddress address_;
  std::vector<ParsedMessage> messages_;
};

// Runs the process at one moment of the test's time until something holds; false after ten real seconds.
inline bool run_until(ExportingProcess& process, Now now, const std::function<bool()>& holds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < give_up) {
    process.run(now);
    if (holds()) return true;
    pollfd wanted{process.fd(), process.events(), 0};
    if (process.fd() >= 0) poll(&wanted, 1, 1);
    if (process.fd() < 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// What a new session begins with, where it fits into one message.
inline ParsedMessage first_message(ExportingProcess& process, TcpCollector& collector) {
  const Now now = at_ms(0);
  EXPECT_TRUE(run_until(process, now, [&] { return process.stats().state == ipfix::SessionState::connected; }));
  TcpSession session = collector.accept();
  const bool came = run_until(process, now, [&] {
    session.read();
    return session.messages().size() == 1;
  });
  EXPECT_TRUE(came);
  return came ? session.messages().front() : ParsedMessage{};
}

inline constexpr std::uint16_t numbered_template = 256;

// Records that begin with their number: octetDeltaCount, and as many octets of padding as make up the size.
inline ipfix::Template numbered(std::size_t record_octets) {
  ipfix::Template definition{numbered_template, 0, {{0, 1, 8}}};
  if (record_octets > 8) definition.fields.push_back({0, 210, static_cast<std::uint16_t>(record_octets - 8)});
  return definition;
}

inline Bytes numbered_record(std::uint64_t number, std::size_t record_octets) {
  Bytes record(record_octets);
  for (std::size_t i = 0; i < 8; ++i) record[i] = static_cast<std::uint8_t>(number >> (8 * (7 - i)));
  return record;
}

inline std::vector<std::uint64_t> counting(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = first; number < end; ++number) numbers.push_back(number);
  return numbers;
}

}  // namespace ipfix_test
