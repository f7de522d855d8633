// Lines out of a stream that arrives in pieces of any size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ofe::watcher {

class LineReader {
 public:
  explicit LineReader(std::size_t max_octets) : max_octets_(max_octets) {}

  // Calls line(std::string_view) -> bool for each whole, non-empty line, without its end; a line that returns false
  // ends the call and so does one longer than the limit: false.
  template <typename Line>
  bool feed(std::string_view bytes, Line line) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (partial_.size() + piece.size() > max_octets_) {
        too_long_ = true;
        return false;
      }
      if (end == std::string_view::npos) {
        partial_ += piece;
        return true;
      }
      bytes.remove_prefix(end + 1);
      bool go_on = true;
      if (partial_.empty()) {
        if (!piece.empty()) go_on = line(piece);
      } else {
        partial_ += piece;
        go_on = line(std::string_view(partial_));
        partial_.clear();
      }
      if (!go_on) return false;
    }
    return true;
  }

  bool too_long() const { return too_long_; }
  std::size_t waiting_octets() const { return partial_.size(); }  // of a line not ended yet
  void reset() {
    partial_ = {};
    too_long_ = false;
  }

 private:
  std::size_t max_octets_;
  std::string partial_;
  bool too_long_ = false;
};

}  // namespace ofe::watcher
