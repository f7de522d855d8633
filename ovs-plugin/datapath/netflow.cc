#include "ovs-plugin/datapath/netflow.h"

#include <netinet/in.h>

#include <algorithm>

namespace ofe::datapath {
namespace {

// lib/netflow.h of OVS: netflow_v5_header and netflow_v5_record; numbers in network order.
constexpr std::size_t header_octets = 24, record_octets = 48;
constexpr std::uint16_t netflow_version = 5;
constexpr std::uint64_t ethernet_header = 14;
// A gap longer than this (OVS sends 30 records in a datagram) is ovs-vswitchd beginning anew rather than loss.
constexpr std::uint32_t longest_gap = 1u << 20;

std::uint32_t number(std::span<const std::uint8_t> octets) {
  std::uint32_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

std::uint16_t number16(std::span<const std::uint8_t> octets) {
  return static_cast<std::uint16_t>(number(octets));
}

NetflowRecord read_record(std::span<const std::uint8_t> in) {
  NetflowRecord out;
  out.tuple.source = flowstore::address_from_ipv4(in.data());
  out.tuple.destination = flowstore::address_from_ipv4(in.data() + 4);
  out.packets = number(in.subspan(16, 4));
  const std::uint64_t octets_l2 = number(in.subspan(20, 4));
  out.octets = octets_l2 - std::min(octets_l2, out.packets * ethernet_header);
  out.tuple.source_port = number16(in.subspan(32, 2));
  out.tuple.destination_port = number16(in.subspan(34, 2));  // ICMP: type and code, source_port 0 (gen_netflow_rec)
  out.tuple.protocol = in[38];
  return out;
}

}  // namespace

bool NetflowDecoder::decode(std::span<const std::uint8_t> datagram,
                            const std::function<void(const NetflowRecord&)>& record) {
  ++stats_.datagrams;
  const std::uint32_t count = datagram.size() < header_octets ? 0 : number(datagram.subspan(2, 2));
  if (count == 0 || number(datagram.first(2)) != netflow_version ||
      datagram.size() != header_octets + count * record_octets) {
    ++stats_.malformed;
    return false;
  }
  // OVS numbers records, and the header carries the number of the datagram's last record (gen_netflow_rec sets it anew
  // for each), not of its first as other exporters do.
  const std::uint32_t last = number(datagram.subspan(16, 4));
  const std::uint8_t engine = datagram[21];
  const std::uint32_t gap = last + 1 - count - next_sequence_[engine];
  if (seen_[engine] && gap <= longest_gap) stats_.lost_records += gap;
  seen_[engine] = true;
  next_sequence_[engine] = last + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    ++stats_.records;
    record(read_record(datagram.subspan(header_octets + i * record_octets, record_octets)));
  }
  return true;
}

}  // namespace ofe::datapath
