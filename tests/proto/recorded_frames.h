// Frames that earlier programs sent, as tests/proto/recorded/*.txt keep them.
#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ofe::metadata::test {

struct RecordedFrame {
  std::string by;      // "exporter" or "bridge"
  std::string octets;  // with its length in front, as on the socket
};

inline std::vector<RecordedFrame> recorded_frames(const std::string& path) {
  std::ifstream file(path);
  std::vector<RecordedFrame> frames;
  for (std::string by, hex; file >> by;) {
    if (by.starts_with("#")) {
      std::getline(file, hex);
      continue;
    }
    file >> hex;
    std::string message;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      message += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    std::string octets;
    for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>(message.size() >> shift & 0xff);
    frames.push_back({by, octets + message});
  }
  if (frames.empty()) throw std::runtime_error("no frames in " + path);
  return frames;
}

}  // namespace ofe::metadata::test
