#include "ovs-plugin/datapath/entry_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ovs-plugin/lines_of_file.h"

namespace ofe::datapath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::uint16_t watched_zone = 65520;

// A flow of stage `recirc_id` that pins a TCP connection by its source port; the port is also its packet count.
std::string flow(const std::string& recirc_id, int source_port, const std::string& actions,
                 const std::string& in_port = "v1", const std::string& protocol = "tcp") {
  const std::string number = protocol == "tcp" ? "6" : "17", port = std::to_string(source_port);
  return "ufid:00000000-0000-0000-0000-00000000" + std::string(4 - std::min<std::size_t>(4, port.size()), '0') + port +
         ", recirc_id(" + recirc_id + "),in_port(" + in_port +
         "),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=" + number + ",frag=no)," + protocol +
         "(src=" + port + ",dst=80), packets:" + port + ", bytes:" + std::to_string(source_port * 114) +
         ", used:0.1s, dp:ovs, actions:" + actions;
}

std::string wildcarded(const std::string& recirc_id, const std::string& actions, const std::string& in_port = "v1") {
  return "recirc_id(" + recirc_id + "),in_port(" + in_port +
         "),eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,dst=10.0.0.2/0.0.0.0,"
         "proto=6/0,frag=no), packets:1, bytes:100, used:0.1s, dp:ovs, actions:" +
         actions;
}

class Stages {
 public:
  explicit Stages(const std::vector<std::string>& lines) {
    stage_.begin();
    // From memory that is gone when it is asked: nothing of the text may be kept.
    for (const std::string& line : lines) {
      std::string copy = line;
      stage_.add_line(copy);
      copy.assign(copy.size(), '#');
    }
  }
  // The source ports of what is visited.
  std::vector<int> pinned(std::uint16_t zone = watched_zone) {
    std::vector<int> ports;
    stage_.each_pinned([zone](std::uint16_t z) { return z == zone; },
                       [&](const PinnedCounters& found) { ports.push_back(found.tuple.source_port); });
    return ports;
  }
  const EntryStageStats& stats() const { return stage_.stats(); }

 private:
  EntryStage stage_;
};

TEST(EntryStage, TheZoneInTheEntryFlowItself) {
  Stages stages({flow("0", 1000, "ct(zone=65520,nat),recirc(0x1)"), flow("0x1", 1000, "v2"),
                 flow("0", 1001, "ct(zone=7),recirc(0x2)"), flow("0", 1002, "v2")});
  EXPECT_THAT(stages.pinned(), ElementsAre(1000));
  EXPECT_THAT(stages.pinned(7), ElementsAre(1001));
  EXPECT_EQ(stages.stats().lines, 4u);
  EXPECT_EQ(stages.stats().unreadable, 0u);
  EXPECT_EQ(stages.stats().entry_flows, 3u);
  EXPECT_EQ(stages.stats().entry_pinned, 3u);
  EXPECT_EQ(stages.stats().entry_untracked, 1u);
}

TEST(EntryStage, CountersAreThoseOfTheEntryFlowInL3Octets) {
  EntryStage stage;
  stage.begin();
  stage.add_line(flow("0", 1000, "ct(zone=65520),recirc(0x1)"));
  stage.add_line(flow("0x1", 9999, "ct(commit,zone=65520),recirc(0x2)"));
  std::vector<PinnedCounters> found;
  stage.each_pinned([](std::uint16_t) { return true; }, [&](const PinnedCounters& one) { found.push_back(one); });
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].packets, 1000u);
  EXPECT_EQ(found[0].octets, 100'000u);
  EXPECT_EQ(found[0].tuple, (flowstore::Tuple{*flowstore::parse_address("10.0.0.1"),
                                              *flowstore::parse_address("10.0.0.2"), 1000, 80, 6}));
  EXPECT_EQ(found[0].ufid[14], 0x10);
}

TEST(EntryStage, FollowsRecirculationToTheZone) {
  Stages stages({flow("0", 1, "recirc(0x1)"), wildcarded("0x1", "ct(zone=9),recirc(0x2)"),
                 wildcarded("0x2", "recirc(0x3)"), wildcarded("0x3", "ct(commit,zone=65520),v2"),
                 wildcarded("0x3", "drop")});
  EXPECT_THAT(stages.pinned(), ElementsAre(1));
  EXPECT_EQ(stages.stats().entry_untracked, 0u);
}

TEST(EntryStage, AnyCompatibleFlowOfAStageWillDo) {
  const std::string entry = "recirc(0x1)";
  Stages stages({flow("0", 1, entry, "v1"), flow("0", 2, entry, "v2"), flow("0", 3, entry, "v1", "udp"),
                 flow("0", 4, entry, "v3"), flow("0x1", 50, "ct(zone=65520),recirc(0x2)", "v1", "tcp"),
                 wildcarded("0x1", "ct(zone=65520),recirc(0x2)", "v3"), wildcarded("0x1", "v9", "v2")});
  EXPECT_THAT(stages.pinned(), UnorderedElementsAre(1, 4));  // another port, another protocol: not on the way
  EXPECT_EQ(stages.stats().entry_untracked, 2u);
}

TEST(EntryStage, AllBranchesAreFollowed) {
  Stages stages({flow("0", 1, "check_pkt_len(size=1400,gt(recirc(0x1)),le(recirc(0x2)))"), wildcarded("0x1", "drop"),
                 wildcarded("0x2", "clone(ct(zone=65520),recirc(0x3)),v1")});
  EXPECT_THAT(stages.pinned(), ElementsAre(1));
}

