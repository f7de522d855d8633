#include "ovs-plugin/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "ovs-plugin/config/agent_settings.h"
#include "ovs-plugin/config/document.h"
#include "ovs-plugin/config/extra_elements.h"

namespace ofe::config {

ParseResult parse(const std::string& yaml, const std::string& file_name, const ElementNames& elements) {
  ParseResult result;
  Findings findings(file_name, result);
  Config config;
  try {
    if (const std::optional<YAML::Node> root = find_agent_configuration(yaml, findings)) {
      read_agent_settings(*root, config, findings);
      check_extra_elements(*root, elements, findings);
    }
  } catch (const YAML::Exception& e) {  // all expected ones were caught where they are expected
    findings.error(std::max(e.mark.line, 0), "cannot be read: " + e.msg);
  }
  findings.finish();
  if (result.errors.empty()) result.settings = std::move(config);
  return result;
}

namespace {

std::string read_whole(int fd, std::string& text) {
  char piece[16384];
  for (;;) {
    const ssize_t n = read(fd, piece, sizeof piece);
    if (n == 0) return "";
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return "cannot be read: " + std::generic_category().message(errno);
    text.append(piece, static_cast<std::size_t>(n));
    if (text.size() > kMaxOctets) return "";  // parse() says so
  }
}

}  // namespace

ParseResult load(const std::string& path, const ElementNames& elements) {
  std::string text, error;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // not to wait for the writer of a pipe
  if (fd < 0) {
    error = "cannot be opened: " + std::generic_category().message(errno);
  } else {
    struct stat status {};
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
      error = "is not a file";
    } else {
      error = read_whole(fd, text);
    }
    close(fd);
  }
  if (error.empty()) return parse(text, path, elements);
  ParseResult result;
  result.errors.push_back(path + ": " + error);
  return result;
}

}  // namespace ofe::config
