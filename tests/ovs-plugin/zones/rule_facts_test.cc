#include "ovs-plugin/zones/rule_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ofe::zones {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint16_t eth_ipv4 = 0x0800, eth_ipv6 = 0x86dd;
constexpr std::uint16_t registers = 0, metadata_space = 40;

Rule rule(std::uint8_t table, std::uint64_t cookie, std::uint16_t eth_type = 0) {
  Rule made;
  made.name.table = table;
  made.name.cookie = cookie;
  made.eth_type = eth_type;
  return made;
}

Rule commit(std::uint8_t table, std::uint64_t cookie, std::uint16_t zone, std::uint16_t eth_type = 0) {
  Rule made = rule(table, cookie, eth_type);
  made.cts.push_back({true, zone, {}});
  return made;
}

std::uint16_t word_of(unsigned reg) {
  return static_cast<std::uint16_t>(15 - reg);
}

ZoneField reg_field(unsigned reg, unsigned bit = 0) {
  return {registers, static_cast<std::uint16_t>(word_of(reg) * 32 + bit), "reg" + std::to_string(reg), true};
}

Rule commit_from(std::uint8_t table, ZoneField field, std::uint16_t eth_type = 0) {
  Rule made = rule(table, 0xc0, eth_type);
  made.cts.push_back({true, std::nullopt, std::move(field)});
  return made;
}

Rule load(unsigned reg, std::uint32_t value, std::uint32_t mask = 0xffff, std::uint8_t table = 0) {
  Rule made = rule(table, 0x10 + value);
  made.writes.push_back({registers, word_of(reg), mask, value, ""});
  return made;
}

Rule move_from(unsigned reg, const std::string& from) {
  Rule made = rule(3, 0x77);
  made.writes.push_back({registers, word_of(reg), 0xffff, 0, from});
  return made;
}

Resolution resolve(const std::vector<Rule>& rules) {
  RuleFacts facts;
  for (const Rule& one : rules) facts.add(one);
  return facts.resolve();
}

std::vector<std::uint16_t> zones_of(const Resolution& resolution) {
  std::vector<std::uint16_t> zones;
  for (const auto& [zone, reasons] : resolution.zones) zones.push_back(zone);
  return zones;
}

TEST(RuleFactsTest, ZonesThatRulesCommitTo) {
  const Resolution found = resolve({commit(105, 0x1020000000000, 65520, eth_ipv4), commit(106, 2, 65520, eth_ipv4),
                                    commit(105, 0x1030000000000, 65510, eth_ipv6)});
  EXPECT_THAT(zones_of(found), ElementsAre(65510, 65520));
  EXPECT_EQ(found.zones.at(65520).families, ipv4);
  EXPECT_EQ(found.zones.at(65510).families, ipv6);
  EXPECT_THAT(found.zones.at(65520).why, ElementsAre("rule: table 105 cookie 0x1020000000000"));
  EXPECT_EQ(found.zones.at(65520).more, 1u);
  EXPECT_THAT(found.unresolved, IsEmpty());
}

TEST(RuleFactsTest, AZoneThatIsOnlyLookedUpIsNotWatched) {
  Rule lookup = rule(0, 1, eth_ipv4);
  lookup.cts.push_back({false, 7, {}});
  EXPECT_THAT(zones_of(resolve({lookup})), IsEmpty());
}

TEST(RuleFactsTest, TheFamilyMayStandInTheRuleThatLooksUp) {
  Rule lookup = rule(0, 1, eth_ipv6);
  lookup.cts.push_back({false, 65510, {}});
  EXPECT_EQ(resolve({lookup, commit(10, 2, 65510)}).zones.at(65510).families, ipv6);
  EXPECT_EQ(resolve({commit(10, 2, 65510)}).zones.at(65510).families, 0) << "not known";
  EXPECT_EQ(resolve({commit(10, 2, 5, eth_ipv4), commit(10, 3, 5, eth_ipv6)}).zones.at(5).families, ipv4 | ipv6);
}

TEST(RuleFactsTest, BucketsOfGroupsCommitToo) {
  Rule bucket = commit(0, 0, 9);
  bucket.name = {true, 12, 0, 0};
  EXPECT_THAT(resolve({bucket}).zones.at(9).why, ElementsAre("rule: group 12"));
}

TEST(RuleFactsTest, AZoneFromARegisterIsWhatRulesLoadIntoIt) {
  const Resolution found = resolve({load(13, 5), load(13, 6), load(11, 99), commit_from(20, reg_field(13), eth_ipv4)});
  EXPECT_THAT(zones_of(found), ElementsAre(5, 6));
  EXPECT_EQ(found.zones.at(5).families, ipv4);
  EXPECT_THAT(found.zones.at(5).why,
              ElementsAre("rule: table 0 cookie 0x15 loads it into reg13, committed by table 20 cookie 0xc0"));
}

// reg13[16..31] of a rule that loads the whole register.
TEST(RuleFactsTest, OnlyTheBitsOfTheZoneCount) {
  EXPECT_THAT(zones_of(resolve({load(13, 0x00070008, 0xffffffff), commit_from(1, reg_field(13, 16))})), ElementsAre(7));
  EXPECT_THAT(zones_of(resolve({load(13, 0x00070008, 0xffffffff), commit_from(1, reg_field(13, 0))})), ElementsAre(8));
  const Resolution none = resolve({load(13, 0x00070000, 0xffff0000), commit_from(1, reg_field(13, 0))});
  EXPECT_THAT(zones_of(none), IsEmpty());
  EXPECT_THAT(none.unresolved, SizeIs(1));
}

