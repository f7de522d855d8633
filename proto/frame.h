// Frames on the metadata socket: four octets of length, most significant first, then one serialized Frame message.
// Framing without I/O: bytes go in, messages come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/metadata.pb.h"

namespace ofe::metadata {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t max_frame_octets = 1u << 20;  // of one serialized Frame; a peer that exceeds it is dropped

enum class FrameError : std::uint8_t { none, too_long, malformed };
const char* to_string(FrameError error);

// Appends one frame to out; false (out unchanged) when the message would exceed max_frame_octets. Strings must be
// UTF-8 (proto3): the reader takes a frame with any other for malformed.
bool append_frame(const v1::Frame& frame, std::string& out);

class FrameReader {
 public:
  // Takes what was read from the socket. Called when next() has returned false, so that no more than one partial frame
  // and these bytes are ever held.
  void feed(std::span<const char> bytes);
  // The next whole frame; false: none yet, or error(). An error is final: the stream cannot be resynchronized.
  bool next(v1::Frame& frame);
  FrameError error() const { return error_; }

 private:
  std::vector<char> buffer_;
  std::size_t consumed_ = 0;
  FrameError error_ = FrameError::none;
};

}  // namespace ofe::metadata
