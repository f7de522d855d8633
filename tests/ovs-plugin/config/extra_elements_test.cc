#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const ElementNames names{{"flowStartMilliseconds", "biflowDirection"}, [](std::string_view name) -> std::string {
                           return name == "vlanId" ? "cannot be filled" : "";
                         }};

TEST(ExtraElements, AreKeptInTheOrderGiven) {
  const ParseResult result =
      parse("ovsFlowExporter:\n  extraElements: [biflowDirection, flowStartMilliseconds]\n", "a.conf", names);
  ASSERT_TRUE(result.settings) << ::testing::PrintToString(result.errors);
  EXPECT_THAT(result.settings->extra_elements, ElementsAre("biflowDirection", "flowStartMilliseconds"));
  EXPECT_TRUE(parse("ovsFlowExporter: {extraElements: []}", "a.conf", names).settings);
  EXPECT_TRUE(parse("ovsFlowExporter: {extraElements: }", "a.conf", names).settings);
  EXPECT_TRUE(parse("{}", "a.conf", names).settings);
}

TEST(ExtraElements, AWrongNameIsNamedOnItsLineWithTheNearestAndThoseThereAre) {
  EXPECT_THAT(
      parse("ovsFlowExporter:\n  extraElements:\n  - biflowDirection\n  - flowStartMiliseconds\n", "a.conf", names)
          .errors,
      ElementsAre("a.conf:4: ovsFlowExporter.extraElements: \"flowStartMiliseconds\" is the name of no IANA "
                  "element; the nearest one that can be had is \"flowStartMilliseconds\"; allowed: "
                  "flowStartMilliseconds, biflowDirection"));
}

TEST(ExtraElements, OneThatIanaHasIsRefusedForItsOwnReason) {
  EXPECT_THAT(parse("ovsFlowExporter:\n  extraElements: [vlanId]\n", "a.conf", names).errors,
              ElementsAre(AllOf(StartsWith("a.conf:2: ovsFlowExporter.extraElements: \"vlanId\" cannot be filled"),
                                Not(HasSubstr("nearest")))));
}

TEST(ExtraElements, InAConfigMapTheLineIsTheFiles) {
  EXPECT_THAT(parse("kind: ConfigMap\ndata:\n  antrea-agent.conf: |\n    ovsFlowExporter:\n      extraElements:\n"
                    "      - vlanId\n",
                    "a.conf", names)
                  .errors,
              ElementsAre(StartsWith("a.conf:6: ")));
}

TEST(ExtraElements, TheListItselfIsChecked) {
  for (const auto& [value, error] : {std::pair{"flowId", "is not a list"},
                                     {"[[flowId]]", "is no name"},
                                     {"[biflowDirection, biflowDirection]", "is given twice"}}) {
    EXPECT_THAT(parse(std::string("ovsFlowExporter: {extraElements: ") + value + "}", "a.conf", names).errors,
                ElementsAre(HasSubstr(error)));
  }
  std::string many;
  for (int i = 0; i < 33; ++i) many += "x" + std::to_string(i) + ",";
  EXPECT_THAT(
      parse("ovsFlowExporter: {extraElements: [" + many + "]}", "a.conf", names).errors,
      ::testing::Contains(HasSubstr("is too long; allowed: a list of names of IANA elements, each once, at most 32")));
}

}  // namespace
}  // namespace ofe::config
