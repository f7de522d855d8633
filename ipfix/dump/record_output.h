// Standard output: records as lines, written when asked, so that one turn of a loop costs one system call.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "ipfix/record_json.h"

namespace ipfix::dump {

class RecordOutput {
 public:
  explicit RecordOutput(RecordJsonOptions options) : options_(options) {}

  void add(const DataRecord& record) {
    append_record_json(lines_, record, options_);
    lines_ += '\n';
    if (lines_.size() >= flush_octets) flush();
  }

  // Blocks until the reader of the output took it all.
  void flush() {
    std::size_t written = 0;
    while (written < lines_.size() && error_ == 0) {
      const ssize_t result = ::write(STDOUT_FILENO, lines_.data() + written, lines_.size() - written);
      if (result >= 0) {
        written += static_cast<std::size_t>(result);
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    lines_.clear();
  }

  int error() const { return error_; }  // errno of the first failed write, 0: none; nothing is written after it

 private:
  static constexpr std::size_t flush_octets = 1u << 20;

  RecordJsonOptions options_;
  std::string lines_;
  int error_ = 0;
};

}  // namespace ipfix::dump
