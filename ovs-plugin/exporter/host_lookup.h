// Host names to addresses, off the loop: getaddrinfo(3) blocks, so it runs on a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ipfix/exporting_process.h"

namespace ofe {

class HostLookup {
 public:
  HostLookup();
  ~HostLookup();  // a lookup under way is left to its thread, which owns what it needs
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  // The address if the lookup of exactly this host and port just finished; otherwise nullopt, with a lookup under way
  // ("looking up …") or failed (error says why; the next call asks again).
  std::optional<ipfix::SocketAddress> resolve(const std::string& host, std::uint16_t port, bool datagram,
                                              std::string& error);
  // Readable when a lookup finished; -1 when none is under way.
  int fd() const;
  // One runs, or its result was not taken yet by resolve().
  bool under_way() const { return request_ != nullptr; }
  // Takes the notice of a finished lookup: fd() is readable no more.
  void take_notice();

 private:
  struct Request;
  std::shared_ptr<Request> request_;
};

}  // namespace ofe
