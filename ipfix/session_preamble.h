// What a collector must have before data: templates, and options data that describe the session (RFC 5610 type
// records). Sent at the start of every session and, over UDP, again and again (RFC 7011 section 8.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ipfix/message_writer.h"

namespace ipfix {

class SessionPreamble {
 public:
  SessionPreamble(std::uint32_t observation_domain, std::size_t max_message_octets);

  // Parts are sent in the order in which they were added. False: the id is below 256 or taken, there is no field, or
  // the definition is longer than a message.
  bool add_template(Template definition);
  // False: no such template yet, or the record is longer than a message.
  bool add_record(std::uint16_t template_id, std::span<const std::uint8_t> record);

  bool has_template(std::uint16_t id) const { return find_template(id) != nullptr; }
  const Template* find_template(std::uint16_t id) const;  // nullptr: there is none
  void for_each_template(const std::function<void(const Template& definition)>& visit) const;
  // The id of a template with the same fields; nullopt: there is none.
  std::optional<std::uint16_t> find_same(const Template& definition) const;
  std::size_t parts() const { return parts_.size(); }
  // Messages with the parts from first_part on.
  std::vector<Message> messages(std::size_t first_part) const;

 private:
  struct Part {
    Template definition;               // of a record part: only the id
    std::vector<std::uint8_t> record;  // empty: this part is a template
  };

  std::uint32_t observation_domain_;
  std::size_t max_message_octets_;
  std::vector<Part> parts_;
};

}  // namespace ipfix
