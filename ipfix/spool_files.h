// The files of a spool: segments, named after the position of their first octet in the spool, and how far the collector
// has come. What is written survives the end of the process, however it ends; not that of the machine (nothing is
// synchronised to the disk).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ipfix/octet_reader.h"

namespace ipfix {

class SpoolFiles {
 public:
  // Opens the folder, which is made where there is none, for this process alone. False: error says what failed.
  bool open(const std::string& folder, std::string& error);
  SpoolFiles() = default;
  ~SpoolFiles();
  SpoolFiles(const SpoolFiles&) = delete;
  SpoolFiles& operator=(const SpoolFiles&) = delete;

  // Positions count octets from the spool's beginning and never start over.
  std::uint64_t end() const { return end_; }
  std::uint64_t octets() const { return octets_; }  // on disk
  std::uint64_t segment_octets() const;             // of the one being written; 0: none

  // A new file at end(), in which append() goes on.
  bool begin_segment(std::string& error);
  // All of it or nothing.
  bool append(Octets first, Octets second, std::string& error);

  // Octets at a position, at most so many, of one segment; empty: there is nothing (more) there.
  Octets read(std::uint64_t position, std::size_t octets);
  // Of the segment that holds the position, or the first one after it; nullopt: all end before.
  struct Segment {
    std::uint64_t start = 0, end = 0;
  };
  std::optional<Segment> segment_at(std::uint64_t position) const;

  // Kept in a file that is mapped, so that a killed process leaves what it said last.
  std::uint64_t released() const { return *released_; }
  std::uint64_t left() const { return *left_; }
  // Nothing below is needed any more; whole segments below go.
  void release(std::uint64_t position);
  void mark_left(std::uint64_t position) { *left_ = std::max(*left_, position); }

 private:
  bool map_positions(std::string& error);
  bool list_segments(std::string& error);
  std::string path_of(std::uint64_t start) const;

  std::string folder_;
  int position_fd_ = -1, write_fd_ = -1, read_fd_ = -1;
  void* mapping_ = nullptr;
  std::uint64_t unmapped_[2] = {};
  std::uint64_t* released_ = &unmapped_[0];
  std::uint64_t* left_ = &unmapped_[1];
  std::deque<Segment> segments_;  // oldest first
  std::uint64_t octets_ = 0, end_ = 0;
  std::uint64_t read_start_ = 0;  // of the segment behind read_fd_
  std::vector<std::uint8_t> buffer_;
};

}  // namespace ipfix
