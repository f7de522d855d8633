// Writer and reader together.
#include <gtest/gtest.h>

#include "tests/ovs-plugin/state_file/baselines.h"

namespace ofe::state_file {
namespace {

const Origin origin{"0f5b2a6c-boot", 4026531840, 1'700'000'000'000, "1.2.3"};

record::Names names_of(std::size_t number) {
  if (number == 0) return {};
  record::Names names{"pod-" + std::to_string(number), "ns",         "node-a", "", "",
                      std::string("\xff\0x", 3),       "ns/svc:http"};
  if (number % 2 == 0) names.service_address = *flowstore::parse_address("10.96.0.10");
  names.ends = {record::EndKind::pod_here, static_cast<record::EndKind>(number % 5)};
  return names;
}

struct Written {
  std::string file;
  std::vector<flowstore::Baseline> flows;
  std::vector<std::pair<std::uint16_t, std::vector<std::uint8_t>>> records;
  const std::vector<ipfix::Template> templates = {{256, 0, {{0, 8, 4}, {55829, 101, 65535}}}, {257, 0, {{0, 27, 16}}}};
  const flowstore::Births births{1'699'999'999'000, {{65520, 1'700'000'000'001}}};
};

Written write(std::size_t flows, std::size_t records, std::uint64_t seed) {
  Written written;
  RandomBaselines random(seed);
  Writer out(origin, [&](std::string_view octets) {
    written.file += octets;
    return true;
  });
  for (const ipfix::Template& definition : written.templates) out.add_template(definition);
  for (std::size_t i = 0; i < records; ++i) {
    const auto id = static_cast<std::uint16_t>(256 + i % 2);
    written.records.push_back({id, std::vector<std::uint8_t>(1 + random.below(2'000), static_cast<std::uint8_t>(i))});
    out.add_record("", id, written.records.back().second);
  }
  for (std::size_t i = 0; i < flows; ++i) {
    flowstore::Baseline next = random.next();
    next.flow.names = static_cast<flowstore::NameHandle>(random.below(7) * 3);
    written.flows.push_back(next);
    out.add_flow(next, names_of(next.flow.names));
  }
  out.add_births(written.births);
  EXPECT_TRUE(out.finish());
  EXPECT_EQ(out.flows(), flows);
  EXPECT_EQ(out.records(), records);
  return written;
}

TEST(StateFileContents, AreReadBackAsTheyWereWritten) {
  for (const std::size_t flows : {0, 1, 2'047, 2'048, 2'049, 10'000}) {
    const Written written = write(flows, flows / 10, 7);
    const Check found = check(octets_of(written.file));
    EXPECT_EQ(found.problem, "");
    EXPECT_EQ(found.flows, flows);
    EXPECT_EQ(found.records, flows / 10);
    EXPECT_EQ(found.origin.boot_id, origin.boot_id);
    EXPECT_EQ(found.origin.network_namespace, origin.network_namespace);
    EXPECT_EQ(found.origin.written_wall_ms, origin.written_wall_ms);
    EXPECT_EQ(found.origin.program_version, origin.program_version);

    Kept kept;
    EXPECT_EQ(read(octets_of(written.file), kept), "");
    EXPECT_EQ(kept.templates, written.templates);
    EXPECT_EQ(kept.records, written.records);
    EXPECT_EQ(kept.births, written.births);
    ASSERT_EQ(kept.flows.size(), flows);
    for (std::size_t i = 0; i < flows; ++i) {
      ASSERT_TRUE(same(kept.flows[i], written.flows[i])) << i;
      ASSERT_EQ(kept.names[i], names_of(written.flows[i].flow.names)) << i;
    }
  }
}

TEST(StateFileContents, AFlowOfTheCommonKindTakesAboutAHundredOctets) {
  std::string file;
  Writer out(origin, [&](std::string_view octets) {
    file += octets;
    return true;
  });
  constexpr std::size_t flows = 10'000;
  for (std::size_t i = 0; i < flows; ++i) {
    flowstore::Baseline baseline;
    flowstore::Flow& flow = baseline.flow;
    const std::uint8_t client[] = {10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    const std::uint8_t server[] = {10, 2, 0, 1};
    flow.original = {flowstore::address_from_ipv4(client), flowstore::address_from_ipv4(server), 40'000, 80, 6};
    flow.reply = {flow.original.destination, flow.original.source, 80, 40'000, 6};
    flow.zone = 65520;
    flow.id = 0x9e3779b9u * static_cast<std::uint32_t>(i);
    flow.start_wall_ms = 1'700'000'000'000;
    flow.last_wall_ms = flow.start_wall_ms + 100'000;
    flow.first_monotonic_ms = 1'000'000'000;
    flow.total = {1'000, 1'000'000, 900, 90'000'000};
    baseline.start_known = true;
    out.add_flow(baseline, {});
  }
  ASSERT_TRUE(out.finish());
  EXPECT_LT(file.size() / flows, 110u);
}

TEST(StateFileContents, AnOutputThatFailedIsNotAskedAgain) {
  int asked = 0;
  Writer out(origin, [&](std::string_view) { return ++asked < 2; });
  RandomBaselines random(1);
  for (int i = 0; i < 10'000; ++i) out.add_flow(random.next(), {});
  EXPECT_FALSE(out.finish());
  EXPECT_EQ(asked, 2);
}

TEST(StateFileContents, AFileWithoutOriginOrEndIsNotUsed) {
  std::string file, block;
  append_preamble(file);
  EXPECT_EQ(check(octets_of(file)).problem, "is cut at octet 12");
  std::uint32_t checksum = 0;
  append_block("", checksum, file);
  EXPECT_EQ(check(octets_of(file)).problem, "does not say where it was written");
}

}  // namespace
}  // namespace ofe::state_file
