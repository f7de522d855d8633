#include "ovs-plugin/ovs/openflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "tests/ovs-plugin/ovs/loopback.h"
#include "tests/ovs-plugin/ovs/testbed.h"

namespace ofe_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

struct Write {
  int word = 0;
  std::uint32_t mask = 0, value = 0;
  std::string from;
  friend bool operator==(const Write&, const Write&) = default;
};
void PrintTo(const Write& write, std::ostream* out) {
  *out << "word " << write.word << " mask " << std::hex << write.mask << " value " << write.value << " from "
       << write.from;
}

struct Rule {
  bool group = false;
  std::uint16_t eth_type = 0;
  std::vector<std::string> cts;  // "commit 5", "look 7", "commit reg13@64"
  std::vector<Write> writes;
};

struct Seen {
  std::map<std::uint64_t, Rule> rules;  // by cookie, or group_id
  std::map<int, std::uint32_t> tables;
  std::string error;
  std::uint64_t undecodable = 0;
};

void take_rule(const ofe_ovs_rule* rule, void* context) {
  Rule& taken = static_cast<Seen*>(context)->rules[rule->group ? rule->group_id : rule->cookie];
  taken.group = rule->group;
  taken.eth_type = rule->eth_type;
  for (std::size_t i = 0; i < rule->n_cts; ++i) {
    const ofe_ovs_rule_ct& ct = rule->cts[i];
    const std::string zone = ct.zone >= 0 ? std::to_string(ct.zone)
                                          : std::string(ct.field) + "@" + std::to_string(ct.position) +
                                                (ct.writable ? "" : " of the packet");
    taken.cts.push_back((ct.commit ? "commit " : "look ") + zone);
  }
  for (std::size_t i = 0; i < rule->n_writes; ++i) {
    const ofe_ovs_rule_write& write = rule->writes[i];
    taken.writes.push_back({write.word, write.mask, write.value, write.from == nullptr ? "" : write.from});
  }
}

class OpenFlow : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    start_library();
    testbed.vsctl({"add-br", "brf", "--", "set", "bridge", "brf", "datapath_type=netdev", "fail_mode=secure"});
  }
  void TearDown() override { testbed.vsctl({"del-br", "brf"}); }

  std::string socket() const { return testbed.folder() + "/brf.mgmt"; }
  // Through OpenFlow 1.5, the only version that knows all of them.
  void ofctl(const std::string& command, const std::string& text) {
    const Finished done = run({"ovs-ofctl", "-O", "OpenFlow15", command, socket(), text}, testbed.environment());
    if (done.status != 0) throw std::runtime_error(text + ": " + done.output);
  }
  void speak(const std::string& version) { testbed.vsctl({"set", "bridge", "brf", "protocols=" + version}); }

  Seen read(std::uint8_t table = OFE_OVS_ALL_TABLES) {
    Seen seen;
    ofe_ovs_openflow* openflow = nullptr;
    if (const int error = ofe_ovs_openflow_open(socket().c_str(), &openflow)) {
      seen.error = ofe_ovs_strerror(error);
      return seen;
    }
    const ofe_ovs_openflow_visitor visitor{[](std::uint8_t number, std::uint32_t rules, void* context) {
                                             if (rules != 0) static_cast<Seen*>(context)->tables[number] = rules;
                                           },
                                           take_rule, &seen};
    for (const auto question : {OFE_OVS_OPENFLOW_TABLES, OFE_OVS_OPENFLOW_RULES, OFE_OVS_OPENFLOW_GROUPS}) {
      ofe_ovs_openflow_ask(openflow, question, table);
      if (!finish(openflow, visitor)) break;
    }
    seen.error = ofe_ovs_openflow_error(openflow);
    seen.undecodable = ofe_ovs_openflow_undecodable(openflow);
    ofe_ovs_openflow_close(openflow);
    return seen;
  }

  Testbed& testbed = Testbed::get();

 private:
  static bool finish(ofe_ovs_openflow* openflow, const ofe_ovs_openflow_visitor& visitor) {
    const std::int64_t deadline = ofe_ovs_monotonic_ms() + 20'000;
    while (ofe_ovs_monotonic_ms() < deadline) {
      switch (ofe_ovs_openflow_run(openflow, 1, &visitor)) {
        case OFE_OVS_OPENFLOW_ANSWERED:
          return true;
        case OFE_OVS_OPENFLOW_FAILED:
          return false;
        case OFE_OVS_OPENFLOW_WAITING:
          ofe_ovs_openflow_wait(openflow);
          ofe_ovs_poll_timer_wait_until(deadline);
          ofe_ovs_poll_block();
          break;
        case OFE_OVS_OPENFLOW_MORE:
          break;
      }
    }
    return false;
  }
};

