// enable_accounting: the two sysctls of Documentation/networking/nf_conntrack-sysctl.rst.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ovs-plugin/conntrack/kernel_source.h"

namespace ofe::conntrack {
namespace {

// What was attempted on which file, and why it failed; "" when the setting is on.
std::string turn_on(const std::string& path, bool& on) {
  const auto failed = [&path](const char* what) {
    return std::string(what) + " " + path + ": " + std::strerror(errno);
  };
  char value = '0';
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open");
  const ssize_t got = read(fd, &value, 1);
  const std::string read_problem = got < 0 ? failed("cannot read") : "";
  close(fd);
  if (got < 0) return read_problem;
  on = got == 1 && value == '1';
  if (on) return "";

  fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open for writing");
  on = write(fd, "1\n", 2) == 2;
  const std::string problem = on ? "" : failed("cannot write 1 to");
  close(fd);
  return problem;
}

}  // namespace

AccountingSysctls enable_accounting(const std::string& proc_root) {
  AccountingSysctls result;
  const std::string folder = proc_root + "/sys/net/netfilter/";
  if (const std::string why = turn_on(folder + "nf_conntrack_acct", result.accounting); !why.empty()) {
    result.problem = why + "; connections tracked by the kernel carry no packet and octet counts";
  }
  if (const std::string why = turn_on(folder + "nf_conntrack_timestamp", result.timestamps); !why.empty()) {
    if (!result.problem.empty()) result.problem += ". ";
    result.problem += why + "; their start is taken to be the moment they are first seen";
  }
  return result;
}

}  // namespace ofe::conntrack
