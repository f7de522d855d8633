#include "ovs-plugin/state_file/flow_message.h"

#include <gtest/gtest.h>

#include "tests/ovs-plugin/state_file/baselines.h"

namespace ofe::state_file {
namespace {

TEST(FlowMessage, AnyBaselineIsReadBackAsItWas) {
  constexpr std::uint64_t seed = 55829;
  RandomBaselines baselines(seed);
  for (int i = 0; i < 10'000; ++i) {
    const flowstore::Baseline written = baselines.next();
    v1::Flow message;
    to_message(written, 17, message);
    v1::Flow carried;
    ASSERT_TRUE(carried.ParseFromString(message.SerializeAsString()));
    flowstore::Baseline read;
    ASSERT_TRUE(from_message(carried, read)) << "seed " << seed << ", number " << i;
    ASSERT_TRUE(same(read, written)) << "seed " << seed << ", number " << i;
    ASSERT_EQ(carried.names(), 17u);
  }
}

TEST(FlowMessage, AnUntranslatedReplyTakesNoRoom) {
  flowstore::Baseline baseline;
  const std::uint8_t client[] = {10, 0, 0, 1}, server[] = {10, 0, 0, 2};
  baseline.flow.original = {flowstore::address_from_ipv4(client), flowstore::address_from_ipv4(server), 40'000, 80, 6};
  baseline.flow.reply = {baseline.flow.original.destination, baseline.flow.original.source, 80, 40'000, 6};
  v1::Flow message;
  to_message(baseline, 0, message);
  EXPECT_EQ(message.original_source().size(), 4u);
  EXPECT_FALSE(message.has_reply_source());
}

TEST(FlowMessage, AValueOutOfItsRangeIsRefused) {
  v1::Flow valid;
  to_message(RandomBaselines(1).next(), 0, valid);
  flowstore::Baseline read;
  ASSERT_TRUE(from_message(valid, read));
  const std::function<void(v1::Flow&)> damages[] = {
      [](v1::Flow& m) { m.set_protocol(256); },
      [](v1::Flow& m) { m.set_zone(65536); },
      [](v1::Flow& m) { m.set_tcp_state(10); },
      [](v1::Flow& m) { m.set_statistics(3); },
      [](v1::Flow& m) { m.set_end_reason(6); },
      [](v1::Flow& m) { m.set_labels("short"); },
      [](v1::Flow& m) { m.set_original_source(""); },
      [](v1::Flow& m) { m.set_original_destination("12345"); },
      [](v1::Flow& m) { m.set_reply_source("1"); },
      [](v1::Flow& m) { m.set_reply_source("1234"), m.set_reply_destination("1234"), m.set_reply_protocol(256); },
      [](v1::Flow& m) { m.set_start_wall_ms(-1); },
      [](v1::Flow& m) { m.set_start_wall_ms(INT64_MAX); },
      [](v1::Flow& m) { m.set_last_wall_ms(INT64_MAX); },
      [](v1::Flow& m) { m.set_last_wall_ms(INT64_MIN); },
      [](v1::Flow& m) { m.set_first_monotonic_ms(INT64_MIN); },
      [](v1::Flow& m) { m.set_first_monotonic_ms(INT64_MAX); },
  };
  for (std::size_t i = 0; i < std::size(damages); ++i) {
    v1::Flow damaged = valid;
    damages[i](damaged);
    EXPECT_FALSE(from_message(damaged, read)) << i;
  }
}

TEST(FlowMessage, BirthsAreReadBackAndHeldToTheirRange) {
  const flowstore::Births written{1'700'000'000'000, {{65520, 1'700'000'000'001}, {0, 5}}};
  v1::Births message;
  to_message(written, message);
  flowstore::Births read;
  ASSERT_TRUE(from_message(message, read));
  EXPECT_EQ(read, written);
  message.mutable_of_zones(0)->set_zone(65536);
  EXPECT_FALSE(from_message(message, read));
  message.mutable_of_zones(0)->set_zone(1);
  message.set_from_wall_ms(INT64_MIN);
  EXPECT_FALSE(from_message(message, read));
}

}  // namespace
}  // namespace ofe::state_file
