// Builds one IPFIX Message (RFC 7011 section 3): header, Template Sets, Options Template Sets and Data Sets, never
// longer than a limit. Consecutive records of one template share a set; sets are not padded here (message_padding.h).
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
  std::size_t padding = 0;            // octets at its end, see message_padding.h
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
  // One that was encoded in room() is not copied.
  bool add_record(std::uint16_t template_id, std::span<const std::uint8_t> record);
  // Where the next record of this template will stand, with space for one of so many octets; empty: there is less.
  // Valid until the next call that changes the message.
  std::span<std::uint8_t> room(std::uint16_t template_id, std::size_t longest_octets);

  bool empty() const { return end_ == message_header_octets; }
  std::size_t octets() const { return end_; }
  std::size_t max_octets() const { return max_octets_; }
  // The longest record an empty message has room for.
  std::size_t max_record_octets() const { return max_octets_ - message_header_octets - set_header_octets; }
  // What add_record() would append: the record and, unless its set is open, a set header.
  std::size_t octets_added(std::uint16_t template_id, std::size_t record_octets) const {
    return record_octets + (template_id == open_set_id_ ? 0 : set_header_octets);
  }
  bool fits(std::uint16_t template_id, std::size_t record_octets) const {
    return end_ + octets_added(template_id, record_octets) <= max_octets_;
  }

  // Ends the message and begins another, in next_buffer's memory.
  Message take(std::vector<std::uint8_t> next_buffer = {});

 private:
  void begin(std::vector<std::uint8_t> buffer);
  void append16(std::uint16_t v);
  void append32(std::uint32_t v);
  void append_template(const Template& definition);
  void open_set(std::uint16_t set_id);
  void close_set();

  std::uint32_t observation_domain_;
  std::size_t max_octets_;
  Message message_;                // its octets are max_octets_ until it is taken
  std::size_t end_ = 0;            // of what is written of them
  std::uint16_t open_set_id_ = 0;  // 0: none
  std::size_t open_set_at_ = 0;
};

}  // namespace ipfix
