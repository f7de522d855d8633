#include "ipfix/spool_format.h"

#include <zlib.h>

#include "ipfix/message_format.h"

namespace ipfix::spool_format {
namespace {

constexpr std::array<std::uint8_t, 3> mark = {'O', 'F', 'S'};

std::uint32_t checksum_of(std::uint8_t kind, Octets payload) {
  const uLong of_kind = crc32_z(0, &kind, 1);
  return static_cast<std::uint32_t>(crc32_z(of_kind, payload.data(), payload.size()));
}

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put32(std::uint8_t* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

}  // namespace

std::array<std::uint8_t, block_header_octets> block_header(Kind kind, Octets payload) {
  std::array<std::uint8_t, block_header_octets> header{mark[0], mark[1], mark[2], static_cast<std::uint8_t>(kind)};
  put32(header.data() + 4, static_cast<std::uint32_t>(payload.size()));
  put32(header.data() + 8, checksum_of(header[3], payload));
  return header;
}

std::optional<BlockHeader> parse_block_header(Octets octets) {
  OctetReader reader(octets);
  for (const std::uint8_t expected : mark) {
    if (reader.u8() != expected) return std::nullopt;
  }
  const std::uint8_t kind = reader.u8();
  const std::uint32_t payload = reader.u32();
  const std::uint32_t checksum = reader.u32();
  const bool is_known =
      kind == static_cast<std::uint8_t>(Kind::templates) || kind == static_cast<std::uint8_t>(Kind::records);
  if (reader.cut() || !is_known || payload > max_payload_octets) return std::nullopt;
  return BlockHeader{static_cast<Kind>(kind), payload, checksum};
}

bool is_whole(const BlockHeader& header, Octets payload) {
  return payload.size() == header.payload_octets &&
         checksum_of(static_cast<std::uint8_t>(header.kind), payload) == header.checksum;
}

void append_template(std::vector<std::uint8_t>& payload, const Template& definition) {
  put16(payload, definition.id);
  put16(payload, definition.scope_fields);
  put16(payload, static_cast<std::uint16_t>(definition.fields.size()));
  for (const FieldSpecifier& field : definition.fields) {
    put16(payload, field.enterprise != 0 ? static_cast<std::uint16_t>(field.id | enterprise_bit) : field.id);
    put16(payload, field.length);
    if (field.enterprise == 0) continue;
    put16(payload, static_cast<std::uint16_t>(field.enterprise >> 16));
    put16(payload, static_cast<std::uint16_t>(field.enterprise));
  }
}

void append_record(std::vector<std::uint8_t>& payload, std::uint16_t template_id, Octets record) {
  put16(payload, template_id);
  put16(payload, static_cast<std::uint16_t>(record.size()));
  payload.insert(payload.end(), record.begin(), record.end());
}

bool read_template(OctetReader& payload, Template& definition) {
  definition.id = payload.u16();
  definition.scope_fields = payload.u16();
  const std::uint16_t fields = payload.u16();
  definition.fields.clear();
  for (std::uint16_t i = 0; i < fields && !payload.cut(); ++i) definition.fields.push_back(payload.field_specifier());
  return !payload.cut();
}

bool read_record(OctetReader& payload, Record& record) {
  record.template_id = payload.u16();
  record.octets = payload.octets(payload.u16());
  return !payload.cut() && !record.octets.empty();
}

}  // namespace ipfix::spool_format
