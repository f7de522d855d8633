// The structure of one IPFIX Message without any state: header, sets, template records (RFC 7011 section 3), and the
// cutting of a stream into messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ipfix/finding.h"
#include "ipfix/message_format.h"
#include "ipfix/octet_reader.h"
#include "ipfix/template.h"

namespace ipfix {

struct MessageHeader {
  std::uint16_t length = 0;       // octets, header included
  std::uint32_t export_time = 0;  // seconds since the Unix epoch
  std::uint32_t sequence = 0;     // Data Records sent before this message, modulo 2^32
  std::uint32_t observation_domain = 0;
};

// Checks the version and that exactly the announced length is there.
Finding read_header(Octets message, MessageHeader& header);

struct Set {
  std::uint16_t id = 0;
  Octets body;             // without the set's header
  std::size_t offset = 0;  // of the set's header in the message
};

class SetReader {
 public:
  // A message that passed read_header().
  explicit SetReader(Octets message) : message_(message) {}
  // False at the end of the message or at a malformation, see finding().
  bool next(Set& set);
  Finding finding() const { return finding_; }
  std::size_t offset() const { return offset_; }  // of what is read next, or of what is malformed

 private:
  Octets message_;
  std::size_t offset_ = message_header_octets;
  Finding finding_ = Finding::none;
};

// Either a definition or, when it has no fields, a withdrawal: of one template (id >= 256) or, when the id is the set's
// own, of all templates of that kind (section 8.1).
struct TemplateRecord {
  Template definition;
  bool options = false;
  bool is_withdrawal() const { return definition.fields.empty(); }
  bool withdraws_all() const { return definition.id < first_data_set_id; }
};

class TemplateSetReader {
 public:
  // A set with id 2 or 3.
  explicit TemplateSetReader(const Set& set) : id_(set.id), reader_(set.body) {}
  // False at the end of the set or at a malformation, see finding(). Trailing zeros are padding.
  bool next(TemplateRecord& record);
  Finding finding() const { return finding_; }

 private:
  bool fail(Finding finding) {
    finding_ = finding;
    return false;
  }

  std::uint16_t id_;
  OctetReader reader_;
  bool read_any_ = false;
  Finding finding_ = Finding::none;
};

// Cuts a byte stream into messages by their header's length. Holds less than one message, plus what was last appended.
class StreamFramer {
 public:
  void append(Octets octets);
  // The next whole message, valid until the next append(); nullopt: more octets are needed, or finding() is set and the
  // stream cannot be read on, as nothing tells where the next message begins.
  std::optional<Octets> next();
  // What ends the stream when it ends here: message_cut inside a message.
  Finding at_end() const;

  Finding finding() const { return finding_; }
  std::uint64_t offset() const { return consumed_; }  // in the stream, of what next() reads next
  std::size_t buffered() const { return buffer_.size() - start_; }

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t start_ = 0;  // of the unread part of buffer_
  std::uint64_t consumed_ = 0;
  Finding finding_ = Finding::none;
};

}  // namespace ipfix
