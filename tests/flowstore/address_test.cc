#include "flowstore/address.h"

#include <gtest/gtest.h>

namespace flowstore {
namespace {

struct Parsed {
  const char* text;
  const char* printed;
  bool ipv4;
};

TEST(Address, ParsesAndPrintsBothFamilies) {
  const Parsed cases[] = {
      {"0.0.0.0", "0.0.0.0", true},
      {"10.10.0.1", "10.10.0.1", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"::ffff:10.0.0.1", "10.0.0.1", true},
      {"::ffff:a00:1", "10.0.0.1", true},
      {"::", "::", false},
      {"::1", "::1", false},
      {"FD00:10:0:0:0:0:0:1", "fd00:10::1", false},
      {"fd00:1:2:3:4:5:6:7", "fd00:1:2:3:4:5:6:7", false},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
  };
  for (const Parsed& c : cases) {
    const auto address = parse_address(c.text);
    ASSERT_TRUE(address) << c.text;
    EXPECT_EQ(to_string(*address), c.printed);
    EXPECT_EQ(is_ipv4(*address), c.ipv4) << c.text;
    EXPECT_EQ(parse_address(to_string(*address)), address) << c.text;
  }
}

TEST(Address, RefusesWhatIsNoAddress) {
  const std::string_view cases[] = {
      "",
      " ",
      "10.0.0",
      "10.0.0.256",
      "10.0.0.1 ",
      " 10.0.0.1",
      "010.0.0.1.2",
      "10.0.0.1/24",
      "fe80::1%eth0",
      "fd00::1::2",
      "g::1",
      "1:2:3:4:5:6:7:8:9",
      "localhost",
      "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255:0",
      std::string_view("10.0.0.1\0", 9),
      std::string_view("::\0:", 4),
  };
  for (const std::string_view text : cases) EXPECT_FALSE(parse_address(text)) << '"' << text << '"';
}

TEST(Address, Ipv4OctetsStandLastAfterTheMappedPrefix) {
  const std::uint8_t octets[] = {192, 0, 2, 33};
  const Address address = address_from_ipv4(octets);
  EXPECT_EQ(address, (Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 33}));
  EXPECT_TRUE(is_ipv4(address));
  EXPECT_EQ(ipv4_octets(address), (std::array<std::uint8_t, 4>{192, 0, 2, 33}));
}

TEST(Prefix, ParsesAndPrintsWithHostBitsCleared) {
  const struct {
    const char* text;
    const char* printed;
    int length;
  } cases[] = {
      {"10.10.0.0/24", "10.10.0.0/24", 120},
      {"10.10.0.77/24", "10.10.0.0/24", 120},
      {"10.10.255.255/17", "10.10.128.0/17", 113},
      {"0.0.0.0/0", "0.0.0.0/0", 96},
      {"255.1.2.3/0", "0.0.0.0/0", 96},
      {"192.0.2.1", "192.0.2.1/32", 128},
      {"192.0.2.1/32", "192.0.2.1/32", 128},
      {"::ffff:10.1.2.3/104", "10.0.0.0/8", 104},
      {"::ffff:10.1.2.3/80", "::/80", 80},
      {"fd00:10::5/64", "fd00:10::/64", 64},
      {"fd00:10::5", "fd00:10::5/128", 128},
      {"ffff::/3", "e000::/3", 3},
      {"::/0", "::/0", 0},
  };
  for (const auto& c : cases) {
    const auto prefix = parse_prefix(c.text);
    ASSERT_TRUE(prefix) << c.text;
    EXPECT_EQ(to_string(*prefix), c.printed) << c.text;
    EXPECT_EQ(prefix->length, c.length) << c.text;
    EXPECT_EQ(parse_prefix(to_string(*prefix)), prefix) << c.text;
  }
}

TEST(Prefix, RefusesWhatIsNoPrefix) {
  const char* const cases[] = {"",
                               "/",
                               "/8",
                               "10.0.0.0/",
                               "10.0.0.0/33",
                               "10.0.0.0/-1",
                               "10.0.0.0/+8",
                               "10.0.0.0/8 ",
                               "10.0.0.0/ 8",
                               "10.0.0.0/8/8",
                               "fd00::/129",
                               "10.0.0/8",
                               "10.0.0.0/x",
                               "10.0.0.0/4294967304"};
  for (const char* text : cases) EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Prefix, ContainsExactlyItsAddresses) {
  const struct {
    const char* prefix;
    const char* address;
    bool contained;
  } cases[] = {
      {"10.10.0.0/24", "10.10.0.0", true},     {"10.10.0.0/24", "10.10.0.255", true},
      {"10.10.0.0/24", "10.10.1.0", false},    {"10.10.0.0/24", "10.9.255.255", false},
      {"10.10.0.0/23", "10.10.1.255", true},   {"10.10.0.0/23", "10.10.2.0", false},
      {"10.0.0.1", "10.0.0.1", true},          {"10.0.0.1", "10.0.0.2", false},
      {"0.0.0.0/0", "203.0.113.9", true},      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "203.0.113.9", true},           {"::/0", "2001:db8::1", true},
      {"fd00:10::/64", "fd00:10::ffff", true}, {"fd00:10::/64", "fd00:10:0:1::", false},
      {"fd00::/9", "fd7f::1", true},           {"fd00::/9", "fd80::1", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parse_prefix(c.prefix)->contains(*parse_address(c.address)), c.contained) << c.prefix << ' ' << c.address;
  }
}

}  // namespace
}  // namespace flowstore
