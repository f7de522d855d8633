// Files that are cut, damaged or made up. The sanitizers watch.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "ovs-plugin/state_file/state_file.pb.h"
#include "tests/mutations.h"
#include "tests/ovs-plugin/state_file/baselines.h"

namespace ofe::state_file {
namespace {

std::string small_file() {
  std::string file;
  RandomBaselines random(3);
  Writer out({"boot", 1, 2, "3"}, [&](std::string_view octets) {
    file += octets;
    return true;
  });
  out.add_template({256, 0, {{0, 8, 4}, {55829, 101, 65535}}});
  const std::uint8_t record[] = {1, 2, 3, 4, 2, 'a', 'b'};
  out.add_record("", 256, record);
  for (int i = 0; i < 5; ++i) {
    flowstore::Baseline baseline = random.next();
    baseline.flow.names = static_cast<flowstore::NameHandle>(i % 2);
    out.add_flow(baseline, {"pod", "ns", "node", "", "", "", ""});
  }
  out.add_births({1'700'000'000'000, {{65520, 1'700'000'000'001}}});
  EXPECT_TRUE(out.finish());
  return file;
}

// Copied, so that a read past the end is one.
std::string problem_of(std::vector<std::uint8_t> file) {
  const std::vector<std::uint8_t> exact(file.begin(), file.end());
  return check(exact).problem;
}

std::vector<std::uint8_t> octets_in(const std::string& file) {
  return {file.begin(), file.end()};
}

TEST(HostileStateFile, EveryTruncationIsNoticed) {
  const auto whole = octets_in(small_file());
  ASSERT_EQ(problem_of(whole), "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(problem_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}), "") << length;
  }
}

TEST(HostileStateFile, EveryFlippedBitIsNoticed) {
  const auto whole = octets_in(small_file());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto damaged = whole;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(problem_of(damaged), "") << "bit " << bit;
  }
}

TEST(HostileStateFile, WhateverFollowsTheEndIsNoticed) {
  auto longer = octets_in(small_file());
  longer.push_back(0);
  EXPECT_NE(problem_of(longer), "");
  longer.resize(longer.size() + 7);
  EXPECT_NE(problem_of(longer), "");
}

TEST(HostileStateFile, DamageOfAnyKindIsSurvived) {
  Mutations mutations;
  const auto whole = octets_in(small_file());
  for (int i = 0; i < 20'000; ++i) {
    const auto damaged = mutations.damaged(std::span(std::as_const(whole)));
    if (damaged == whole) continue;
    EXPECT_NE(check(damaged).problem, "");
    Kept kept;
    static_cast<void>(read(damaged, kept));
  }
}

// Right checksums around damaged messages: only somebody who means it writes that.
TEST(HostileStateFile, WhatIsTakenFromForgedMessagesIsWithinItsRange) {
  const google::protobuf::LogSilencer silencer;
  Mutations mutations;
  const std::string whole = small_file();
  std::vector<std::vector<std::uint8_t>> messages;
  BlockReader blocks(octets_of(whole));
  Octets message;
  while (blocks.next(message)) messages.emplace_back(message.begin(), message.end());
  ASSERT_EQ(messages.size(), 3u);

  std::uint64_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string file;
    std::uint32_t checksum = 0;
    append_preamble(file);
    for (const auto& original : messages) {
      auto forged = mutations.below(2) == 0 ? original : mutations.damaged(std::span(std::as_const(original)));
      append_block({reinterpret_cast<const char*>(forged.data()), forged.size()}, checksum, file);
    }
    static_cast<void>(check(octets_of(file)));
    Kept kept;
    static_cast<void>(read(octets_of(file), kept));
    taken += kept.flows.size();
    flowstore::Store store({3}, {}, {1'000, 1'700'000'000'000});
    for (const flowstore::Baseline& flow : kept.flows) {
      EXPECT_LE(flow.flow.tcp_state, flowstore::TcpState::closed);
      EXPECT_LE(flow.flow.statistics, flowstore::Statistics::estimated);
      store.resume(flow, {1'000, 1'700'000'000'000});
      flowstore::Observation seen;
      seen.original = flow.flow.original;
      seen.reply = flow.flow.reply;
      seen.zone = flow.flow.zone;
      seen.id = flow.flow.id;
      store.observe(seen, {2'000, 1'700'000'001'000});
    }
    store.resume_births(kept.births);
    store.export_due({1'000'000, 1'700'001'000'000}, 10, [](flowstore::Export&) { return true; });
  }
  EXPECT_GT(taken, 0u);
}

TEST(HostileStateFile, NamesThatAreNotThereAreRefused) {
  std::string file;
  std::uint32_t checksum = 0;
  v1::Block block;
  block.mutable_origin();
  v1::Flow& flow = *block.add_flows();
  flow.set_original_source("1234");
  flow.set_original_destination("1234");
  flow.set_names(1);
  block.mutable_end();
  append_preamble(file);
  append_block(block.SerializeAsString(), checksum, file);
  ASSERT_EQ(check(octets_of(file)).problem, "");
  Kept kept;
  EXPECT_EQ(read(octets_of(file), kept), "has a value out of its range in flow 1");
  EXPECT_TRUE(kept.flows.empty());
}

}  // namespace
}  // namespace ofe::state_file
