#include "ovs-plugin/state_file/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace ofe::state_file {
namespace {

std::string why(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// What was there before us may be anybody's: no waiting for the writer of a pipe, no following of a link.
int open_to_read(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

// "" when it is a regular file that only we can have written.
std::string distrust(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (status.st_uid != ::geteuid()) return "belongs to another user";
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "can be written by others";
  return "";
}

}  // namespace

TakenFile::TakenFile(const std::string& path) {
  const int fd = open_to_read(path);
  if (fd < 0) {
    absent_ = errno == ENOENT;
    problem_ = why("cannot be opened");
    return;
  }
  map(fd, path);
  ::close(fd);
}

void TakenFile::map(int fd, const std::string& path) {
  struct stat status {};
  problem_ = ::fstat(fd, &status) != 0 ? why("cannot be looked at") : distrust(status);
  if (!problem_.empty()) return;
  if (status.st_size == 0) {
    problem_ = "is empty";
    return;
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) {
    problem_ = why("cannot be mapped");
    return;
  }
  octets_ = {static_cast<const std::uint8_t*>(mapped), size};
  if (!has_mark(octets_)) {
    problem_ = "is no state file of an exporter, and stays as it is";
  } else if (::unlink(path.c_str()) != 0) {
    problem_ = why("cannot be removed, and would be read again by the next start");
  }
}

TakenFile::~TakenFile() {
  if (!octets_.empty()) ::munmap(const_cast<std::uint8_t*>(octets_.data()), octets_.size());
}

ReplacedFile::ReplacedFile(std::string path) : path_(std::move(path)), beside_(path_ + ".new") {
  if (const int there = open_to_read(path_); there >= 0) {
    std::uint8_t mark[file_mark.size()];
    const ssize_t got = ::read(there, mark, sizeof mark);
    ::close(there);
    if (got != 0 && (got < 0 || !has_mark({mark, static_cast<std::size_t>(got)}))) {
      error_ = "something that is no state file of an exporter stands there, and stays as it is";
      return;
    }
  } else if (errno != ENOENT) {
    fail("cannot be opened");
    return;
  }
  ::unlink(beside_.c_str());  // of a process that was killed while it wrote
  fd_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) fail("cannot create");
}

ReplacedFile::~ReplacedFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(beside_.c_str());
}

bool ReplacedFile::fail(const std::string& what) {
  if (error_.empty()) error_ = what + ": " + std::strerror(errno);
  return false;
}

bool ReplacedFile::write(std::string_view octets) {
  if (!error_.empty()) return false;
  octets_ += octets.size();
  while (!octets.empty()) {
    const ssize_t written = ::write(fd_, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail("cannot write " + beside_);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool ReplacedFile::put_in_place() {
  if (!error_.empty()) return false;
  // For the errors it reports. The folder needs none: after a power cut the file says nothing.
  if (::fsync(fd_) != 0) return fail("cannot write " + beside_ + " to the disk");
  if (std::rename(beside_.c_str(), path_.c_str()) != 0) return fail("cannot rename " + beside_);
  ::close(std::exchange(fd_, -1));
  return true;
}

}  // namespace ofe::state_file
