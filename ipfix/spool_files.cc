#include "ipfix/spool_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace ipfix {
namespace {

constexpr std::string_view suffix = ".spool";
constexpr std::size_t name_digits = 16;

// The position file. In the machine's own byte order: it is of no use elsewhere.
struct Positions {
  std::array<char, 8> mark;
  std::uint64_t version;
  std::uint64_t released;
  std::uint64_t left;
};
constexpr std::array<char, 8> position_mark = {'O', 'F', 'E', 's', 'p', 'o', 'o', 'l'};
constexpr std::uint64_t position_version = 1;

std::string failed(const char* what, const std::string& path) {
  return std::string(what) + " " + path + ": " + std::strerror(errno);
}

std::optional<std::uint64_t> start_from_name(std::string_view name) {
  if (name.size() != name_digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t start = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name_digits, start, 16);
  if (status != std::errc() || end != name.data() + name_digits) return std::nullopt;
  return start;
}

}  // namespace

SpoolFiles::~SpoolFiles() {
  if (mapping_ != nullptr) munmap(mapping_, sizeof(Positions));
  for (const int fd : {position_fd_, write_fd_, read_fd_}) {
    if (fd >= 0) close(fd);
  }
}

bool SpoolFiles::open(const std::string& folder, std::string& error) {
  folder_ = folder;
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    error = "make the folder " + folder + ": " + failure.message();
    return false;
  }
  return map_positions(error) && list_segments(error);
}

bool SpoolFiles::map_positions(std::string& error) {
  const std::string path = folder_ + "/position";
  position_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (position_fd_ < 0) {
    error = failed("open", path);
    return false;
  }
  if (flock(position_fd_, LOCK_EX | LOCK_NB) != 0) {
    error = errno == EWOULDBLOCK ? folder_ + " is in use by another process" : failed("lock", path);
    return false;
  }
  struct stat found {};
  if (fstat(position_fd_, &found) != 0 ||
      (found.st_size != sizeof(Positions) && ftruncate(position_fd_, sizeof(Positions)) != 0)) {
    error = failed("size", path);
    return false;
  }
  void* const mapped = mmap(nullptr, sizeof(Positions), PROT_READ | PROT_WRITE, MAP_SHARED, position_fd_, 0);
  if (mapped == MAP_FAILED) {
    error = failed("map", path);
    return false;
  }
  mapping_ = mapped;
  auto* const positions = static_cast<Positions*>(mapped);
  if (positions->mark != position_mark || positions->version != position_version) {
    *positions = {position_mark, position_version, 0, 0};
  }
  released_ = &positions->released;
  left_ = &positions->left;
  return true;
}

bool SpoolFiles::list_segments(std::string& error) {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failure)) {
    const auto start = start_from_name(entry.path().filename().string());
    const std::uint64_t size = start ? entry.file_size(failure) : 0;
    if (start && !failure && *start <= UINT64_MAX - size) segments_.push_back({*start, *start + size});
  }
  if (failure) {
    error = "read the folder " + folder_ + ": " + failure.message();
    return false;
  }
  std::ranges::sort(segments_, {}, &Segment::start);
  for (const Segment& segment : segments_) {
    octets_ += segment.end - segment.start;
    end_ = std::max(end_, segment.end);
  }
  // Positions that cannot be (files were removed or damaged): from the oldest octet on.
  const std::uint64_t oldest = segments_.empty() ? *released_ : segments_.front().start;
  if (segments_.empty()) end_ = *released_;
  if (*released_ < oldest || *released_ > end_) *released_ = oldest;
  *left_ = std::clamp(*left_, *released_, end_);
  release(*released_);
  return true;
}

std::string SpoolFiles::path_of(std::uint64_t start) const {
  std::array<char, name_digits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(start));
  return folder_ + "/" + digits.data() + std::string(suffix);
}

std::uint64_t SpoolFiles::segment_octets() const {
  return write_fd_ < 0 ? 0 : segments_.back().end - segments_.back().start;
}

bool SpoolFiles::begin_segment(std::string& error) {
  const std::string path = path_of(end_);
  // There is no such file but an empty one, which nothing was written to.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) {
    error = failed("make", path);
    return false;
  }
  if (write_fd_ >= 0) close(write_fd_);
  write_fd_ = fd;
  if (segments_.empty() || segments_.back().start != end_) segments_.push_back({end_, end_});
  return true;
}

bool SpoolFiles::append(Octets first, Octets second, std::string& error) {
  const std::array<iovec, 2> parts = {
      iovec{const_cast<std::uint8_t*>(first.data()), first.size()},
      iovec{const_cast<std::uint8_t*>(second.data()), second.size()},
  };
  const std::size_t wanted = first.size() + second.size();
  Segment& segment = segments_.back();
  const auto at = static_cast<off_t>(segment.end - segment.start);
  const ssize_t written = pwritev(write_fd_, parts.data(), static_cast<int>(parts.size()), at);
  if (written != static_cast<ssize_t>(wanted)) {
    error = written < 0 ? failed("write", path_of(segment.start))
                        : "write " + path_of(segment.start) + ": " + std::strerror(ENOSPC);
    // The next attempt writes over what this one left.
    if (written > 0) static_cast<void>(!ftruncate(write_fd_, at));
    return false;
  }
  segment.end += wanted;
  end_ = segment.end;
  octets_ += wanted;
  return true;
}

Octets SpoolFiles::read(std::uint64_t position, std::size_t octets) {
  const auto segment = segment_at(position);
  if (!segment || segment->start > position) return {};
  if (read_fd_ < 0 || read_start_ != segment->start) {
    if (read_fd_ >= 0) close(read_fd_);
    read_fd_ = ::open(path_of(segment->start).c_str(), O_RDONLY | O_CLOEXEC);
    read_start_ = segment->start;
    if (read_fd_ < 0) return {};
  }
  buffer_.resize(std::min<std::uint64_t>(octets, segment->end - position));
  const ssize_t got = pread(read_fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(position - segment->start));
  return Octets(buffer_).first(got < 0 ? 0 : static_cast<std::size_t>(got));
}

std::optional<SpoolFiles::Segment> SpoolFiles::segment_at(std::uint64_t position) const {
  const auto found = std::ranges::find_if(segments_, [&](const Segment& segment) { return segment.end > position; });
  return found == segments_.end() ? std::nullopt : std::optional(*found);
}

void SpoolFiles::release(std::uint64_t position) {
  *released_ = std::max(*released_, position);
  const std::size_t written_to = write_fd_ >= 0 ? 1 : 0;
  while (segments_.size() > written_to && segments_.front().end <= *released_) {
    const Segment& oldest = segments_.front();
    static_cast<void>(unlink(path_of(oldest.start).c_str()));  // what stays is passed over at the next start
    octets_ -= oldest.end - oldest.start;
    segments_.pop_front();
  }
}

}  // namespace ipfix
