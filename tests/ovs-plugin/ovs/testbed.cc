#include "tests/ovs-plugin/ovs/testbed.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace ofe_test {
namespace {

// A socket that exists may have been bound and not yet listen: then it refuses.
bool accepts_connections(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool accepted = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return accepted;
}

}  // namespace

Testbed& Testbed::get() {
  static Testbed testbed;
  return testbed;
}

Testbed::Testbed() {
  if (geteuid() != 0) throw std::runtime_error("these tests need root: they start ovs-vswitchd in a network namespace");
  const Finished created =
      run({"ovsdb-tool", "create", folder_.file("conf.db"), "/usr/share/openvswitch/vswitch.ovsschema"}, environment());
  if (created.status != 0) throw std::runtime_error("ovsdb-tool create: " + created.output);
  start_ovsdb_server();
  vsctl({"--no-wait", "init"});
  start_vswitchd();
  vsctl({"set", "Open_vSwitch", ".", "ovs_version=3.1.0-test"});
}

Testbed::~Testbed() {
  if (vswitchd_ > 0) stop_vswitchd(SIGKILL);
  if (ovsdb_server_ > 0) stop_ovsdb_server();
}

std::vector<std::string> Testbed::environment() const {
  const std::string folder = folder_.path();
  return {"OVS_RUNDIR=" + folder, "OVS_LOGDIR=" + folder, "OVS_DBDIR=" + folder, "OVS_SYSCONFDIR=" + folder};
}

std::string Testbed::vsctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"ovs-vsctl", "--timeout=15", "--db=" + database()});
  const Finished finished = run(arguments, environment());
  if (finished.status != 0) throw std::runtime_error(arguments[3] + ": " + finished.output);
  return finished.output;
}

void Testbed::start_ovsdb_server() {
  ovsdb_server_ = spawn({"ovsdb-server", folder_.file("conf.db"), "--remote=punix:" + folder_.file("db.sock"),
                         "--unixctl=" + folder_.file("ovsdb-server.ctl")},
                        {environment(), folder_.file("ovsdb-server.log"), true});
  if (!wait_until([&] { return accepts_connections(folder_.file("db.sock")); })) {
    throw std::runtime_error("ovsdb-server: " + read_file(folder_.file("ovsdb-server.log")));
  }
}

void Testbed::stop_ovsdb_server() {
  kill(ovsdb_server_, SIGTERM);
  wait_for(ovsdb_server_);
  ovsdb_server_ = -1;
}

void Testbed::start_vswitchd() {
  // --disable-system: never look for a kernel datapath.
  vswitchd_ = spawn({"ovs-vswitchd", database(), "--unixctl=" + control_socket(), "--disable-system"},
                    {environment(), folder_.file("ovs-vswitchd.log"), true});
  if (!wait_until([&] { return accepts_connections(control_socket()); })) {
    throw std::runtime_error("ovs-vswitchd: " + read_file(folder_.file("ovs-vswitchd.log")));
  }
}

void Testbed::stop_vswitchd(int signal_number) {
  kill(vswitchd_, signal_number);
  wait_for(vswitchd_);
  vswitchd_ = -1;
  std::filesystem::remove(control_socket());
}

bool run_until(ofe_ovs_db* db, const std::function<bool()>& done) {
  const std::int64_t deadline = ofe_ovs_monotonic_ms() + 20'000;
  for (;;) {
    ofe_ovs_db_run(db);
    if (done()) return true;
    if (ofe_ovs_monotonic_ms() >= deadline) return false;
    ofe_ovs_db_wait(db);
    ofe_ovs_poll_timer_wait_until(deadline);
    ofe_ovs_poll_block();
  }
}

}  // namespace ofe_test
