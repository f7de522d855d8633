// A real ovsdb-server and ovs-vswitchd with the userspace datapath, in a scratch run directory and a network namespace
// of their own. Started once per process, on first use; both end with the test program.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "ovs-plugin/ovs/ovs.h"
#include "tests/ovs-plugin/ovs/process.h"

namespace ofe_test {

class Testbed {
 public:
  static Testbed& get();  // throws std::runtime_error naming what did not start

  std::string database() const { return "unix:" + folder_.file("db.sock"); }
  std::string folder() const { return folder_.path(); }
  std::string control_socket() const { return folder_.file("ovs-vswitchd.ctl"); }
  std::vector<std::string> environment() const;
  // ovs-vsctl with these arguments; its output. Throws when it fails.
  std::string vsctl(std::vector<std::string> arguments) const;

  pid_t vswitchd() const { return vswitchd_; }
  void start_vswitchd();
  void stop_vswitchd(int signal_number);
  void start_ovsdb_server();
  void stop_ovsdb_server();

 private:
  Testbed();
  ~Testbed();

  ScratchFolder folder_;
  pid_t ovsdb_server_ = -1;
  pid_t vswitchd_ = -1;
};

// Runs the database handle's loop until `done`; false after 20 s.
bool run_until(ofe_ovs_db* db, const std::function<bool()>& done);

}  // namespace ofe_test
