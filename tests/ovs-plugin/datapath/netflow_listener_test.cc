#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "ovs-plugin/datapath/netflow.h"

namespace ofe::datapath {
namespace {

class Sender {
 public:
  explicit Sender(std::uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~Sender() { close(fd_); }
  bool send(const std::string& octets) const {
    return write(fd_, octets.data(), octets.size()) == static_cast<ssize_t>(octets.size());
  }

 private:
  int fd_;
};

TEST(NetflowListener, ReceivesInSlicesWithoutBlocking) {
  NetflowListener listener;
  std::string error;
  ASSERT_TRUE(listener.open(error)) << error;
  EXPECT_GE(listener.fd(), 0);
  EXPECT_NE(listener.port(), 0);
  std::vector<std::string> received;
  const auto keep = [&](std::span<const std::uint8_t> octets) { received.emplace_back(octets.begin(), octets.end()); };
  EXPECT_FALSE(listener.receive(10, keep));

  const Sender sender(listener.port());
  for (const char* text : {"a", "bc", "def"}) ASSERT_TRUE(sender.send(text));
  EXPECT_TRUE(listener.receive(2, keep));
  EXPECT_EQ(received, (std::vector<std::string>{"a", "bc"}));
  EXPECT_FALSE(listener.receive(2, keep));
  EXPECT_EQ(received.size(), 3u);
  EXPECT_EQ(received[2], "def");
}

TEST(NetflowListener, LongDatagramsAreCutAndEmptyOnesDelivered) {
  NetflowListener listener;
  std::string error;
  ASSERT_TRUE(listener.open(error)) << error;
  const Sender sender(listener.port());
  ASSERT_TRUE(sender.send(std::string(5000, 'x')));
  ASSERT_TRUE(sender.send(""));
  std::vector<std::size_t> sizes;
  EXPECT_FALSE(listener.receive(5, [&](std::span<const std::uint8_t> octets) { sizes.push_back(octets.size()); }));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2048, 0}));
}

TEST(NetflowListener, OpensOnceAndOnLoopback) {
  NetflowListener listener;
  std::string error;
  ASSERT_TRUE(listener.open(error)) << error;
  const std::uint16_t port = listener.port();
  ASSERT_TRUE(listener.open(error)) << error;
  EXPECT_EQ(listener.port(), port);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  NetflowListener other;
  ASSERT_TRUE(other.open(error)) << error;
  EXPECT_NE(other.port(), port);
}

}  // namespace
}  // namespace ofe::datapath