// Word 2 of the registers is reg13, word 3 reg12, word 15 reg0.
TEST_P(OpenFlow, EveryVersionTellsZonesAndWrites) {
  ofctl("add-flow", "cookie=1,table=0,ip,actions=ct(commit,zone=5,table=3)");
  ofctl("add-flow",
        "cookie=2,table=1,ipv6,actions=load:0x1234->NXM_NX_REG13[0..15],ct(zone=NXM_NX_REG13[0..15],table=3)");
  ofctl("add-flow", "cookie=3,table=2,ip,actions=clone(ct(commit,zone=7,exec(load:1->NXM_NX_CT_MARK[])))");
  ofctl("add-flow",
        "cookie=4,table=3,ip,actions=set_field:0x1122334455667788->xxreg3,ct(commit,zone=OXM_OF_PKT_REG6[24..39])");
  ofctl("add-flow", "cookie=5,table=4,actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG12[8..23]");
  ofctl("add-flow", "cookie=6,table=5,actions=output:1");
  speak(GetParam());
  const Seen seen = read();
  EXPECT_EQ(seen.error, "");
  EXPECT_EQ(seen.undecodable, 0u);
  ASSERT_EQ(seen.rules.size(), 5u) << "what has to do with zones";
  EXPECT_THAT(seen.rules.at(1).cts, ElementsAre("commit 5"));
  EXPECT_EQ(seen.rules.at(1).eth_type, 0x0800);
  EXPECT_THAT(seen.rules.at(2).cts, ElementsAre("look reg13@64"));
  EXPECT_THAT(seen.rules.at(2).writes, ElementsAre(Write{2, 0xffff, 0x1234, ""}));
  EXPECT_EQ(seen.rules.at(2).eth_type, 0x86dd);
  EXPECT_THAT(seen.rules.at(3).cts, ElementsAre("commit 7"));
  EXPECT_THAT(seen.rules.at(4).cts, ElementsAre("commit xreg6@88"));
  EXPECT_THAT(seen.rules.at(4).writes, ElementsAre(Write{0, ~0u, 0x55667788, ""}, Write{1, ~0u, 0x11223344, ""},
                                                   Write{2, ~0u, 0, ""}, Write{3, ~0u, 0, ""}));
  EXPECT_THAT(seen.rules.at(5).writes, ElementsAre(Write{3, 0xffff00, 0, "in_port"}));
  EXPECT_EQ(seen.tables.size(), 6u);
  EXPECT_THAT(seen.tables, ::testing::Contains(Pair(3, 1)));
}

TEST_P(OpenFlow, BucketsOfGroups) {
  ofctl("add-group", "group_id=9,type=select,bucket=ct(commit,zone=11,nat(dst=10.0.0.1)),bucket=ct(commit,zone=12)");
  speak(GetParam());
  const Seen seen = read();
  EXPECT_EQ(seen.error, "");
  ASSERT_EQ(seen.rules.count(9), 1u);
  EXPECT_TRUE(seen.rules.at(9).group);
  EXPECT_THAT(seen.rules.at(9).cts, ElementsAre("commit 11", "commit 12"));
}

INSTANTIATE_TEST_SUITE_P(Versions, OpenFlow, ::testing::Values("OpenFlow10", "OpenFlow11", "OpenFlow13", "OpenFlow15"));

class OpenFlowOnce : public OpenFlow {};

TEST_P(OpenFlowOnce, MetadataStackAndThePacketsOwnFields) {
  ofctl("add-flow", "cookie=1,table=0,actions=write_metadata:0x2a/0xff,goto_table:1");
  ofctl("add-flow",
        "cookie=2,table=1,ip,actions=push:NXM_NX_REG1[],pop:NXM_NX_REG2[0..15],ct(commit,zone=OXM_OF_METADATA[0..15])");
  ofctl("add-flow", "cookie=3,table=2,ip,actions=set_field:0/0xffff->reg3,ct(commit,zone=NXM_OF_VLAN_TCI[0..15])");
  const Seen seen = read();
  EXPECT_THAT(seen.rules.at(1).writes, ElementsAre(Write{0, 0xff, 0x2a, ""}));
  EXPECT_THAT(seen.rules.at(2).writes, ElementsAre(Write{13, 0xffff, 0, "pop"}));
  EXPECT_THAT(seen.rules.at(2).cts, ElementsAre("commit metadata@0"));
  EXPECT_THAT(seen.rules.at(3).writes, ElementsAre(Write{12, 0xffff, 0, ""}));
  EXPECT_THAT(seen.rules.at(3).cts, ElementsAre("commit vlan_tci@0 of the packet"));
}

TEST_P(OpenFlowOnce, OneTableAlone) {
  ofctl("add-flow", "cookie=1,table=0,ip,actions=ct(commit,zone=5,table=3)");
  ofctl("add-flow", "cookie=2,table=3,ip,actions=ct(commit,zone=6,table=4)");
  const Seen seen = read(3);
  EXPECT_EQ(seen.rules.size(), 1u);
  EXPECT_EQ(seen.rules.count(2), 1u);
}

TEST_P(OpenFlowOnce, ABridgeThatIsNotThere) {
  ofe_ovs_openflow* openflow = nullptr;
  const int error = ofe_ovs_openflow_open((testbed.folder() + "/none.mgmt").c_str(), &openflow);
  EXPECT_THAT(ofe_ovs_strerror(error), HasSubstr("No such file"));
  EXPECT_EQ(openflow, nullptr);
}

TEST_P(OpenFlowOnce, NoRules) {
  const Seen seen = read();
  EXPECT_EQ(seen.error, "");
  EXPECT_THAT(seen.rules, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Once, OpenFlowOnce, ::testing::Values("OpenFlow13"));

}  // namespace
}  // namespace ofe_test
