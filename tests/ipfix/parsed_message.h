// A second opinion on what the writer writes: a parser of messages that shares no code with the library.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace ipfix_test {

using Bytes = std::vector<std::uint8_t>;

inline std::uint64_t big_endian(std::span<const std::uint8_t> octets, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value * 256 + octets[at + i];
  return value;
}

struct ParsedSet {
  std::uint16_t id = 0;
  Bytes body;
};

struct ParsedMessage {
  std::size_t length = 0;
  std::uint32_t export_time = 0;
  std::uint32_t sequence = 0;
  std::uint32_t domain = 0;
  std::vector<ParsedSet> sets;

  bool has_set(std::uint16_t id) const {
    for (const ParsedSet& set : sets) {
      if (set.id == id) return true;
    }
    return false;
  }
  bool has_data() const {
    for (const ParsedSet& set : sets) {
      if (set.id >= 256) return true;
    }
    return false;
  }
};

// Throws what is wrong with it.
inline ParsedMessage parse_message(std::span<const std::uint8_t> octets) {
  if (octets.size() < 16) throw std::runtime_error("message shorter than its header");
  if (big_endian(octets, 0, 2) != 10) throw std::runtime_error("version is not 10");
  if (big_endian(octets, 2, 2) != octets.size()) throw std::runtime_error("length field is not the length");
  ParsedMessage message;
  message.length = octets.size();
  message.export_time = static_cast<std::uint32_t>(big_endian(octets, 4, 4));
  message.sequence = static_cast<std::uint32_t>(big_endian(octets, 8, 4));
  message.domain = static_cast<std::uint32_t>(big_endian(octets, 12, 4));
  for (std::size_t at = 16; at < octets.size();) {
    if (octets.size() - at < 4) throw std::runtime_error("set header cut");
    const std::size_t length = big_endian(octets, at + 2, 2);
    if (length < 5 || length > octets.size() - at) throw std::runtime_error("set length wrong");
    const auto body = octets.subspan(at + 4, length - 4);
    message.sets.push_back({static_cast<std::uint16_t>(big_endian(octets, at, 2)), {body.begin(), body.end()}});
    at += length;
  }
  return message;
}

// Takes the whole messages off the front of a stream.
inline std::vector<ParsedMessage> take_messages(Bytes& stream) {
  std::vector<ParsedMessage> messages;
  std::size_t at = 0;
  while (stream.size() - at >= 16) {
    const std::size_t length = big_endian(stream, at + 2, 2);
    if (length > stream.size() - at) break;
    messages.push_back(parse_message(std::span(stream).subspan(at, length)));
    at += length;
  }
  stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(at));
  return messages;
}

// The first eight octets of every record of a fixed size, over all data sets of one template.
inline std::vector<std::uint64_t> record_numbers(const std::vector<ParsedMessage>& messages, std::uint16_t template_id,
                                                 std::size_t record_octets) {
  std::vector<std::uint64_t> numbers;
  for (const ParsedMessage& message : messages) {
    for (const ParsedSet& set : message.sets) {
      if (set.id != template_id) continue;
      if (set.body.size() % record_octets != 0) throw std::runtime_error("set is no whole number of records");
      for (std::size_t at = 0; at < set.body.size(); at += record_octets)
        numbers.push_back(big_endian(set.body, at, 8));
    }
  }
  return numbers;
}

inline Bytes from_hex(const char* text) {
  Bytes octets;
  int high = -1;
  for (; *text != '\0'; ++text) {
    if (*text == ' ' || *text == '\n') continue;
    const int digit = *text <= '9' ? *text - '0' : *text - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      octets.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return octets;
}

}  // namespace ipfix_test
