// What stands in a spool's segment files: blocks back to back, each with a checksum.
//
// Block: "OFS" and the kind, one octet each; octets of the payload and CRC-32 (zlib's) of kind and payload, 32 bits
// each; the payload. All numbers in network order. Templates: for each its id, scope fields and fields (16 bits each),
// and the field specifiers of RFC 7011 section 3.2. Records: for each template id and octets (16 bits each), and the
// Data Record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ipfix/octet_reader.h"
#include "ipfix/template.h"

namespace ipfix::spool_format {

enum class Kind : std::uint8_t { templates = 'T', records = 'R' };

inline constexpr std::size_t block_header_octets = 12;
inline constexpr std::size_t record_header_octets = 4;
inline constexpr std::size_t max_payload_octets = 1u << 20;

struct BlockHeader {
  Kind kind;
  std::uint32_t payload_octets;
  std::uint32_t checksum;
};
std::array<std::uint8_t, block_header_octets> block_header(Kind kind, Octets payload);
// nullopt: no block begins like this.
std::optional<BlockHeader> parse_block_header(Octets octets);
bool is_whole(const BlockHeader& header, Octets payload);

void append_template(std::vector<std::uint8_t>& payload, const Template& definition);
void append_record(std::vector<std::uint8_t>& payload, std::uint16_t template_id, Octets record);

// False: the payload ends here, or is cut.
bool read_template(OctetReader& payload, Template& definition);
struct Record {
  std::uint16_t template_id = 0;
  Octets octets;
};
bool read_record(OctetReader& payload, Record& record);

}  // namespace ipfix::spool_format
