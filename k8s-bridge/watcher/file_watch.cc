#include "k8s-bridge/watcher/file_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace ofe::watcher {

namespace fs = std::filesystem;

namespace {

constexpr unsigned watched =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr unsigned folder_gone = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;

bool is_symlink(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

}  // namespace

FileWatch::FileWatch(std::string path) : path_(std::move(path)) {
  const fs::path file(path_);
  folder_ = file.has_parent_path() ? file.parent_path().string() : ".";
  name_ = file.filename().string();
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0) {
    error_ = fmt::format("cannot follow {}: {}", path_, std::strerror(errno));
    return;
  }
  arm();
}

FileWatch::~FileWatch() {
  if (fd_ >= 0) close(fd_);
}

bool FileWatch::arm() {
  if (fd_ < 0) return false;
  const int old_target = target_watch_;
  folder_watch_ = inotify_add_watch(fd_, folder_.c_str(), watched);
  if (folder_watch_ < 0) {
    error_ = fmt::format("cannot follow the folder {}: {}", folder_, std::strerror(errno));
    return false;
  }
  error_.clear();
  std::error_code code;
  const fs::path target = fs::canonical(path_, code);
  target_watch_ = -1;
  target_name_.clear();
  if (!code) {
    target_name_ = target.filename().string();
    target_watch_ = inotify_add_watch(fd_, target.parent_path().c_str(), watched);  // the same one for the same folder
  }
  if (old_target >= 0 && old_target != folder_watch_ && old_target != target_watch_) inotify_rm_watch(fd_, old_target);
  return true;
}

bool FileWatch::concerns(int watch, unsigned mask, const char* name) const {
  if ((mask & IN_Q_OVERFLOW) != 0) return true;
  if (watch != folder_watch_ && watch != target_watch_) return false;
  if ((mask & folder_gone) != 0) return true;
  const bool ours = (watch == folder_watch_ && name_ == name) || (watch == target_watch_ && target_name_ == name);
  // A file just made is still empty; IN_CLOSE_WRITE follows. A symlink is complete at once, whatever its name: any
  // may be part of the way to the file.
  if ((mask & IN_CREATE) != 0) return watch == folder_watch_ && is_symlink(folder_ + "/" + name);
  if ((mask & IN_MOVED_TO) != 0) return ours || (watch == folder_watch_ && is_symlink(folder_ + "/" + name));
  return ours;
}

bool FileWatch::changed() {
  if (fd_ < 0) return false;
  bool changed = false;
  alignas(inotify_event) char buffer[4096 + NAME_MAX + 1];
  while (true) {
    const ssize_t got = read(fd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return changed;
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const char* name = event.len > 0 ? at + sizeof event : "";
      changed = concerns(event.wd, event.mask, name) || changed;
      if (event.wd == folder_watch_ && (event.mask & folder_gone) != 0) folder_watch_ = -1;
      if (event.wd == target_watch_ && (event.mask & folder_gone) != 0) target_watch_ = -1;
      at += sizeof event + event.len;
    }
  }
}

}  // namespace ofe::watcher
