#include "ovs-plugin/record/encoded_names.h"

#include <gtest/gtest.h>

#include "ovs-plugin/record/name_pool.h"

namespace ofe::record {
namespace {

std::string text(std::span<const std::uint8_t> octets) {
  return {octets.begin(), octets.end()};
}

TEST(EncodedNames, AreStringsOfVariableLengthInTheTemplatesOrder) {
  const EncodedNames names(Names{"web-1", "shop", "node-a", "db-1", "store", "", "store/db:pg"});
  EXPECT_EQ(text(names.endpoints()), std::string("\5web-1\4shop\6node-a\4db-1\5store\0", 30));
  EXPECT_EQ(text(names.service_port_name()), "\13store/db:pg");  // octal: 11
  EXPECT_EQ(text(names.all()), text(names.endpoints()) + text(names.service_port_name()));
}

TEST(EncodedNames, ThoseOfNobodyAreSevenEmptyStrings) {
  EXPECT_EQ(text(EncodedNames().all()), std::string(7, '\0'));
}

TEST(EncodedNames, AServiceOf255OctetsHasTheLongPrefix) {
  const EncodedNames names(Names{"", "", "", "", "", "", std::string(255, 's')});
  EXPECT_EQ(text(names.service_port_name()), std::string("\xff\0\xff", 3) + std::string(255, 's'));
}

// An OVSDB external_id can be of any length.
TEST(EncodedNames, ANameNoStringCanHoldIsLongerThanAnyRecord) {
  EXPECT_GT(EncodedNames(Names{std::string(70'000, 'x'), "", "", "", "", "", ""}).all().size(), 65'535u);
}

TEST(EncodedNames, ThePoolKeepsThemWithTheirNames) {
  NamePool pool;
  const Names web{"web-1", "shop", "node-a", "", "", "", ""};
  const auto handle = pool.acquire(web);
  EXPECT_EQ(text(pool.encoded(handle).all()), text(EncodedNames(web).all()));
  pool.release(handle);
  const auto again = pool.acquire(Names{"db-1", "", "", "", "", "", ""});
  EXPECT_EQ(again, handle) << "the place is used again";
  EXPECT_EQ(text(pool.encoded(again).endpoints()).substr(0, 5), "\4db-1");
  EXPECT_EQ(text(pool.encoded(0).all()), std::string(7, '\0'));
}

}  // namespace
}  // namespace ofe::record
