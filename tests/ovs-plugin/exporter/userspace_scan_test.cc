#include "ovs-plugin/exporter/userspace_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Progress = ZoneScan::Progress;

constexpr std::int64_t start_ms = 1'000'000;

// What ovs-vswitchd would answer, and how long it takes.
struct Script {
  flowstore::Now now{start_ms, 1'700'000'000'000};
  std::map<std::string, std::string> answers;  // absent: the command is refused
  std::map<std::string, std::int64_t> cost_ms;
  std::vector<std::string> asked;  // with the last argument, where there is one
};
Script* script = nullptr;

void answer(ofe_ovs_request* request, int argc, const char* const argv[], void*) {
  const std::string command = argv[0];
  script->asked.push_back(argc > 1 ? command + " " + argv[argc - 1] : command);
  script->now.monotonic_ms += script->cost_ms[command];
  const auto found = script->answers.find(command);
  if (found == script->answers.end()) return ofe_ovs_reply_error(request, "no");
  ofe_ovs_reply(request, found->second.c_str());
}

std::string connections(int count, int zone) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string port = std::to_string(i + 1);
    text += "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=" + port +
            ",dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=" + port +
            "),id=0,zone=" + std::to_string(zone) + ",status=0,timeout=58\n";
  }
  return text;
}

