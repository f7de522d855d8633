#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe_test {
namespace {

class UnixctlServer : public ::testing::Test {
 protected:
  void SetUp() override { start_library(); }
  ScratchFolder folder;
  std::string path = folder.file("x.ctl");
};

// Binds and leaves, as a process that was killed does.
void leave_stale_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  close(fd);
}

TEST_F(UnixctlServer, ReplacesAStaleSocketAndRemovesItsOwn) {
  leave_stale_socket(path);
  ofe_ovs_server* server = nullptr;
  ASSERT_EQ(ofe_ovs_server_open(path.c_str(), &server), 0);
  EXPECT_TRUE(std::filesystem::is_socket(path));
  ofe_ovs_server_close(server);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixctlServer, LeavesALiveServerAlone) {
  ofe_ovs_server* first = nullptr;
  ofe_ovs_server* second = nullptr;
  ASSERT_EQ(ofe_ovs_server_open(path.c_str(), &first), 0);
  EXPECT_EQ(ofe_ovs_server_open(path.c_str(), &second), EADDRINUSE);
  EXPECT_EQ(second, nullptr);
  int fd = -1;
  EXPECT_EQ(ofe_ovs_unixctl_connect(path.c_str(), &fd), 0) << "the socket of the first server is gone";
  close(fd);
  ofe_ovs_server_close(first);
}

TEST_F(UnixctlServer, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path) << "precious";
  ofe_ovs_server* server = nullptr;
  EXPECT_EQ(ofe_ovs_server_open(path.c_str(), &server), EEXIST);
  EXPECT_EQ(read_file(path), "precious");
}

TEST_F(UnixctlServer, NamesAMissingFolder) {
  ofe_ovs_server* server = nullptr;
  EXPECT_EQ(ofe_ovs_server_open(folder.file("no/such/x.ctl").c_str(), &server), ENOENT);
}

TEST_F(UnixctlServer, ListensOnAPathLongerThanASocketAddress) {
  const std::string deep = folder.file(std::string(120, 'd'));
  ASSERT_TRUE(std::filesystem::create_directory(deep));
  ofe_ovs_server* server = nullptr;
  ASSERT_EQ(ofe_ovs_server_open((deep + "/x.ctl").c_str(), &server), 0);
  int fd = -1;
  EXPECT_EQ(ofe_ovs_unixctl_connect((deep + "/x.ctl").c_str(), &fd), 0);
  close(fd);
  ofe_ovs_server_close(server);
}

TEST_F(UnixctlServer, NobodyIsReachedWhereNobodyListens) {
  int fd = 0;
  EXPECT_EQ(ofe_ovs_unixctl_connect(path.c_str(), &fd), ENOENT);
  EXPECT_EQ(fd, -1);
  leave_stale_socket(path);
  EXPECT_EQ(ofe_ovs_unixctl_connect(path.c_str(), &fd), ECONNREFUSED);
}

}  // namespace
}  // namespace ofe_test
