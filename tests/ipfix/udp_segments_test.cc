// Datagrams that the kernel takes together arrive one by one, as they were.
#include <gtest/gtest.h>

#include <random>

#include "ipfix/udp_socket.h"
#include "tests/ipfix/loopback_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

struct Sent {
  explicit Sent(const std::vector<std::size_t>& lengths) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      datagrams.emplace_back(lengths[i], static_cast<std::uint8_t>(i));
      offered.emplace_back(datagrams.back());
    }
  }
  std::vector<Bytes> datagrams;
  std::vector<std::span<const std::uint8_t>> offered;
};

class UdpSegments : public testing::TestWithParam<const char*> {
 protected:
  UdpSegments() : receiver_(bound_socket(SOCK_DGRAM, GetParam())) {
    const int octets = 4 << 20;
    setsockopt(receiver_.get(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    if (receiver_.get() >= 0) socket_.open(local_address(receiver_.get()));
  }
  void SetUp() override {
    if (receiver_.get() < 0) GTEST_SKIP() << "no " << GetParam() << " here";
  }
  std::vector<Bytes> received() const {
    std::vector<Bytes> all;
    Bytes buffer(65536);
    ssize_t octets = 0;
    while ((octets = recv(receiver_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0)
      all.emplace_back(buffer.begin(), buffer.begin() + octets);
    return all;
  }
  void expect_to_arrive(const std::vector<std::size_t>& lengths) {
    const Sent sent(lengths);
    const IoResult result = socket_.send_datagrams(sent.offered);
    ASSERT_EQ(result.status, IoStatus::done);
    ASSERT_EQ(result.octets, lengths.size());
    ASSERT_EQ(received(), sent.datagrams);
  }

  Descriptor receiver_;
  UdpSocket socket_{true};
};

TEST_P(UdpSegments, OfOneLength) {
  expect_to_arrive(std::vector<std::size_t>(20, 1400));
  expect_to_arrive(std::vector<std::size_t>(64, 1));
}

TEST_P(UdpSegments, WithAShorterOneBehindThem) {
  expect_to_arrive({1000, 1000, 1000, 999});
  expect_to_arrive({1000, 10, 1000, 1000, 10, 10, 9, 8, 8});
}

TEST_P(UdpSegments, WithALongerOneBehindThem) {
  expect_to_arrive({500, 500, 501, 501, 502});
}

TEST_P(UdpSegments, TogetherLongerThanAPacket) {
  expect_to_arrive(std::vector<std::size_t>(50, 9000));
  expect_to_arrive({30'000, 30'000, 30'000, 65'000, 65'000, 100});
}

TEST_P(UdpSegments, OfAnyLengths) {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::size_t> lengths(1 + random() % 64);
    const unsigned spread = 1 + random() % 4;
    for (std::size_t& length : lengths) length = 1200 + random() % spread;
    expect_to_arrive(lengths);
  }
}

TEST_P(UdpSegments, AreNotForThoseWhoDoNotAskForThem) {
  UdpSocket socket;
  socket.open(local_address(receiver_.get()));
  EXPECT_FALSE(socket.joins_equal_datagrams());
}

// A socket without checksums stands for every way on which the kernel refuses segments; over IPv6 it takes them so.
class RefusedUdpSegments : public UdpSegments {};

TEST_P(RefusedUdpSegments, AreGivenUp) {
  if (!socket_.joins_equal_datagrams()) GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
  const int on = 1;
  ASSERT_EQ(setsockopt(socket_.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  expect_to_arrive(std::vector<std::size_t>(10, 1400));
  EXPECT_FALSE(socket_.joins_equal_datagrams());
  expect_to_arrive(std::vector<std::size_t>(10, 1400));
}

INSTANTIATE_TEST_SUITE_P(IPv4, RefusedUdpSegments, testing::Values("127.0.0.1"));
INSTANTIATE_TEST_SUITE_P(Families, UdpSegments, testing::Values("127.0.0.1", "::1"),
                         [](const auto& family) { return family.index == 0 ? "IPv4" : "IPv6"; });

}  // namespace
}  // namespace ipfix
