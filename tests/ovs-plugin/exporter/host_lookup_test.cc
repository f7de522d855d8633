#include "ovs-plugin/exporter/host_lookup.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace ofe {
namespace {

std::optional<ipfix::SocketAddress> waited_for(HostLookup& lookup, const char* host, std::string& error) {
  EXPECT_FALSE(lookup.resolve(host, 4739, false, error));
  EXPECT_EQ(error, std::string("looking up ") + host);
  pollfd ready{lookup.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 60'000), 1);
  lookup.take_notice();
  EXPECT_EQ(::poll(&ready, 1, 0), 0) << "the loop would spin until the address is asked for again";
  return lookup.resolve(host, 4739, false, error);
}

TEST(HostLookup, ANameOfTheHostsFile) {
  HostLookup lookup;
  std::string error;
  const auto address = waited_for(lookup, "localhost", error);
  ASSERT_TRUE(address) << error;
  EXPECT_EQ(ipfix::to_string(*address).substr(ipfix::to_string(*address).rfind(':')), ":4739");
}

TEST(HostLookup, AFailureSaysWhatWasLookedUp) {
  HostLookup lookup;
  std::string error;
  EXPECT_FALSE(waited_for(lookup, "no such host", error));  // a space: never sent to a server
  EXPECT_EQ(error.substr(0, 21), "resolve no such host:");
}

TEST(HostLookup, EndsWhileALookupIsUnderWay) {
  std::string error;
  {
    HostLookup lookup;
    EXPECT_FALSE(lookup.resolve("localhost", 1, true, error));
  }
  HostLookup lookup;
  EXPECT_EQ(lookup.fd(), -1);
}

}  // namespace
}  // namespace ofe
