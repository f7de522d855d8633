#include "ovs-plugin/exporter/vswitchd_socket.h"

#include <filesystem>
#include <fstream>

namespace ofe {

std::string find_vswitchd_socket(const std::string& rundir) {
  namespace fs = std::filesystem;
  std::error_code error;
  long pid = 0;
  if (std::ifstream(rundir + "/ovs-vswitchd.pid") >> pid) {
    const std::string path = rundir + "/ovs-vswitchd." + std::to_string(pid) + ".ctl";
    if (fs::exists(path, error)) return path;
  }
  std::string youngest;
  fs::file_time_type youngest_time;
  for (const fs::directory_entry& entry : fs::directory_iterator(rundir, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("ovs-vswitchd.") || !name.ends_with(".ctl")) continue;
    const auto time = entry.last_write_time(error);
    if (error) continue;  // it went away
    if (youngest.empty() || time > youngest_time) {
      youngest = entry.path();
      youngest_time = time;
    }
  }
  return youngest;
}

}  // namespace ofe
