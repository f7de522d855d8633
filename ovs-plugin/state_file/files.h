// The state file in its folder: the only code of this module that owns a descriptor.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ovs-plugin/state_file/block_format.h"

namespace ofe::state_file {

// A file mapped into memory, for the life of this object.
class TakenFile {
 public:
  // Opens the file and removes it from its folder if it is one of ours, so that nobody reads it a second time. Not
  // one of ours is what does not begin with the mark, and is left as it is; an empty file is left, too.
  explicit TakenFile(const std::string& path);
  ~TakenFile();
  TakenFile(const TakenFile&) = delete;
  TakenFile& operator=(const TakenFile&) = delete;

  bool absent() const { return absent_; }
  // Why its octets are not to be used; "": they are.
  const std::string& problem() const { return problem_; }
  Octets octets() const { return octets_; }

 private:
  void map(int fd, const std::string& path);

  bool absent_ = false;
  std::string problem_;
  Octets octets_;
};

// A file that is written beside its place (path.new, mode 0600) and put there when it is whole.
class ReplacedFile {
 public:
  // Refused, see error(), where something else than a state file or an empty file stands in its place.
  explicit ReplacedFile(std::string path);
  ~ReplacedFile();  // removes what was not put in place
  ReplacedFile(const ReplacedFile&) = delete;
  ReplacedFile& operator=(const ReplacedFile&) = delete;

  // False: see error(); nothing is written any more.
  bool write(std::string_view octets);
  bool put_in_place();
  const std::string& error() const { return error_; }
  std::size_t octets() const { return octets_; }

 private:
  bool fail(const std::string& what);

  std::string path_, beside_;
  int fd_ = -1;
  std::size_t octets_ = 0;
  std::string error_;
};

}  // namespace ofe::state_file
