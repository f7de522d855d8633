#include "ipfix/dump/input_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace ipfix::dump {
namespace {

class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : path_(path), fd_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail("open");
  }
  ~InputFile() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // What is there now, at most the buffer; 0 at the end or after a failure.
  std::size_t read(std::vector<std::uint8_t>& buffer, std::size_t offset = 0) {
    ssize_t result = -1;
    if (failed_) return 0;
    do {
      result = ::read(fd_, buffer.data() + offset, buffer.size() - offset);
    } while (result < 0 && errno == EINTR);
    if (result < 0) fail("read");
    return result < 0 ? 0 : static_cast<std::size_t>(result);
  }
  bool failed() const { return failed_; }

 private:
  void fail(const char* attempted) {
    failed_ = true;
    FindingLog::say(std::string("cannot ") + attempted + " " + path_ + ": " + std::strerror(errno));
  }

  const std::string path_;
  int fd_;
  bool failed_ = false;
};

bool read_stream(const std::string& path, CollectingProcess& process, FindingLog& log, RecordOutput& output) {
  InputFile file(path);
  const std::string name = path == "-" ? "standard input" : path;
  const auto session = process.open(SessionKind::file, name);
  std::vector<std::uint8_t> buffer(65536);
  while (session.has_value()) {
    const std::size_t octets = file.read(buffer);
    if (octets == 0) break;
    const bool more = process.receive(*session, Octets(buffer).first(octets), 0);
    output.flush();
    if (!more) {
      log.say(name + ": cannot be read on, nothing tells where the next message begins");
      break;
    }
  }
  if (session.has_value()) process.close(*session);
  return !file.failed();
}

}  // namespace

bool read_streams(const std::vector<std::string>& paths, CollectingProcess& process, FindingLog& log,
                  RecordOutput& output) {
  bool all_read = true;
  for (const std::string& path : paths) {
    if (!read_stream(path, process, log, output)) all_read = false;
  }
  return all_read;
}

bool read_datagrams(const std::vector<std::string>& paths, CollectingProcess& process, FindingLog& log,
                    RecordOutput& output) {
  bool all_read = true;
  // One octet more than the largest message shows that a file is no datagram.
  std::vector<std::uint8_t> buffer(longest_message_octets + 1);
  for (const std::string& path : paths) {
    InputFile file(path);
    std::size_t size = 0;
    for (std::size_t octets = 1; octets > 0 && size < buffer.size(); size += octets) octets = file.read(buffer, size);
    if (file.failed()) {
      all_read = false;
      continue;
    }
    log.set_source(path);
    process.receive_datagram("datagrams", Octets(buffer).first(size), 0);
    output.flush();
  }
  log.set_source("datagrams");
  process.close_all();
  return all_read;
}

}  // namespace ipfix::dump
