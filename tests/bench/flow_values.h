// What an IPFIX record of a flow says, as a plain struct: what both sides of the IPFIX rows encode from and decode
// into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

// As libfixbuf's fbVarfield_t: it points into the message.
struct Text {
  std::size_t octets = 0;
  const std::uint8_t* data = nullptr;
};

// The 24 fields of record::template_ipv4, the longest first, so that there is no gap: libfixbuf knows of none.
struct FlowValues {
  std::uint64_t packet_total, octet_total, packet_delta, octet_delta;
  std::uint64_t reverse_packet_total, reverse_octet_total, reverse_packet_delta, reverse_octet_delta;
  Text source_pod, source_namespace, source_node;
  Text destination_pod, destination_namespace, destination_node, service_port_name;
  std::uint32_t start_s, end_s, source, destination, cluster_ip;
  std::uint16_t source_port, destination_port;
  std::uint8_t protocol, end_reason;
  std::uint8_t padding[6];
};
static_assert(sizeof(FlowValues) == 8 * 8 + 7 * 16 + 5 * 4 + 2 * 2 + 2 + 6);

struct FlowField {
  const char* element;  // its name in the registry
  std::size_t offset;   // in FlowValues
  std::size_t octets;   // 0: a Text
};
inline constexpr FlowField flow_fields[] = {
    {"packetTotalCount", offsetof(FlowValues, packet_total), 8},
    {"octetTotalCount", offsetof(FlowValues, octet_total), 8},
    {"packetDeltaCount", offsetof(FlowValues, packet_delta), 8},
    {"octetDeltaCount", offsetof(FlowValues, octet_delta), 8},
    {"reversePacketTotalCount", offsetof(FlowValues, reverse_packet_total), 8},
    {"reverseOctetTotalCount", offsetof(FlowValues, reverse_octet_total), 8},
    {"reversePacketDeltaCount", offsetof(FlowValues, reverse_packet_delta), 8},
    {"reverseOctetDeltaCount", offsetof(FlowValues, reverse_octet_delta), 8},
    {"sourcePodName", offsetof(FlowValues, source_pod), 0},
    {"sourcePodNamespace", offsetof(FlowValues, source_namespace), 0},
    {"sourceNodeName", offsetof(FlowValues, source_node), 0},
    {"destinationPodName", offsetof(FlowValues, destination_pod), 0},
    {"destinationPodNamespace", offsetof(FlowValues, destination_namespace), 0},
    {"destinationNodeName", offsetof(FlowValues, destination_node), 0},
    {"destinationServicePortName", offsetof(FlowValues, service_port_name), 0},
    {"flowStartSeconds", offsetof(FlowValues, start_s), 4},
    {"flowEndSeconds", offsetof(FlowValues, end_s), 4},
    {"sourceIPv4Address", offsetof(FlowValues, source), 4},
    {"destinationIPv4Address", offsetof(FlowValues, destination), 4},
    {"destinationClusterIP", offsetof(FlowValues, cluster_ip), 4},
    {"sourceTransportPort", offsetof(FlowValues, source_port), 2},
    {"destinationTransportPort", offsetof(FlowValues, destination_port), 2},
    {"protocolIdentifier", offsetof(FlowValues, protocol), 1},
    {"flowEndReason", offsetof(FlowValues, end_reason), 1},
};
inline constexpr std::size_t flow_field_count = sizeof flow_fields / sizeof flow_fields[0];

// Sums over records, by which two decoders show that they had the same values.
struct FlowSums {
  std::uint64_t records = 0;
  std::uint64_t octet_delta = 0;
  std::uint64_t text_octets = 0;  // lengths of the strings

  // Cheap: it is measured with the decoding.
  void add(const FlowValues& of) {
    ++records;
    octet_delta += of.octet_delta;
    text_octets += of.source_pod.octets + of.source_namespace.octets + of.source_node.octets +
                   of.destination_pod.octets + of.destination_namespace.octets + of.destination_node.octets +
                   of.service_port_name.octets;
    asm volatile("" : : "r"(&of) : "memory");  // every value of it counts as used
  }
};

// Over every octet of every value; order matters.
class FlowDigest {
 public:
  void add(const FlowValues& of) {
    for (const FlowField& field : flow_fields) {
      const auto* const at = reinterpret_cast<const std::uint8_t*>(&of) + field.offset;
      if (field.octets > 0) {
        add(at, field.octets);
        continue;
      }
      Text text;
      std::memcpy(&text, at, sizeof text);
      add(text.data, text.octets);
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  // 64-bit FNV-1a.
  void add(const std::uint8_t* octets, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) hash_ = (hash_ ^ octets[i]) * 0x100000001b3u;
  }
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

// What a decoder hands each record to.
struct FlowSink {
  FlowSums sums;
  FlowDigest digest;
  bool with_digest = false;

  void take(const FlowValues& of) {
    sums.add(of);
    if (with_digest) digest.add(of);
  }
};

}  // namespace bench
