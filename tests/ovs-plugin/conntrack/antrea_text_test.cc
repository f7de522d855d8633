// Lines and expected values of Antrea's own tests, read from $OFE_SHARED: not part of this project.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>

#include "ovs-plugin/conntrack/dump_text.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;

class AntreaText : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("OFE_SHARED");
    folder_ = std::filesystem::path(shared ? shared : OFE_SHARED_DEFAULT) / "data" / "antrea";
    if (std::filesystem::is_directory(folder_)) return;
    const char* ci = std::getenv("CI");
    if (ci && std::string(ci) == "true") FAIL() << folder_ << " is absent";
    GTEST_SKIP() << folder_ << " is absent";
  }
  simdjson::dom::element load(const char* file) { return parser_.load((folder_ / file).string()); }

  std::filesystem::path folder_;
  simdjson::dom::parser parser_;
};

TEST_F(AntreaText, EveryLineOfEveryVersionIsRead) {
  std::size_t lines = 0;
  for (const auto [version, entries] : load("dump_conntrack_input_lines_by_version.json").get_object()) {
    for (const std::string_view line : entries.get_array()) {
      Observation seen;
      std::string error;
      EXPECT_TRUE(parse_conntrack_line(line, seen, error)) << version << ": " << line << "\n" << error;
      EXPECT_EQ(seen.statistics, flowstore::Statistics::exact);
      EXPECT_EQ(seen.tcp_state, flowstore::TcpState::established);
      ++lines;
    }
  }
  EXPECT_GT(lines, 0u);
}

TEST_F(AntreaText, TheSurvivingConnectionHasTheExpectedValues) {
  std::string v0_11, latest;
  {
    const auto input = load("dump_conntrack_input_lines_by_version.json");
    v0_11 = std::string_view(input["v0.11.0"].at(2));
    latest = std::string_view(input["main"].at(2));
  }
  const auto expected = load("dump_conntrack_expected.json")["v0.11.0+"];
  Observation seen;
  std::string error;
  ASSERT_TRUE(parse_conntrack_line(v0_11, seen, error)) << error;
  const auto tuple_is = [](const flowstore::Tuple& tuple, simdjson::dom::element wanted) {
    EXPECT_EQ(flowstore::to_string(tuple.source), std::string_view(wanted["src"]));
    EXPECT_EQ(flowstore::to_string(tuple.destination), std::string_view(wanted["dst"]));
    EXPECT_EQ(tuple.protocol, std::uint64_t(wanted["proto"]));
    EXPECT_EQ(tuple.source_port, std::uint64_t(wanted["sport"]));
    EXPECT_EQ(tuple.destination_port, std::uint64_t(wanted["dport"]));
  };
  tuple_is(seen.original, expected["orig"]);
  tuple_is(seen.reply, expected["reply"]);
  EXPECT_EQ(seen.id, std::uint64_t(expected["ID"]));
  EXPECT_EQ(seen.timeout_s, std::uint64_t(expected["Timeout"]));
  EXPECT_EQ(seen.zone, std::uint64_t(expected["Zone"]));
  EXPECT_EQ(seen.status, std::uint64_t(expected["StatusFlag"]));
  EXPECT_EQ(seen.mark, std::uint64_t(expected["Mark_v0.11"]));
  EXPECT_EQ(seen.counters.packets, std::uint64_t(expected["OriginalPackets"]));
  EXPECT_EQ(seen.counters.octets, std::uint64_t(expected["OriginalBytes"]));
  EXPECT_EQ(seen.counters.reverse_packets, std::uint64_t(expected["ReversePackets"]));
  EXPECT_EQ(seen.counters.reverse_octets, std::uint64_t(expected["ReverseBytes"]));
  EXPECT_EQ(seen.start_wall_ms, 1595666408959) << std::string_view(expected["StartTime"]);  // date -u -d … +%s%3N

  ASSERT_TRUE(parse_conntrack_line(latest, seen, error)) << error;
  EXPECT_EQ(seen.mark, 18u);
  EXPECT_EQ(seen.labels, (std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1}));
  EXPECT_EQ(flowstore::to_string(seen.original.destination), "100.50.25.1");
  EXPECT_EQ(flowstore::to_string(seen.reply.source), "100.10.0.106");
}

}  // namespace
}  // namespace ofe::conntrack
