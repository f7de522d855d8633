#include <gtest/gtest.h>

#include "ipfix/exporting_process.h"

namespace ipfix {
namespace {

TEST(TransportAddress, ReadsAndWritesNumericAddresses) {
  EXPECT_EQ(to_string(numeric_address("192.0.2.1", 4739).value()), "192.0.2.1:4739");
  EXPECT_EQ(to_string(numeric_address("2001:db8::1", 4739).value()), "[2001:db8::1]:4739");
  EXPECT_EQ(to_string(numeric_address("::", 65535).value()), "[::]:65535");
  EXPECT_EQ(to_string(numeric_address("fe80::1%lo", 1).value()), "[fe80::1%lo]:1");
}

TEST(TransportAddress, KnowsWhatIsNoNumericAddress) {
  for (const char* host : {"", "collector", "192.0.2", "192.0.2.256", "127.1", "0x7f000001", "[::1]", "::1%",
                           "2001:db8::g", "fe80::1%no-such-interface"}) {
    EXPECT_FALSE(numeric_address(host, 4739).has_value()) << host;
  }
}

TEST(TransportAddress, WritesNothingForNoAddress) {
  EXPECT_EQ(to_string(SocketAddress{}), "");
}

}  // namespace
}  // namespace ipfix
