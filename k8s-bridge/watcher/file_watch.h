// Notices edits of one file, through inotify on the folder it stands in and on that of the file a symlink leads to: an
// edit in place, a rename over it, and Kubernetes' symlink swap of a mounted ConfigMap.
#pragma once

#include <string>

namespace ofe::watcher {

class FileWatch {
 public:
  // inotify unavailable: fd() is -1 and error() says why; the file is then not followed.
  explicit FileWatch(std::string path);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  int fd() const { return fd_; }
  const std::string& error() const { return error_; }
  // Reads notices without waiting; true: the file may be another one, or be gone.
  bool changed();
  // Watches the folders as they are now; to be called after changed(). False: the file's folder is not there.
  bool arm();
  bool armed() const { return folder_watch_ >= 0; }

 private:
  bool concerns(int watch, unsigned mask, const char* name) const;

  std::string path_, folder_, name_;
  int fd_ = -1;
  int folder_watch_ = -1, target_watch_ = -1;
  std::string target_name_;  // of the file the path leads to
  std::string error_;
};

}  // namespace ofe::watcher
