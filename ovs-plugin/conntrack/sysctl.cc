#include "ovs-plugin/conntrack/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace ofe::conntrack {
namespace {

std::string failed(const char* what, const std::string& path) {
  return std::string(what) + " " + path + ": " + std::strerror(errno);
}

// The first character of the file; "" or what was attempted and why it failed.
std::string read_value(const std::string& path, char& value) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open", path);
  const ssize_t got = read(fd, &value, 1);
  const std::string problem = got < 0 ? failed("cannot read", path) : "";
  close(fd);
  if (got == 0) value = '\0';
  return problem;
}

std::string write_value(const std::string& path, char value) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open for writing", path);
  const char line[] = {value, '\n'};
  const std::string what = std::string("cannot write ") + value + " to";
  const std::string problem = write(fd, line, sizeof line) == sizeof line ? "" : failed(what.c_str(), path);
  close(fd);
  return problem;
}

// before: the value it had, where it was changed.
std::string set(const std::string& path, char wanted, char* before = nullptr) {
  char value = '\0';
  if (std::string problem = read_value(path, value); !problem.empty()) return problem;
  if (value == wanted) return "";
  std::string problem = write_value(path, wanted);
  if (problem.empty() && before != nullptr) *before = value;
  return problem;
}

std::string setting(const std::string& proc_root, const char* name) {
  return proc_root + "/sys/net/netfilter/" + name;
}

}  // namespace

AccountingSysctls enable_accounting(const std::string& proc_root) {
  AccountingSysctls result;
  const std::string accounting = set(setting(proc_root, "nf_conntrack_acct"), '1');
  const std::string timestamps = set(setting(proc_root, "nf_conntrack_timestamp"), '1');
  result.accounting = accounting.empty();
  result.timestamps = timestamps.empty();
  if (!result.accounting) {
    result.problem = accounting + "; connections tracked by the kernel carry no packet and octet counts";
  }
  if (!result.timestamps) {
    if (!result.problem.empty()) result.problem += ". ";
    result.problem += timestamps + "; their start is taken to be the moment they are first seen";
  }
  return result;
}

TableSize table_size(const std::string& proc_root) {
  TableSize size;
  std::ifstream(setting(proc_root, "nf_conntrack_count")) >> size.entries;
  std::ifstream(setting(proc_root, "nf_conntrack_buckets")) >> size.buckets;
  return size;
}

EventsSysctl::EventsSysctl(const std::string& proc_root)
    : path_(setting(proc_root, "nf_conntrack_events")), problem_(set(path_, '1', &before_)) {
  if (!problem_.empty()) problem_ += "; connections older than this process may end without an event";
}

EventsSysctl::~EventsSysctl() {
  if (changed()) write_value(path_, before_);
}

}  // namespace ofe::conntrack
