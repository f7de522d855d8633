#include "ovs-plugin/exporter/resumed_records.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

const ipfix::Template octets{256, 0, {{0, 1, 8}}};
const ipfix::Template packets{257, 0, {{0, 2, 8}}};

std::vector<std::uint8_t> record(std::uint8_t number) {
  return std::vector<std::uint8_t>(8, number);
}

TEST(ResumedRecords, OnlyThoseOfOurOwnTemplatesAreKept) {
  ResumedRecords records({octets, packets});
  records.add("", 256, record(1));
  EXPECT_EQ(records.of_other_templates(), 1u) << "its template is not known";
  records.add_template(octets);
  records.add_template({257, 0, {{0, 2, 4}}});
  records.add("", 256, record(2));
  records.add("", 257, record(3));
  records.add("", 256, {});
  EXPECT_EQ(records.of_other_templates(), 3u);
  EXPECT_EQ(records.size(), 1u);
}

TEST(ResumedRecords, ThoseOfATemplateThatChangesMeanwhileAreDroppedAndCounted) {
  ResumedRecords records({octets, packets});
  records.add_template(octets);
  records.add_template(packets);
  records.add("", 256, record(1));
  records.add("", 257, record(2));
  records.set_ours({octets, {257, 0, {{0, 2, 4}}}});
  std::vector<std::uint8_t> left;
  records.for_each([&](std::string_view, std::uint16_t, std::span<const std::uint8_t> of) { left.push_back(of[0]); });
  EXPECT_EQ(left, std::vector<std::uint8_t>{1});
  EXPECT_EQ(records.of_other_templates(), 1u);
  records.add("", 257, record(3));
  EXPECT_EQ(records.of_other_templates(), 2u);
}

TEST(ResumedRecords, GoOnInOrderAsFarAsTheyAreTaken) {
  ResumedRecords records({octets});
  records.add_template(octets);
  for (std::uint8_t i = 0; i < 100; ++i) records.add(i % 2 == 0 ? "" : "192.0.2.1:4739:tcp", 256, record(i));
  std::vector<std::uint8_t> all;
  std::size_t room = 70;
  const auto take = [&](std::string_view collector, std::uint16_t id, std::span<const std::uint8_t> of) {
    if (room == 0) return false;
    --room;
    EXPECT_EQ(id, 256);
    EXPECT_EQ(collector.empty(), of[0] % 2 == 0);
    all.push_back(of[0]);
    return true;
  };
  records.hand_over(10, take);
  EXPECT_EQ(records.size(), 90u);
  records.hand_over(1'000, take);
  EXPECT_EQ(records.size(), 30u) << "nobody took more";
  records.for_each([&](std::string_view, std::uint16_t, std::span<const std::uint8_t> of) { all.push_back(of[0]); });
  ASSERT_EQ(all.size(), 100u);
  for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(all[i], i);
}

}  // namespace
}  // namespace ofe
