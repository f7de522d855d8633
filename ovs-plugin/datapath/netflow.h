// NetFlow version 5 as OVS sends it (ofproto/netflow.c), for exact accounting: per 5-tuple as it entered the bridge,
// before NAT, one record per direction, packets handled by upcalls included. IPv4 only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "flowstore/flow.h"

namespace ofe::datapath {

struct NetflowRecord {
  flowstore::Tuple tuple;                 // ICMP: source_port 0, destination_port type × 256 + code
  std::uint64_t packets = 0, octets = 0;  // L3: OVS's octets less 14 per packet
};

struct NetflowStats {
  std::uint64_t datagrams = 0, records = 0, malformed = 0;
  // By gaps in flow_sequence, per engine id. OVS counts per bridge, and gives the bridges of a datapath the same engine
  // id unless the NetFlow row sets one: where several bridges send, they need ids of their own.
  std::uint64_t lost_records = 0;
};

class NetflowDecoder {
 public:
  // False: not a NetFlow v5 datagram whose count fits its length; counted, nothing was delivered. Octets are those of
  // the frames less 14 per packet: a tag or padding in a frame stays in them.
  bool decode(std::span<const std::uint8_t> datagram, const std::function<void(const NetflowRecord&)>& record);
  const NetflowStats& stats() const { return stats_; }

 private:
  NetflowStats stats_;
  std::uint32_t next_sequence_[256] = {};  // by engine id: the number of the record to come
  bool seen_[256] = {};
};

// A UDP socket on loopback that OVS sends to: bound to 127.0.0.1 with a port of the kernel's choice, 8 MiB buffer.
class NetflowListener {
 public:
  NetflowListener();
  ~NetflowListener();
  NetflowListener(const NetflowListener&) = delete;
  NetflowListener& operator=(const NetflowListener&) = delete;
  bool open(std::string& error);
  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }
  // Reads up to max_datagrams without blocking; true while there may be more.
  bool receive(std::size_t max_datagrams, const std::function<void(std::span<const std::uint8_t>)>& datagram);

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace ofe::datapath
