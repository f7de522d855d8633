// Builds one IPFIX Message (RFC 7011 section 3): header, Template Sets, Options Template Sets and Data Sets, never
// longer than a limit. Consecutive records of one template share a set; sets are not padded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ipfix/message_format.h"
#include "ipfix/template.h"

namespace ipfix {

struct Message {
  std::vector<std::uint8_t> octets;  // complete but for export time and sequence number, which stamp() sets
  std::uint32_t data_records = 0;    // options data included (RFC 7011 section 3.1)
  std::uint32_t template_records = 0;
  std::uint32_t records_missing = 0;  // lost before this message; its sequence number steps over them
};

// Both are known only when the message leaves.
void stamp(Message& message, std::uint32_t export_time_s, std::uint32_t sequence);

// Octets of a Template Record or Options Template Record.
std::size_t encoded_octets(const Template& definition);

class MessageWriter {
 public:
  // max_octets is held between one small set and 65,535.
  MessageWriter(std::uint32_t observation_domain, std::size_t max_octets);

  // False: does not fit, nothing was written.
  bool add_template(const Template& definition);
  bool add_record(std::uint16_t template_id, std::span<const std::uint8_t> record);

  bool empty() const { return message_.octets.size() == message_header_octets; }
  std::size_t octets() const { return message_.octets.size(); }
  std::size_t max_octets() const { return max_octets_; }
  // The longest record an empty message has room for.
  std::size_t max_record_octets() const { return max_octets_ - message_header_octets - set_header_octets; }
  // What add_record() would append: the record and, unless its set is open, a set header.
  std::size_t octets_added(std::uint16_t template_id, std::size_t record_octets) const {
    return record_octets + (template_id == open_set_id_ ? 0 : set_header_octets);
  }

  // Ends the message and begins another, in next_buffer's memory.
  Message take(std::vector<std::uint8_t> next_buffer = {});

 private:
  void begin(std::vector<std::uint8_t> buffer);
  void open_set(std::uint16_t set_id);
  void close_set();

  std::uint32_t observation_domain_;
  std::size_t max_octets_;
  Message message_;
  std::uint16_t open_set_id_ = 0;  // 0: none
  std::size_t open_set_at_ = 0;
};

}  // namespace ipfix
