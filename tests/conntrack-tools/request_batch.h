// Many ctnetlink requests in one datagram to the kernel, and which of them it refused.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/conntrack-tools/tuple.h"

namespace conntrack_tools {

class RequestBatch {
 public:
  static constexpr unsigned most_requests = 256;

  // A socket in the process's network namespace. Throws std::system_error.
  RequestBatch();

  // Begins a request (linux/netfilter/nfnetlink_conntrack.h) that the caller completes with attributes before the next
  // one begins. `number` is what `refused` is called with.
  nlmsghdr* begin(std::uint16_t type, std::uint16_t flags, std::uint64_t number);
  bool full() const { return numbers_.size() == most_requests; }
  bool empty() const { return numbers_.empty(); }

  // Sends what was begun and waits until the kernel has dealt with all of it. Calls refused(number, errno) for each
  // that failed. Throws std::system_error when the socket fails.
  void send(const std::function<void(std::uint64_t number, int error)>& refused);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  bool read_answers(const std::function<void(std::uint64_t number, int error)>& refused);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<char> requests_, answers_;
  nlmsghdr* last_ = nullptr;
  std::uint32_t first_sequence_ = 1;
  std::vector<std::uint64_t> numbers_;  // by sequence number, from first_sequence_
};

// CTA_TUPLE_ORIG or CTA_TUPLE_REPLY.
void put_tuple(nlmsghdr* request, std::uint16_t attribute, const Tuple& tuple);
// Zone 0 has no attribute.
void put_zone(nlmsghdr* request, std::uint16_t zone);

}  // namespace conntrack_tools
