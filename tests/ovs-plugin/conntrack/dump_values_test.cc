#include "ovs-plugin/conntrack/dump_values.h"

#include <gtest/gtest.h>

namespace ofe::conntrack {
namespace {

using flowstore::TcpState;

TEST(DumpValues, Protocols) {
  EXPECT_EQ(protocol_from_text("tcp"), 6);
  EXPECT_EQ(protocol_from_text("udp"), 17);
  EXPECT_EQ(protocol_from_text("icmp"), 1);
  EXPECT_EQ(protocol_from_text("icmpv6"), 58);
  EXPECT_EQ(protocol_from_text("sctp"), 132);
  EXPECT_EQ(protocol_from_text("igmp"), 2);
  EXPECT_EQ(protocol_from_text("dccp"), 33);
  EXPECT_EQ(protocol_from_text("udplite"), 136);
  EXPECT_EQ(protocol_from_text("47"), 47);
  EXPECT_EQ(protocol_from_text("256"), std::nullopt);
  EXPECT_EQ(protocol_from_text("TCP"), std::nullopt);
  EXPECT_EQ(protocol_from_text(""), std::nullopt);
}

TEST(DumpValues, StatusIsTheBitsOfItsNames) {
  EXPECT_EQ(status_from_text("0"), 0u);
  EXPECT_EQ(status_from_text("SEEN_REPLY|ASSURED|CONFIRMED|DST_NAT|DST_NAT_DONE"), 302u);
  EXPECT_EQ(status_from_text("CONFIRMED"), 8u);
  EXPECT_EQ(status_from_text("CONFIRMED|0x8000"), 0x8008u);
  EXPECT_EQ(status_from_text("CONFIRMED|OF_A_LATER_KERNEL"), 8u);
  EXPECT_EQ(status_from_text("0xzz"), std::nullopt);
  EXPECT_EQ(status_from_text(""), std::nullopt);
}

TEST(DumpValues, LabelsAreRightAligned) {
  using Labels = std::array<std::uint8_t, 16>;
  EXPECT_EQ(labels_from_text("0x55"), (Labels{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x55}));
  EXPECT_EQ(labels_from_text("0x900000007"), (Labels{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7}));
  EXPECT_EQ(labels_from_text("0x0123456789abcdef0123456789abcdef"),
            (Labels{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}));
  EXPECT_EQ(labels_from_text("0"), Labels{});
  EXPECT_EQ(labels_from_text("0x00123456789abcdef0123456789abcdef"), std::nullopt);
  EXPECT_EQ(labels_from_text("0x5g"), std::nullopt);
  EXPECT_EQ(labels_from_text("0x"), std::nullopt);
}

TEST(DumpValues, Times) {
  EXPECT_EQ(wall_ms_from_text("1970-01-01T00:00:00.000"), 0);
  EXPECT_EQ(wall_ms_from_text("2020-07-24T05:07:03.998"), 1595567223998);  // date -u -d … +%s
  EXPECT_EQ(wall_ms_from_text("2024-02-29T23:59:59.999"), 1709251199999);
  EXPECT_EQ(wall_ms_from_text("2023-02-29T23:59:59.999"), std::nullopt);
  EXPECT_EQ(wall_ms_from_text("2023-13-01T00:00:00.000"), std::nullopt);
  EXPECT_EQ(wall_ms_from_text("2023-01-01T24:00:00.000"), std::nullopt);
  EXPECT_EQ(wall_ms_from_text("2023-01-01 00:00:00.000"), std::nullopt);
  EXPECT_EQ(wall_ms_from_text("2023-01-01T00:00:00"), std::nullopt);
  EXPECT_EQ(wall_ms_from_text("2023-01-01T00:00:00.00x"), std::nullopt);
}

TEST(DumpValues, OneStateForBothEndsOfATcpConnection) {
  const struct {
    const char* one;
    const char* other;
    TcpState state;
  } cases[] = {
      // The userspace tracker, in the order of a connection's life; original end first.
      {"SYN_SENT", "CLOSED", TcpState::syn_sent},
      {"ESTABLISHED", "SYN_SENT", TcpState::syn_received},
      {"ESTABLISHED", "ESTABLISHED", TcpState::established},
      {"CLOSING", "ESTABLISHED", TcpState::fin_wait},
      {"FIN_WAIT_2", "ESTABLISHED", TcpState::close_wait},
      {"FIN_WAIT_2", "CLOSING", TcpState::last_ack},
      {"CLOSING", "CLOSING", TcpState::closing},
      {"FIN_WAIT_2", "FIN_WAIT_2", TcpState::time_wait},
      {"TIME_WAIT", "TIME_WAIT", TcpState::time_wait},
      {"CLOSING", "SYN_SENT", TcpState::fin_wait},
      {"CLOSED", "CLOSED", TcpState::closed},
      // The kernel's one state, twice.
      {"SYN_SENT", "SYN_SENT", TcpState::syn_sent},
      {"SYN_RECV", "SYN_RECV", TcpState::syn_received},
      {"FIN_WAIT_1", "FIN_WAIT_1", TcpState::fin_wait},
      {"CLOSE_WAIT", "CLOSE_WAIT", TcpState::close_wait},
      {"LAST_ACK", "LAST_ACK", TcpState::last_ack},
      // OVS prints a state it has no name for as its number.
      {"[12]", "ESTABLISHED", TcpState::none},
      {"", "", TcpState::none},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(tcp_state_from_text(c.one, c.other), c.state) << c.one << ' ' << c.other;
    EXPECT_EQ(tcp_state_from_text(c.other, c.one), c.state) << c.other << ' ' << c.one;
  }
}

}  // namespace
}  // namespace ofe::conntrack
