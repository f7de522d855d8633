#include "ovs-plugin/datapath/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ovs-plugin/lines_of_file.h"

namespace ofe::datapath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string flow(const std::string& recirc_id, const std::string& actions, const std::string& in_port = "v1",
                 const std::string& protocol = "6", const std::string& eth_type = "0x0800") {
  return "recirc_id(" + recirc_id + "),in_port(" + in_port + "),eth_type(" + eth_type +
         "),ipv4(src=10.0.0.1/0.0.0.0,dst=10.0.0.2/0.0.0.0,proto=" + protocol +
         ",frag=no), packets:1, bytes:100, used:0.1s, dp:ovs, actions:" + actions;
}

class RoutesTest : public testing::Test {
 protected:
  // The zones ahead of each line of the entry stage.
  std::vector<std::vector<std::uint16_t>> zones(const std::vector<std::string>& lines, std::size_t budget = SIZE_MAX) {
    routes_.begin_dump();
    std::vector<RouteNumber> entries;
    for (const std::string& line : lines) {
      std::string copy = line, error;  // from memory that is gone when it is asked: nothing of the text may be kept
      Megaflow read;
      if (!parse_megaflow(copy, read, error)) continue;
      const auto number = routes_.add(read);
      if (read.recirc_id == 0) entries.push_back(number.value());
      copy.assign(copy.size(), '#');
    }
    while (routes_.settle(budget)) ++calls_;
    std::vector<std::vector<std::uint16_t>> found;
    for (const RouteNumber entry : entries) {
      const auto ahead = routes_.zones(routes_.zones_of(entry));
      found.emplace_back(ahead.begin(), ahead.end());
    }
    return found;
  }
  Routes routes_;
  int calls_ = 0;
};

TEST_F(RoutesTest, TheZoneInTheEntryFlowItself) {
  EXPECT_THAT(zones({flow("0", "ct(zone=65520,nat),recirc(0x1)"), flow("0x1", "v2"), flow("0", "v2", "v2")}),
              ElementsAre(ElementsAre(65520), IsEmpty()));
}

TEST_F(RoutesTest, FollowsRecirculationThroughEveryZone) {
  EXPECT_THAT(zones({flow("0", "recirc(0x1)"), flow("0x1", "ct(zone=9,nat),recirc(0x2)"), flow("0x2", "recirc(0x3)"),
                     flow("0x3", "ct(commit,zone=65520,nat(dst=10.0.0.9:80)),v2"), flow("0x3", "drop")}),
              ElementsAre(ElementsAre(9, 65520)));
}

TEST_F(RoutesTest, OnlyCompatibleFlowsOfAStageAreOnTheWay) {
  EXPECT_THAT(zones({flow("0", "recirc(0x1)"), flow("0", "recirc(0x1)", "v2"), flow("0", "recirc(0x1)", "v1", "17"),
                     flow("0", "recirc(0x1)", "v3"), flow("0", "recirc(0x1)", "v3", "6", "0x86dd"),
                     flow("0x1", "ct(zone=1),recirc(0x2)", "v1", "6"), flow("0x1", "ct(zone=2),v4", "v3", "17/0")}),
              ElementsAre(ElementsAre(1), IsEmpty(), IsEmpty(), ElementsAre(2), IsEmpty()));
}

TEST_F(RoutesTest, AllBranchesAreFollowed) {
  EXPECT_THAT(zones({flow("0", "check_pkt_len(size=1400,gt(recirc(0x1)),le(recirc(0x2)))"), flow("0x1", "ct(zone=3)"),
                     flow("0x2", "clone(ct(zone=5),recirc(0x3)),v1")}),
              ElementsAre(ElementsAre(3, 5)));
}

TEST_F(RoutesTest, CyclesEndAndDepthIsBounded) {
  EXPECT_THAT(zones({flow("0", "recirc(0x1)"), flow("0x1", "recirc(0x2)"), flow("0x2", "recirc(0x1),recirc(0x2)")}),
              ElementsAre(IsEmpty()));
  const auto chain = [](int length) {
    std::vector<std::string> lines{flow("0", "recirc(1)")};
    for (int i = 1; i < length; ++i) lines.push_back(flow(std::to_string(i), "recirc(" + std::to_string(i + 1) + ")"));
    lines.push_back(flow(std::to_string(length), "ct(zone=4)"));
    return lines;
  };
  EXPECT_THAT(zones(chain(16)), ElementsAre(ElementsAre(4)));
  EXPECT_THAT(zones(chain(17)), ElementsAre(IsEmpty()));
}

TEST_F(RoutesTest, WaysAreSearchedAnewOnlyWhereADumpHasOtherRoutes) {
  const std::vector<std::string> first{flow("0", "recirc(0x1)"), flow("0x1", "ct(zone=1),recirc(0x2)")};
  zones(first);
  zones(first);
  EXPECT_EQ(routes_.searches(), 1u);
  EXPECT_THAT(zones({first[0], flow("0x1", "ct(zone=6),recirc(0x2)")}), ElementsAre(ElementsAre(6)));
  EXPECT_EQ(routes_.searches(), 2u);
  EXPECT_EQ(routes_.size(), 2u);  // what is not in the dump is forgotten
  EXPECT_THAT(zones({first[0]}), ElementsAre(IsEmpty()));
  zones({});
  EXPECT_EQ(routes_.size(), 0u);
}

TEST_F(RoutesTest, SettlesInSlicesToTheSame) {
  std::vector<std::string> lines;
  for (int i = 0; i < 300; ++i) {
    const std::string port = "v" + std::to_string(i % 50), id = std::to_string(i % 7 + 1);
    lines.push_back(flow("0", "recirc(" + id + ")", port));
    lines.push_back(flow(id, i % 50 < 20 ? "ct(zone=65520)" : "v2", port));
  }
  const auto in_slices = zones(lines, 10);
  EXPECT_GT(calls_, 20);
  EXPECT_GT(std::ranges::count(in_slices, std::vector<std::uint16_t>{65520}), 0);
  zones({});  // forgets them
  EXPECT_EQ(zones(lines), in_slices);
}

TEST_F(RoutesTest, RecordedDumps) {
  for (const char* file : {OFE_TEST_DATA "/ovs-3.1-userspace.txt", OFE_TEST_DATA "/ovs-3.1-kernel.txt"}) {
    const auto lines = lines_of_file(file);
    const auto found = zones(lines);
    const auto tracked = std::ranges::count_if(lines, [](const std::string& l) {
      return l.find("recirc_id(0)") != l.npos && l.find("actions:ct(") != l.npos;
    });
    EXPECT_GT(tracked, 0);
    EXPECT_EQ(std::ranges::count_if(found, [](const auto& ahead) { return !ahead.empty(); }), tracked);
  }
}

}  // namespace
}  // namespace ofe::datapath
