#include "proto/frame.h"

namespace ofe::metadata {

namespace {

constexpr std::size_t length_octets = 4;

std::size_t read_length(const char* bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_octets; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

}  // namespace

const char* to_string(FrameError error) {
  switch (error) {
    case FrameError::none:
      return "none";
    case FrameError::too_long:
      return "frame longer than the limit";
    case FrameError::malformed:
      return "malformed frame";
  }
  return "unknown";
}

bool append_frame(const v1::Frame& frame, std::string& out) {
  const std::size_t length = frame.ByteSizeLong();
  if (length > max_frame_octets) return false;
  const std::size_t start = out.size();
  out.resize(start + length_octets + length);
  for (std::size_t i = 0; i < length_octets; ++i) {
    out[start + i] = static_cast<char>(length >> 8 * (length_octets - 1 - i) & 0xff);
  }
  // A string field that is not UTF-8 (a proto3 violation) is only logged by protobuf here; the reader refuses it.
  frame.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + start + length_octets));
  return true;
}

void FrameReader::feed(std::span<const char> bytes) {
  if (error_ != FrameError::none) return;
  // What was handed out goes first, so that the buffer never holds more than one partial frame and one feed.
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

bool FrameReader::next(v1::Frame& frame) {
  if (error_ != FrameError::none) return false;
  const std::size_t held = buffer_.size() - consumed_;
  if (held < length_octets) return false;
  const char* start = buffer_.data() + consumed_;
  const std::size_t length = read_length(start);
  if (length > max_frame_octets) {
    error_ = FrameError::too_long;
  } else if (held - length_octets < length) {
    return false;
  } else if (!frame.ParseFromArray(start + length_octets, static_cast<int>(length))) {
    error_ = FrameError::malformed;
  } else {
    consumed_ += length_octets + length;
    return true;
  }
  buffer_ = {};
  consumed_ = 0;
  return false;
}

}  // namespace ofe::metadata
