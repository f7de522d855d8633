#include "ovs-plugin/exporter/resumed_records.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

const ipfix::Template octets{256, 0, {{0, 1, 8}}};
const ipfix::Template packets{257, 0, {{0, 2, 8}}};

std::vector<std::uint8_t> record(std::uint8_t number) {
  return std::vector<std::uint8_t>(8, number);
}

std::vector<std::uint8_t> first_octets(const std::function<void(const ResumedRecords::Visit&)>& for_each) {
  std::vector<std::uint8_t> numbers;
  for_each([&](std::uint16_t, std::span<const std::uint8_t> of) { numbers.push_back(of[0]); });
  return numbers;
}

TEST(ResumedRecords, OnlyThoseOfOurOwnTemplatesAreKept) {
  ResumedRecords records({octets, packets});
  records.add(256, record(1));
  EXPECT_EQ(records.of_other_templates(), 1u) << "its template is not known";
  records.add_template(octets);
  records.add_template({257, 0, {{0, 2, 4}}});
  records.add(256, record(2));
  records.add(257, record(3));
  records.add(256, {});
  EXPECT_EQ(records.of_other_templates(), 3u);
  EXPECT_EQ(records.size(), 1u);
}

TEST(ResumedRecords, GoToTheExportingProcessInOrderAsFarAsItTakesThem) {
  const ipfix::Now now{0, 1'700'000'000'000};
  ResumedRecords records({octets});
  records.add_template(octets);
  for (std::uint8_t i = 0; i < 100; ++i) records.add(256, record(i));
  ipfix::ExportingProcess process(
      {.max_message_octets_tcp = 100, .queue_octets = 500}, [](std::string&) { return std::nullopt; }, now);
  ASSERT_TRUE(process.add_template(octets));

  records.hand_over(process, 10, now);
  EXPECT_EQ(records.size(), 90u);
  records.hand_over(process, 1'000, now);
  const std::size_t left = records.size();
  EXPECT_GT(left, 0u) << "the queue is full";
  auto all = first_octets([&](const auto& visit) { process.for_each_unsent(visit); });
  const auto rest = first_octets([&](const auto& visit) { records.for_each(visit); });
  EXPECT_EQ(all.size(), 100 - left);
  all.insert(all.end(), rest.begin(), rest.end());
  for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(all[i], i);
}

}  // namespace
}  // namespace ofe