std::string megaflows(int count) {
  std::string text = "flow-dump from the main thread:\n";
  for (int i = 0; i < count; ++i) {
    const std::string ufid = std::to_string(100'000 + i);
    text += "ufid:00000000-0000-0000-0000-000000" + ufid +
            ", recirc_id(0),in_port(v1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,frag=no),udp(src=" +
            std::to_string(i + 1) + ",dst=53), packets:10, bytes:1140, used:0.1s, actions:ct(zone=9),recirc(0x1)\n";
  }
  return text;
}

std::string flow_count(int count) {
  return "netdev@ovs-netdev:\n  flows         : (current " + std::to_string(count) + ") (avg 1)\n\n  5: (keys 1)\n";
}

config::Config two_zones() {
  config::Config settings;
  settings.zones = {9, 10};
  settings.vswitchd_max_answer_octets = 1u << 20;
  return settings;
}

class UserspaceScanTest : public testing::Test {
 protected:
  UserspaceScanTest() {
    ofe_test::start_library();
    script = &script_;
    for (const char* command :
         {"upcall/show", "dpctl/dump-flows", "dpctl/ct-get-nconns", "dpctl/ct-stats-show", "dpctl/dump-conntrack"}) {
      ofe_ovs_command_register(command, "", answer, nullptr);
    }
    script_.answers = {{"upcall/show", flow_count(0)},
                       {"dpctl/dump-flows", ""},
                       {"dpctl/ct-get-nconns", "3\n"},
                       {"dpctl/ct-stats-show", "Connections Stats:\n    Total: 3\n"},
                       {"dpctl/dump-conntrack", connections(3, 9)}};
    EXPECT_EQ(ofe_ovs_server_open(folder_.file("ovs-vswitchd.7.ctl").c_str(), &server_), 0);
  }
  ~UserspaceScanTest() override { close_server(); }
  void close_server() {
    ofe_ovs_server_close(server_);
    server_ = nullptr;
  }
  // Steps until there is something else to say than "more", or nothing happens any more at this time.
  Progress turn() {
    Progress progress = Progress::waiting;
    for (int idle = 0; idle < 20;) {
      const std::size_t asked = script_.asked.size();
      ofe_ovs_server_run(server_);
      progress = scan_.step(script_.now);
      if (progress != Progress::waiting && progress != Progress::more) return progress;
      idle = script_.asked.size() != asked || progress == Progress::more ? 0 : idle + 1;
    }
    return progress;
  }
  bool start(std::uint16_t zone) { return scan_.start({&zone, 1}, script_.now); }
  // As ConntrackPart does, with the clock running on while the budget makes the scan wait.
  Progress finish() {
    Progress progress = turn();
    while (progress == Progress::waiting && script_.now.monotonic_ms < start_ms + 3'600'000) {
      script_.now.monotonic_ms += 10;
      progress = turn();
    }
    return progress;
  }
  void poll() {
    EXPECT_TRUE(scan_.prepare(script_.now));
    EXPECT_EQ(finish(), Progress::complete) << scan_.error();
    for (const std::uint16_t zone : state_.settings.zones) {
      EXPECT_TRUE(start(zone));
      EXPECT_EQ(finish(), Progress::complete) << scan_.error();
    }
  }

  // Zone 9, the only one, in 200 ms; when that poll began.
  std::int64_t poll_a_long_zone() {
    state_.settings.zones = {9};
    script_.answers["dpctl/dump-conntrack"] = connections(10'000, 9);
    script_.answers["dpctl/ct-get-nconns"] = "10000\n";
    state_.settings.vswitchd_max_answer_octets = 16u << 20;
    script_.cost_ms["dpctl/dump-conntrack"] = 200;
    poll();
    return script_.now.monotonic_ms - 200;
  }

  ofe_test::ScratchFolder folder_;
  ofe_ovs_server* server_ = nullptr;
  Script script_;
  State state_{two_zones(), "node-a", script_.now};
  QuestionBudget budget_;
  UserspaceScan scan_{state_, budget_, folder_.path()};
};

TEST_F(UserspaceScanTest, AsksForTheNumberBeforeTheDump) {
  poll();
  EXPECT_THAT(script_.asked, ElementsAre("upcall/show", "dpctl/dump-flows netdev@ovs-netdev",
                                         "dpctl/ct-get-nconns netdev@ovs-netdev", "dpctl/dump-conntrack zone=9",
                                         "dpctl/ct-get-nconns netdev@ovs-netdev", "dpctl/dump-conntrack zone=10"));
  EXPECT_EQ(state_.store.stats().flows, 3u);
  EXPECT_EQ(scan_.stats().polls_delayed, 0u) << "small answers need no pause";
  EXPECT_EQ(budget_.questions(), 6u);
}

TEST_F(UserspaceScanTest, CountsWhatMegaflowsPin) {
  script_.answers["dpctl/dump-flows"] = megaflows(1'000);
  script_.answers["dpctl/dump-conntrack"] = connections(1'000, 9);
  poll();
  EXPECT_EQ(state_.counters.stats().tuples, 2'000u);  // of both directions
  EXPECT_EQ(state_.counters.stats().join.megaflows, 1'000u);
  EXPECT_EQ(state_.store.stats().flows, 1'000u);
  EXPECT_EQ(state_.store.stats().without_statistics, 0u);
  script_.answers["dpctl/dump-flows"] = megaflows(1);
  poll(), poll();  // a dump can miss a megaflow: two without it say that it went
  EXPECT_EQ(state_.counters.stats().join.megaflows, 1u);
}

TEST_F(UserspaceScanTest, PausesBetweenTheQuestionsOfOnePoll) {
  script_.cost_ms["dpctl/dump-flows"] = 300;
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_EQ(script_.now.monotonic_ms, start_ms + 300);
  ASSERT_TRUE(start(9));
  EXPECT_EQ(turn(), Progress::waiting);
  EXPECT_EQ(script_.asked.size(), 2u);
  // upcall/show took 1 ms: 301 ms are 5 % of 6,020 ms, the allowance 400 ms of that.
  EXPECT_EQ(budget_.earliest_ms(), start_ms + 5'620);
  script_.now.monotonic_ms = start_ms + 5'619;
  EXPECT_EQ(turn(), Progress::waiting);
  EXPECT_EQ(script_.asked.size(), 2u);
  script_.now.monotonic_ms = start_ms + 5'620;
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_EQ(script_.asked.size(), 4u);
  EXPECT_EQ(scan_.stats().polls_delayed, 1u) << "once a poll";
  EXPECT_EQ(scan_.stats().longest_question, "dpctl/dump-flows -m netdev@ovs-netdev");
  EXPECT_EQ(scan_.stats().longest_question_ms, 300);
}

TEST_F(UserspaceScanTest, PollsStretchAndTheShareHolds) {
  script_.cost_ms = {{"dpctl/dump-flows", 40}, {"dpctl/dump-conntrack", 250}};
  for (int i = 0; i < 6; ++i) poll();
  EXPECT_GE(scan_.stats().polls_delayed, 5u);
  // 540 ms of dumps and 4 questions of 1 ms are 5 % of 10,880 ms.
  EXPECT_NEAR(static_cast<double>(scan_.stats().poll_interval_ms), 10'880.0, 100.0);
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_LE(budget_.measured_percent(budget_.earliest_ms()), 5.1);
}

// 10,000 connections in 200 ms (205 are believed of so many): 0.83 % of 24 s.
TEST_F(UserspaceScanTest, LongDumpsComeAtASixthOfTheShareAndTheirPollWaitsAsAWhole) {
  const std::int64_t first_ms = poll_a_long_zone();
  script_.asked.clear();
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_NEAR(static_cast<double>(script_.now.monotonic_ms - first_ms), 24'000.0, 30.0) << "its first question";
  ASSERT_TRUE(start(9));
  script_.cost_ms["dpctl/dump-conntrack"] = 60'000;  // stopped for a minute between question and answer
  EXPECT_EQ(turn(), Progress::complete) << "the dump follows at once";
  EXPECT_NEAR(static_cast<double>(budget_.earliest_ms(200)), first_ms + 24'000 + 2'000 * 20, 500.0)
      << "2 s of all at 5 %";
}

TEST_F(UserspaceScanTest, ALongZoneThatIsNotWatchedAnyMoreDelaysNothing) {
  const std::int64_t first_ms = poll_a_long_zone();
  state_.settings.zones = {10};
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_LE(script_.now.monotonic_ms - first_ms, 4'100) << "200 ms are 5 % of 4 s; the dump itself waits for 24 s";
}

TEST_F(UserspaceScanTest, AShortZoneNeedNotWaitForALongOne) {
  script_.answers["dpctl/dump-conntrack"] = connections(5'000, 9);
  script_.answers["dpctl/ct-get-nconns"] = "5000\n";
  script_.cost_ms["dpctl/dump-conntrack"] = 100;
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::complete);
  script_.answers["dpctl/dump-conntrack"] = "";
  script_.cost_ms.clear();
  script_.now.monotonic_ms = start_ms + 2'500;  // 100 ms are 5 % of 2 s and 0.83 % of 12 s
  ASSERT_TRUE(start(10));
  EXPECT_EQ(turn(), Progress::complete) << "never read";
  ASSERT_TRUE(start(10));
  EXPECT_EQ(turn(), Progress::complete) << "known to be empty";
  script_.asked.clear();
  ASSERT_TRUE(start(9));
  EXPECT_EQ(turn(), Progress::waiting);
  EXPECT_THAT(script_.asked, ElementsAre("dpctl/ct-get-nconns netdev@ovs-netdev"));
  EXPECT_NEAR(static_cast<double>(budget_.earliest_ms(100)), start_ms + 12'000, 100.0);
}

TEST_F(UserspaceScanTest, ABusyOvsVswitchdIsNotTakenForALongDump) {
  script_.cost_ms["dpctl/dump-conntrack"] = 17'000;  // three connections
  poll();
  EXPECT_LT(budget_.earliest_ms(20), budget_.earliest_ms() + 1);
}

TEST_F(UserspaceScanTest, SilenceIsNotChargedAsWork) {
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(scan_.step(script_.now), Progress::waiting);  // asked; nobody answers
  script_.now.monotonic_ms += 30'000;
  EXPECT_EQ(scan_.step(script_.now), Progress::failed);
  EXPECT_THAT(scan_.error(), HasSubstr("nothing of an answer for 30 s"));
  EXPECT_LT(budget_.earliest_ms(), script_.now.monotonic_ms);
}

// Stopped for a minute between question and answer.
TEST_F(UserspaceScanTest, AStandstillIsNotChargedAsWork) {
  script_.cost_ms["dpctl/dump-conntrack"] = 60'000;
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::complete);
  EXPECT_EQ(scan_.stats().longest_question_ms, 2'000);
  EXPECT_LT(budget_.earliest_ms(), script_.now.monotonic_ms);
}

TEST_F(UserspaceScanTest, TheShareInForceIsTheSettings) {
  state_.settings.vswitchd_share_percent = 50;
  script_.cost_ms["dpctl/dump-conntrack"] = 1'000;
  poll();
  EXPECT_NEAR(static_cast<double>(script_.now.monotonic_ms - start_ms), 3'000.0, 50.0);
}

TEST_F(UserspaceScanTest, ManyConnectionsElsewhereMakeItCountTheZone) {
  script_.answers["dpctl/ct-get-nconns"] = "1000000\n";
  poll();
  EXPECT_THAT(script_.asked, testing::Contains("dpctl/ct-stats-show zone=9"));
  EXPECT_THAT(script_.asked, testing::Contains("dpctl/dump-conntrack zone=9"));
  EXPECT_EQ(scan_.stats().dumps_too_long, 0u);
}

TEST_F(UserspaceScanTest, AZoneThatWouldBeTooLongIsNotAskedFor) {
  script_.answers["dpctl/ct-get-nconns"] = "1000000\n";
  script_.answers["dpctl/ct-stats-show"] = "Connections Stats:\n    Total: 7000\n  UDP: 7000\n";
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::refused) << "7,000 × 150 octets are more than 1 MiB";
  EXPECT_THAT(script_.asked, testing::Not(testing::Contains(HasSubstr("dump-conntrack"))));
  EXPECT_THAT(scan_.error(), HasSubstr("ovsFlowExporter.vswitchdMaxAnswerOctets, 1048576"));
  EXPECT_EQ(scan_.stats().dumps_too_long, 1u);
  EXPECT_EQ(scan_.stats().last_too_long, "zone 9");
  EXPECT_EQ(scan_.stats().last_too_long_entries, 7'000u);
  EXPECT_EQ(scan_.stats().last_too_long_octets, 1'050'000u);
  state_.settings.vswitchd_max_answer_octets = 2u << 20;
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::complete);
}

TEST_F(UserspaceScanTest, TheForecastIsLearntFromAnswers) {
  script_.answers["dpctl/dump-conntrack"] = connections(5'000, 9);
  poll();
  const auto lines = script_.answers["dpctl/dump-conntrack"].size() / 5'000;
  EXPECT_LT(lines, 150u);
  script_.answers["dpctl/ct-get-nconns"] = "7000\n";  // 1,050,000 octets at 150 each
  script_.asked.clear();
  poll();
  EXPECT_THAT(script_.asked, testing::Not(testing::Contains(HasSubstr("ct-stats-show"))));
}

TEST_F(UserspaceScanTest, MegaflowsThatWouldBeTooLongAreNotAskedFor) {
  script_.answers["upcall/show"] = flow_count(200'000);
  ASSERT_TRUE(scan_.prepare(script_.now));
  EXPECT_EQ(finish(), Progress::refused);
  EXPECT_EQ(scan_.stats().last_too_long, "datapath flows");
  EXPECT_THAT(script_.asked, ElementsAre("upcall/show"));
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::complete) << "the connections are still read";
}

TEST_F(UserspaceScanTest, ANumberThatIsNotToldIsNoReasonNotToAsk) {
  script_.answers.erase("upcall/show");
  script_.answers.erase("dpctl/ct-get-nconns");
  poll();
  EXPECT_EQ(state_.store.stats().flows, 3u);
}

TEST_F(UserspaceScanTest, ARefusedDumpIsSaidWithItsReason) {
  script_.answers.erase("dpctl/dump-conntrack");
  ASSERT_TRUE(start(9));
  EXPECT_EQ(finish(), Progress::refused);
  EXPECT_EQ(scan_.error(), "dpctl/dump-conntrack -m -s netdev@ovs-netdev zone=9: ovs-vswitchd answered: no");
}

TEST_F(UserspaceScanTest, WithoutOvsVswitchdNothingCanBegin) {
  close_server();
  EXPECT_FALSE(scan_.prepare(script_.now));
  EXPECT_FALSE(start(9));
  EXPECT_THAT(scan_.error(), HasSubstr("is ovs-vswitchd running?"));
}

TEST_F(UserspaceScanTest, WhatWasAbandonedIsCharged) {
  script_.answers["dpctl/dump-conntrack"] = connections(1'000, 9);
  script_.answers["dpctl/ct-get-nconns"] = "1000\n";
  script_.cost_ms["dpctl/dump-conntrack"] = 200;
  poll();
  script_.now.monotonic_ms += 60'000;
  script_.asked.clear();
  ASSERT_TRUE(start(9));
  while (scan_.step(script_.now) != Progress::more) ofe_ovs_server_run(server_);  // until the number is known
  EXPECT_EQ(scan_.step(script_.now), Progress::waiting);                          // asked, not answered yet
  scan_.abandon();
  // As much as the last dump of as many: 200 ms are 4 s, the allowance is 400 ms of that.
  EXPECT_GE(budget_.earliest_ms(), script_.now.monotonic_ms + 3'600);
  EXPECT_EQ(scan_.step(script_.now), Progress::complete);
}

}  // namespace
}  // namespace ofe
