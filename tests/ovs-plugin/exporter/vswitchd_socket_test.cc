#include "ovs-plugin/exporter/vswitchd_socket.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace ofe {
namespace {

namespace fs = std::filesystem;

class VswitchdSocketTest : public testing::Test {
 protected:
  VswitchdSocketTest() {
    std::string pattern = (fs::temp_directory_path() / "ofe-socket-test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~VswitchdSocketTest() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text, int seconds_ago = 0) {
    std::ofstream(folder_ / name) << text;
    fs::last_write_time(folder_ / name, fs::file_time_type::clock::now() - std::chrono::seconds(seconds_ago));
  }
  std::string found() const { return fs::path(find_vswitchd_socket(folder_.string())).filename(); }
  fs::path folder_;
};

TEST_F(VswitchdSocketTest, ByThePidfile) {
  write("ovs-vswitchd.pid", "42\n");
  write("ovs-vswitchd.42.ctl", "", 100);
  write("ovs-vswitchd.43.ctl", "");
  EXPECT_EQ(found(), "ovs-vswitchd.42.ctl");
}

TEST_F(VswitchdSocketTest, WithoutAPidfileTheYoungest) {
  write("ovs-vswitchd.42.ctl", "", 100);
  write("ovs-vswitchd.43.ctl", "", 10);
  write("ovsdb-server.44.ctl", "");
  EXPECT_EQ(found(), "ovs-vswitchd.43.ctl");
}

TEST_F(VswitchdSocketTest, APidfileWhoseSocketIsGoneDoesNotDecide) {
  write("ovs-vswitchd.pid", "41\n");
  write("ovs-vswitchd.43.ctl", "");
  EXPECT_EQ(found(), "ovs-vswitchd.43.ctl");
}

TEST_F(VswitchdSocketTest, NoneAtAll) {
  EXPECT_EQ(found(), "");
}

TEST_F(VswitchdSocketTest, NoRunDirectory) {
  EXPECT_EQ(find_vswitchd_socket("/nonexistent/rundir"), "");
}

}  // namespace
}  // namespace ofe
