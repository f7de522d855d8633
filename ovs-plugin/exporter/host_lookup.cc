#include "ovs-plugin/exporter/host_lookup.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace ofe {

struct HostLookup::Request {
  ~Request() {
    if (event >= 0) ::close(event);
  }
  std::string host;
  std::uint16_t port = 0;
  int event = -1;
  std::atomic<bool> done = false;  // set last by the thread; address and error are read only after it
  std::optional<ipfix::SocketAddress> address;
  std::string error;
};

namespace {

void look_up(const std::string& host, std::uint16_t port, bool datagram, std::optional<ipfix::SocketAddress>& address,
             std::string& error) {
  addrinfo hints{};
  hints.ai_socktype = datagram ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) {
    error = "resolve " + host + ": " + ::gai_strerror(result);
    return;
  }
  ipfix::SocketAddress first;
  std::memcpy(&first.storage, found->ai_addr, found->ai_addrlen);
  first.length = found->ai_addrlen;
  address = first;
  ::freeaddrinfo(found);
}

}  // namespace

HostLookup::HostLookup() = default;
HostLookup::~HostLookup() = default;

std::optional<ipfix::SocketAddress> HostLookup::resolve(const std::string& host, std::uint16_t port, bool datagram,
                                                        std::string& error) {
  if (request_ && request_->done && request_->host == host && request_->port == port) {
    const std::shared_ptr<Request> finished = std::move(request_);
    request_.reset();
    error = finished->error;
    return finished->address;
  }
  error = "looking up " + host;
  if (request_ && !request_->done && request_->host == host && request_->port == port) return std::nullopt;
  auto request = std::make_shared<Request>();
  request->host = host;
  request->port = port;
  request->event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  request_ = request;
  std::thread([request, datagram] {
    look_up(request->host, request->port, datagram, request->address, request->error);
    request->done = true;
    ::eventfd_write(request->event, 1);
  }).detach();
  return std::nullopt;
}

int HostLookup::fd() const {
  return request_ ? request_->event : -1;
}

void HostLookup::take_notice() {
  eventfd_t count = 0;
  if (request_ && request_->done) ::eventfd_read(request_->event, &count);
}

}  // namespace ofe
