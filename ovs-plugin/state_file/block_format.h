// The outer form of a state file: a mark, a version, and blocks that each carry a checksum. What is in a block is
// state_file.proto's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ofe::state_file {

using Octets = std::span<const std::uint8_t>;

inline constexpr std::string_view file_mark = "OFEstate";
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t max_block_octets = 16u << 20;

// Whether a file that begins like this is one of ours, whatever its version and state.
bool has_mark(Octets file);

// The mark and the version.
void append_preamble(std::string& out);
// checksum runs through all blocks of the file, so that one cannot be missing or in another's place; 0 before the
// first.
void append_block(std::string_view message, std::uint32_t& checksum, std::string& out);

class BlockReader {
 public:
  explicit BlockReader(Octets file);
  // The next block's message; false at the end, or where the file is wrong: problem() then says how and where.
  bool next(Octets& message);
  const std::string& problem() const { return problem_; }

 private:
  Octets file_;
  std::size_t at_ = 0;
  std::uint32_t checksum_ = 0;
  std::string problem_;
};

}  // namespace ofe::state_file
