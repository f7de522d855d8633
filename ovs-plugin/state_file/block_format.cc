#include "ovs-plugin/state_file/block_format.h"

#include <zlib.h>

#include <algorithm>

namespace ofe::state_file {
namespace {

constexpr std::size_t preamble_octets = file_mark.size() + 4;
constexpr std::size_t block_header_octets = 8;

void append32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

std::uint32_t read32(Octets octets) {
  std::uint32_t value = 0;
  for (const std::uint8_t octet : octets.first(4)) value = value << 8 | octet;
  return value;
}

std::uint32_t continued(std::uint32_t checksum, const void* octets, std::size_t count) {
  return static_cast<std::uint32_t>(crc32_z(checksum, static_cast<const Bytef*>(octets), count));
}

}  // namespace

bool has_mark(Octets file) {
  return file.size() >= file_mark.size() &&
         std::equal(file_mark.begin(), file_mark.end(), file.begin(),
                    [](char c, std::uint8_t octet) { return static_cast<std::uint8_t>(c) == octet; });
}

void append_preamble(std::string& out) {
  out += file_mark;
  append32(out, format_version);
}

void append_block(std::string_view message, std::uint32_t& checksum, std::string& out) {
  checksum = continued(checksum, message.data(), message.size());
  append32(out, static_cast<std::uint32_t>(message.size()));
  append32(out, checksum);
  out += message;
}

BlockReader::BlockReader(Octets file) : file_(file), at_(preamble_octets) {
  if (file.empty()) {
    problem_ = "is empty";
  } else if (!has_mark(file)) {
    problem_ = "is no state file of an exporter";
  } else if (file.size() < preamble_octets) {
    problem_ = "is cut at octet " + std::to_string(file.size());
  } else if (const std::uint32_t version = read32(file.subspan(file_mark.size())); version != format_version) {
    problem_ = "is of version " + std::to_string(version) + ", and this program reads version " +
               std::to_string(format_version);
  }
}

bool BlockReader::next(Octets& message) {
  if (!problem_.empty() || at_ == file_.size()) return false;
  const Octets rest = file_.subspan(at_);
  const std::size_t length = rest.size() < block_header_octets ? 0 : read32(rest);
  if (length > max_block_octets) {
    problem_ = "is damaged at octet " + std::to_string(at_) + ": a block of " + std::to_string(length) + " octets";
    return false;
  }
  if (rest.size() < block_header_octets || rest.size() - block_header_octets < length) {
    problem_ = "is cut at octet " + std::to_string(file_.size());
    return false;
  }
  message = rest.subspan(block_header_octets, length);
  checksum_ = continued(checksum_, message.data(), message.size());
  if (read32(rest.subspan(4)) != checksum_) {
    problem_ = "is damaged at octet " + std::to_string(at_) + ": wrong checksum";
    return false;
  }
  at_ += block_header_octets + length;
  return true;
}

}  // namespace ofe::state_file
