#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <utility>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// What the file is now: which one, when written, how long. 0: not there.
std::uint64_t fingerprint_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) < 0) return 0;
  const std::uint64_t parts[] = {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                                 static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
                                 static_cast<std::uint64_t>(status.st_size)};
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a, 64 bits
  for (const std::uint64_t part : parts) hash = (hash ^ part) * 1099511628211u;
  return hash | 1;
}

}  // namespace

FileWatch::FileWatch(std::string path) : path_(std::move(path)), fingerprint_(fingerprint_of(path_)) {
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0) return;
  folder_watch_ = inotify_add_watch(fd_, folder_of(path_).c_str(), kEvents);
  if (folder_watch_ < 0) {
    close(fd_);
    fd_ = -1;
    return;
  }
  watch_target();
}

FileWatch::~FileWatch() {
  if (fd_ >= 0) close(fd_);
}

// Where the path is a symlink, its target may be written in place.
void FileWatch::watch_target() {
  std::error_code error;
  const fs::path target = fs::canonical(path_, error);
  if (error) return;
  const int watch = inotify_add_watch(fd_, target.parent_path().c_str(), kEvents);
  if (watch < 0) return;
  if (target_watch_ >= 0 && target_watch_ != watch && target_watch_ != folder_watch_) {
    inotify_rm_watch(fd_, target_watch_);
  }
  target_watch_ = watch;
  target_name_ = target.filename();
}

bool FileWatch::is_change(int watch, std::uint32_t mask, std::string_view name) const {
  if ((mask & IN_Q_OVERFLOW) != 0) return true;
  const fs::path path(path_);
  const bool ours = (watch == folder_watch_ && (name == path.filename() || name == "..data")) ||
                    (watch == target_watch_ && name == target_name_);
  if (!ours) return false;
  if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) return true;
  std::error_code ignored;
  // A new file is empty until it is closed, a new link is not; editors take a file away only to put the next one there.
  if ((mask & IN_CREATE) != 0) return fs::is_symlink(folder_of(path) / name, ignored);
  return (mask & (IN_DELETE | IN_MOVED_FROM)) != 0 && !fs::exists(path, ignored);
}

bool FileWatch::drain() {
  alignas(inotify_event) char buffer[16 * (sizeof(inotify_event) + NAME_MAX + 1)];
  bool change = false;
  for (;;) {
    const ssize_t n = read(fd_, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return change;
    for (ssize_t at = 0; at < n;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      at += static_cast<ssize_t>(sizeof event + event.len);
      change |= is_change(event.wd, event.mask, event.len > 0 ? name : "");
      if (event.wd == folder_watch_ && (event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        close(fd_);  // the path leads elsewhere from now on: compare what it leads to
        fd_ = -1;
        return true;
      }
    }
  }
}

bool FileWatch::changed() {
  if (fd_ >= 0) {
    if (!drain()) return false;
    fingerprint_ = fingerprint_of(path_);
    if (fd_ >= 0) watch_target();
    return true;
  }
  const std::uint64_t now = fingerprint_of(path_);
  return std::exchange(fingerprint_, now) != now;
}

}  // namespace ofe::config
