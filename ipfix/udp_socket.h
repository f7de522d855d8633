// A connected UDP socket (RFC 7011 section 10.3).
#pragma once

#include "ipfix/transport.h"

namespace ipfix {

class UdpSocket final : public CollectorSocket {
 public:
  // in_segments: ExportingOptions::udp_segmentation.
  explicit UdpSocket(bool in_segments = false) : wants_segments_(in_segments) {}
  ~UdpSocket() override { UdpSocket::close(); }
  IoResult open(const SocketAddress& address) override;
  IoResult finish_connect() override { return {}; }
  IoResult send(std::span<const std::uint8_t> octets) override { return send_to_kernel(octets); }
  IoResult send_datagrams(std::span<const std::span<const std::uint8_t>> datagrams) override;
  // UDP_SEGMENT (linux/udp.h, since Linux 4.18): the kernel takes many datagrams as one and cuts it late. Not where it
  // or the way to the collector cannot.
  bool joins_equal_datagrams() const override { return segments_; }
  IoResult check_peer() override { return pending_error(); }
  void close() override;

 private:
  bool wants_segments_;
  bool segments_ = false;  // wanted, and nothing has refused them
};

}  // namespace ipfix