// xreg6[24..39]: the upper 8 bits of reg13 and the lower 8 of reg12.
TEST(RuleFactsTest, AZoneAcrossTwoRegisters) {
  ZoneField across{registers, static_cast<std::uint16_t>(word_of(13) * 32 + 24), "xreg6", true};
  Rule both = rule(0, 1);
  both.writes.push_back({registers, word_of(13), 0xff000000, 0x34000000, ""});
  both.writes.push_back({registers, word_of(12), 0xff, 0x12, ""});
  EXPECT_THAT(zones_of(resolve({both, commit_from(1, across)})), testing::Contains(0x1234));
}

// Antrea with IPAM: bits 12 to 15 the kind of zone, 0 to 11 a VLAN, loaded by different rules.
TEST(RuleFactsTest, PartsThatDifferentRulesLoadAreCombined) {
  const std::vector<std::uint16_t> zones =
      zones_of(resolve({load(8, 0x1000, 0xf000), load(8, 0x3000, 0xf000), load(8, 0, 0xfff), load(8, 100, 0xfff),
                        commit_from(1, reg_field(8))}));
  EXPECT_THAT(zones, testing::IsSupersetOf({0x1000, 0x3000, 0x1000 + 100, 0x3000 + 100}));
  EXPECT_THAT(zones, testing::Not(testing::Contains(0))) << "an unwritten register is no zone";
}

TEST(RuleFactsTest, WhatCannotBeResolvedIsNamed) {
  const Resolution nothing = resolve({commit_from(20, reg_field(13))});
  ASSERT_THAT(nothing.unresolved, SizeIs(1));
  EXPECT_EQ(to_string(nothing.unresolved[0].rule), "table 20 cookie 0xc0");
  EXPECT_EQ(nothing.unresolved[0].field, "reg13");
  EXPECT_THAT(nothing.unresolved[0].why, HasSubstr("no rule loads a constant"));

  const Resolution moved = resolve({load(13, 5), move_from(13, "reg9"), commit_from(20, reg_field(13))});
  EXPECT_THAT(zones_of(moved), ElementsAre(5)) << "what can be told is watched";
  ASSERT_THAT(moved.unresolved, SizeIs(1));
  EXPECT_EQ(to_string(moved.unresolved[0].rule), "table 3 cookie 0x77");
  EXPECT_EQ(moved.unresolved[0].why, "written from reg9");

  const Resolution packets = resolve({commit_from(20, {77, 0, "vlan_tci", false})});
  EXPECT_THAT(packets.unresolved, SizeIs(1));
}

TEST(RuleFactsTest, MetadataIsASpaceOfItsOwn) {
  Rule load_metadata = rule(0, 1);
  load_metadata.writes.push_back({metadata_space, 0, 0xffffffff, 21, ""});
  load_metadata.writes.push_back({metadata_space, 1, 0xffffffff, 22, ""});
  EXPECT_THAT(zones_of(resolve({load_metadata, load(15, 3), commit_from(1, {metadata_space, 0, "metadata", true})})),
              ElementsAre(21));
}

TEST(RuleFactsTest, ManyZones) {
  std::vector<Rule> rules{commit_from(20, reg_field(13))};
  for (std::uint32_t zone = 1; zone <= 20'000; ++zone) rules.push_back(load(13, zone));
  EXPECT_THAT(resolve(rules).zones, SizeIs(20'000));
}

TEST(RuleFactsTest, TooManyCombinationsAreSaidNotWaitedFor) {
  std::vector<Rule> rules{commit_from(20, reg_field(13))};
  for (std::uint32_t value = 0; value < 256; ++value) {
    rules.push_back(load(13, value, 0xff));
    rules.push_back(load(13, value << 8, 0xff00));
  }
  const Resolution found = resolve(rules);
  ASSERT_THAT(found.unresolved, SizeIs(1));
  EXPECT_THAT(found.unresolved[0].why, HasSubstr("too many"));
}

TEST(RuleFactsTest, DifferentWritesAreBounded) {
  RuleFacts facts;
  for (std::uint32_t i = 0; i < RuleFacts::most_writes + 5; ++i) facts.add(load(3, i, 0xffffffff));
  EXPECT_EQ(facts.writes_dropped(), 5u);
}

TEST(RuleFactsTest, UnresolvedOnesAreBounded) {
  std::vector<Rule> rules;
  for (unsigned bit = 0; bit < 16; ++bit) {
    for (unsigned reg = 0; reg < 2; ++reg) rules.push_back(commit_from(1, reg_field(reg, bit)));
  }
  const Resolution found = resolve(rules);
  EXPECT_THAT(found.unresolved, SizeIs(RuleFacts::unresolved_kept));
  EXPECT_EQ(found.unresolved_more, 32 - RuleFacts::unresolved_kept);
}

TEST(OvnZonesTest, KeysOfTheBridge) {
  Resolution found;
  add_ovn_zone("ct-zone-shop_web", "5", found);
  add_ovn_zone("ct-zone-0a1b_snat", "6", found);
  add_ovn_zone("ct-zone-bad", "x", found);
  add_ovn_zone("ct-zone-large", "70000", found);
  add_ovn_zone("ct-zone-none", "0", found);
  add_ovn_zone("ovn-startup-ts", "7", found);
  EXPECT_THAT(zones_of(found), ElementsAre(5, 6));
  EXPECT_THAT(found.zones.at(5).why, ElementsAre("ovn: ct-zone-shop_web"));
}

TEST(OvnZonesTest, ReasonsAreBounded) {
  Resolution found;
  for (int i = 0; i < 10; ++i) add_ovn_zone("ct-zone-" + std::to_string(i), "5", found);
  EXPECT_THAT(found.zones.at(5).why, SizeIs(3));
  EXPECT_EQ(found.zones.at(5).more, 7u);
}

}  // namespace
}  // namespace ofe::zones
