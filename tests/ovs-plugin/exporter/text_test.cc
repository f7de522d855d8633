#include <gtest/gtest.h>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/text_table.h"

namespace ofe {
namespace {

TEST(AsText, NestsWhatJsonNests) {
  const Json json{{"node", "a"},
                  {"store", {{"flows", 3}, {"full", false}}},
                  {"problems", Json::array()},
                  {"zones", {1, 2}},
                  {"pods", Json::array({Json{{"name", "x"}}})}};
  EXPECT_EQ(as_text(json),
            "node: a\n"
            "store:\n  flows: 3\n  full: false\n"
            "problems: none\n"
            "zones:\n  - 1\n  - 2\n"
            "pods:\n  -\n    name: x\n");
}

TEST(TimeText, Rfc3339InUtc) {
  EXPECT_EQ(time_text(0), "never");
  EXPECT_EQ(time_text(1'595'666'408'959), "2020-07-25T08:40:08.959Z");
}

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCellInCodePoints) {
  EXPECT_EQ(table_of({{"KIND", "PACKETS", "RULE"}, {"policy", "≥7", "table 60"}, {"", "12345678", ""}}),
            "KIND    PACKETS   RULE\n"
            "policy  ≥7        table 60\n"
            "        12345678\n");
  EXPECT_EQ(table_of({}), "");
}

TEST(PodText, IsEmptyWhereThereIsNoPod) {
  EXPECT_EQ(pod_text("shop", "web-1"), "shop/web-1");
  EXPECT_EQ(pod_text("shop", ""), "");
}

TEST(TakeJsonFlag, AnythingElseIsAnsweredWithTheUsage) {
  bool json = false;
  Answer wrong;
  EXPECT_TRUE(take_json_flag({"--json"}, json, wrong, "x [--json]"));
  EXPECT_TRUE(json);
  EXPECT_FALSE(take_json_flag({"--yaml"}, json, wrong, "x [--json]"));
  EXPECT_FALSE(wrong.good);
  EXPECT_NE(wrong.text.find("usage: x [--json]"), std::string::npos);
}

}  // namespace
}  // namespace ofe