TEST(EntryStage, CyclesEndAndDepthIsBounded) {
  Stages cycle(
      {flow("0", 1, "recirc(0x1)"), wildcarded("0x1", "recirc(0x2)"), wildcarded("0x2", "recirc(0x1),recirc(0x2)")});
  EXPECT_THAT(cycle.pinned(), IsEmpty());
  EXPECT_EQ(cycle.stats().entry_untracked, 1u);

  const auto chain = [](int length) {
    std::vector<std::string> lines{flow("0", 1, "recirc(1)")};
    for (int i = 1; i < length; ++i)
      lines.push_back(wildcarded(std::to_string(i), "recirc(" + std::to_string(i + 1) + ")"));
    lines.push_back(wildcarded(std::to_string(length), "ct(zone=65520)"));
    return lines;
  };
  EXPECT_THAT(Stages(chain(16)).pinned(), ElementsAre(1));
  EXPECT_THAT(Stages(chain(17)).pinned(), IsEmpty());
}

TEST(EntryStage, BeginForgetsThePreviousDump) {
  EntryStage stage;
  std::vector<int> ports;
  const auto all = [](std::uint16_t) { return true; };
  const auto visit = [&](const PinnedCounters& found) { ports.push_back(found.tuple.source_port); };
  stage.begin();
  stage.add_line(flow("0", 1, "ct(zone=1)"));
  stage.begin();
  stage.add_line(flow("0", 2, "recirc(0x1)"));
  stage.add_line("flow-dump from the main thread:");
  stage.add_line("");
  stage.add_line("nonsense");
  stage.each_pinned(all, visit);
  EXPECT_THAT(ports, IsEmpty());
  EXPECT_EQ(stage.stats().lines, 3u);  // over all dumps
  EXPECT_EQ(stage.stats().unreadable, 1u);
  EXPECT_EQ(stage.stats().last_unreadable,
            "nonsense: column 9: expected '(' or ':' after a name, found the end of the line");
  EXPECT_EQ(stage.stats().entry_flows, 1u);
  EXPECT_EQ(stage.stats().entry_untracked, 1u);
}

TEST(EntryStage, RecordedDumps) {
  for (const char* file : {OFE_TEST_DATA "/ovs-3.1-userspace.txt", OFE_TEST_DATA "/ovs-3.1-kernel.txt"}) {
    const auto lines = lines_of_file(file);
    Stages stages(lines);
    EXPECT_THAT(stages.pinned(), IsEmpty());  // ordinary rules identify no single connection
    EXPECT_EQ(stages.stats().unreadable, 0u) << stages.stats().last_unreadable;
    const auto entries =
        std::ranges::count_if(lines, [](const std::string& l) { return l.find("recirc_id(0)") != l.npos; });
    EXPECT_EQ(stages.stats().entry_flows, static_cast<std::uint64_t>(entries));
    EXPECT_EQ(stages.stats().entry_pinned, 0u);
    const auto direct = std::ranges::count_if(lines, [](const std::string& l) {
      return l.find("recirc_id(0)") != l.npos && l.find("actions:ct(") == l.npos;
    });
    EXPECT_EQ(stages.stats().entry_untracked, static_cast<std::uint64_t>(direct));
  }
}

// With NetFlow every stage has a flow per connection: the search must not be made per pair of them.
TEST(EntryStage, ManyFlowsOfOneRouteAreOneSearch) {
  std::vector<std::string> lines;
  for (int port = 1; port <= 9000; ++port) {
    lines.push_back(flow("0", port, "recirc(0x1)"));
    lines.push_back(flow("0x1", port, port == 9000 ? "ct(zone=65520),recirc(0x2)" : "v2"));
  }
  Stages stages(lines);
  std::size_t asked = 0;
  EntryStage stage;
  stage.begin();
  for (const auto& line : lines) stage.add_line(line);
  stage.each_pinned([&](std::uint16_t zone) { return ++asked, zone == watched_zone; }, [](const PinnedCounters&) {});
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(stages.pinned().size(), 9000u);
}

TEST(EntryStage, TellsInSlicesWhatItTellsAtOnce) {
  std::vector<std::string> lines;
  for (int port = 1; port <= 2000; ++port) {
    const std::string in_port = "v" + std::to_string(port % 50);
    lines.push_back(flow("0", port, "recirc(0x" + std::to_string(port % 7 + 1) + ")", in_port));
    lines.push_back(flow("0x" + std::to_string(port % 7 + 1), port, port % 50 < 20 ? "ct(zone=65520)" : "v2", in_port));
  }
  Stages stages(lines);
  const std::vector<int> at_once = stages.pinned();
  const std::uint64_t untracked = stages.stats().entry_untracked;
  EXPECT_GT(at_once.size(), 0u);
  EXPECT_GT(untracked, 0u);
  EntryStage stage;
  stage.begin();
  for (const auto& line : lines) stage.add_line(line);
  for (int round = 0; round < 2; ++round) {  // the call after the last one begins anew
    std::vector<int> in_slices;
    std::size_t calls = 1, most = 0, before = 0;
    const auto visit = [&](const PinnedCounters& found) { in_slices.push_back(found.tuple.source_port); };
    while (stage.each_pinned([](std::uint16_t zone) { return zone == watched_zone; }, visit, 100)) {
      ++calls;
      most = std::max(most, in_slices.size() - before);
      before = in_slices.size();
    }
    EXPECT_EQ(in_slices, at_once);
    EXPECT_LE(most, 100u);
    EXPECT_GE(calls, 20u);
    EXPECT_EQ(stage.stats().entry_untracked, untracked);
  }
}

}  // namespace
}  // namespace ofe::datapath
