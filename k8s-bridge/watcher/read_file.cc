#include "k8s-bridge/watcher/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ofe::watcher {

bool read_file(const std::string& path, std::size_t max_octets, std::string& text, std::string& error) {
  text.clear();
  // O_NONBLOCK: a pipe at that path must not hold the program; it is refused below.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    error = fmt::format("cannot open {}: {}", path, std::strerror(errno));
    return false;
  }
  error.clear();
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) error = fmt::format("{} is not a file", path);
  char buffer[65536];
  while (error.empty()) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error = fmt::format("cannot read {}: {}", path, std::strerror(errno));
    } else if (text.size() + static_cast<std::size_t>(got) > max_octets) {
      error = fmt::format("{} is larger than {} octets", path, max_octets);
    } else {
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }
  close(fd);
  return error.empty();
}

}  // namespace ofe::watcher
