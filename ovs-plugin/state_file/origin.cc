#include "ovs-plugin/state_file/origin.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace ofe::state_file {

std::optional<Origin> origin_here(std::int64_t now_wall_ms, std::string& problem, const std::string& proc_root) {
  Origin origin;
  const std::string boot_id = proc_root + "/sys/kernel/random/boot_id", ns = proc_root + "/self/ns/net";
  if (!(std::ifstream(boot_id) >> origin.boot_id)) {
    problem = "cannot read " + boot_id;
    return std::nullopt;
  }
  struct stat of_namespace {};
  if (::stat(ns.c_str(), &of_namespace) != 0) {
    problem = "cannot look at " + ns + ": " + std::strerror(errno);
    return std::nullopt;
  }
  origin.network_namespace = of_namespace.st_ino;
  origin.written_wall_ms = now_wall_ms;
  origin.program_version = OFE_VERSION;
  return origin;
}

std::string foreignness(const Origin& there, const Origin& here) {
  if (there.boot_id != here.boot_id) return "was written before the last reboot";
  if (there.network_namespace != here.network_namespace) return "was written in another network namespace";
  return "";
}

}  // namespace ofe::state_file
