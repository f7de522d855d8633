#include "ovs-plugin/datapath/netflow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/mutations.h"

namespace ofe::datapath {
namespace {

using Datagram = std::vector<std::uint8_t>;

// The fields of ofproto/netflow.c in the order of lib/netflow.h, worked out by hand.
const Datagram tcp = {
    0,    5,    0,    1,                                     // version, count
    0,    0,    0x27, 0x10,                                  // sysuptime
    0x6a, 0x1f, 0x3c, 0x40, 0,  0,  0,    0,                 // seconds, nanoseconds
    0,    0,    0,    7,                                     // number of the last record
    3,    9,    0,    0,                                     // engine type and id, sampling
    10,   10,   0,    1,    10, 96, 0,    10,   0, 0, 0, 0,  // source, destination, next hop
    0,    1,    0xff, 0xfd,                                  // input, output (recirculation)
    0,    0,    0,    143,  0,  0,  0x3a, 0x98,              // packets, octets (15000)
    0,    0,    0,    1,    0,  0,  0,    2,                 // first, last
    0xc1, 0x22, 0,    80,                                    // ports
    0,    0x1b, 6,    0,                                     // padding, flags, protocol, ToS
    0,    0,    0,    0,    0,  0,  0,    0,
};

// `count` copies of the record above, the last of them with number `last`.
Datagram datagram(std::uint8_t count, std::uint32_t last, std::uint8_t engine = 9) {
  Datagram result(tcp.begin(), tcp.begin() + 24);
  result[3] = count;
  for (int i = 0; i < 4; ++i) result[16 + i] = static_cast<std::uint8_t>(last >> (24 - 8 * i));
  result[21] = engine;
  for (int i = 0; i < count; ++i) result.insert(result.end(), tcp.begin() + 24, tcp.end());
  return result;
}

const auto ignore = [](const NetflowRecord&) {};

TEST(Netflow, ARecordsFields) {
  NetflowDecoder decoder;
  std::vector<NetflowRecord> records;
  ASSERT_TRUE(decoder.decode(tcp, [&](const NetflowRecord& record) { records.push_back(record); }));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].tuple, (flowstore::Tuple{*flowstore::parse_address("10.10.0.1"),
                                                *flowstore::parse_address("10.96.0.10"), 49442, 80, 6}));
  EXPECT_EQ(records[0].packets, 143u);
  EXPECT_EQ(records[0].octets, 15000u - 143 * 14);
  EXPECT_EQ(decoder.stats().datagrams, 1u);
  EXPECT_EQ(decoder.stats().records, 1u);
}

// One datagram of OVS 3.1, as it came: an echo request from 10.0.0.1 to 10.0.0.2, a frame of 106 octets.
TEST(Netflow, ADatagramOfOpenVSwitch) {
  const Datagram recorded = {
      0x00, 0x05, 0x00, 0x01, 0x00, 0x00, 0x17, 0x78, 0x6b, 0x02, 0xcd, 0x6c, 0x26, 0x9a, 0xfd, 0x4c, 0x00, 0x00,
      0x00, 0x0f, 0x03, 0x09, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x01, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x6a, 0x00, 0x00, 0x00, 0x4d, 0x00, 0x00,
      0x11, 0xd0, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  };
  NetflowDecoder decoder;
  EXPECT_TRUE(decoder.decode(recorded, [](const NetflowRecord& record) {
    EXPECT_EQ(record.tuple, (flowstore::Tuple{*flowstore::parse_address("10.0.0.1"),
                                              *flowstore::parse_address("10.0.0.2"), 0, 2048, 1}));
    EXPECT_EQ(record.packets, 1u);
    EXPECT_EQ(record.octets, 92u);
  }));
  EXPECT_EQ(decoder.stats().records, 1u);
}

TEST(Netflow, IcmpHasTypeAndCodeInTheDestinationPort) {
  Datagram icmp = tcp;
  const std::uint8_t ports[] = {0, 0, 8, 3};
  std::ranges::copy(ports, icmp.begin() + 56);
  icmp[62] = 1;
  NetflowDecoder decoder;
  decoder.decode(icmp, [](const NetflowRecord& record) {
    EXPECT_EQ(record.tuple.source_port, 0);
    EXPECT_EQ(record.tuple.destination_port, 8 * 256 + 3);
    EXPECT_EQ(record.tuple.protocol, 1);
  });
  EXPECT_EQ(decoder.stats().records, 1u);
}

TEST(Netflow, OctetsNeverGoBelowZero) {
  Datagram small = tcp;
  small[24 + 22] = 0;
  small[24 + 23] = 100;
  NetflowDecoder decoder;
  decoder.decode(small, [](const NetflowRecord& record) { EXPECT_EQ(record.octets, 0u); });
  EXPECT_EQ(decoder.stats().records, 1u);
}

TEST(Netflow, RefusesWhatIsNotVersionFiveOfItsLength) {
  NetflowDecoder decoder;
  std::vector<Datagram> wrong = {{}, {0, 5}, Datagram(tcp.begin(), tcp.begin() + 24), tcp, tcp, tcp, tcp};
  wrong[3][1] = 9;
  wrong[4][3] = 2;
  wrong[5].pop_back();
  wrong[6].push_back(0);
  for (const Datagram& octets : wrong) {
    EXPECT_FALSE(decoder.decode(octets, [](const NetflowRecord&) { ADD_FAILURE(); }));
  }
  EXPECT_EQ(decoder.stats().datagrams, wrong.size());
  EXPECT_EQ(decoder.stats().malformed, wrong.size());
}

// OVS writes the number of the last record into the header, so records 0…29, then 30…34, then a lost one, then 36.
TEST(Netflow, LostRecordsAreGapsOfTheSequence) {
  NetflowDecoder decoder;
  EXPECT_TRUE(decoder.decode(datagram(30, 29), ignore));
  EXPECT_TRUE(decoder.decode(datagram(5, 34), ignore));
  EXPECT_EQ(decoder.stats().lost_records, 0u);
  EXPECT_TRUE(decoder.decode(datagram(1, 36), ignore));
  EXPECT_EQ(decoder.stats().lost_records, 1u);
  EXPECT_TRUE(decoder.decode(datagram(2, 98), ignore));  // 37…96 lost
  EXPECT_EQ(decoder.stats().lost_records, 61u);
}

// Counts and sequence numbers of the first datagrams OVS 3.1 sent.
TEST(Netflow, TheSequenceOfOpenVSwitchHasNoGaps) {
  NetflowDecoder decoder;
  const std::pair<std::uint8_t, std::uint32_t> recorded[] = {{4, 3}, {4, 7}, {4, 11}, {3, 14}, {1, 15}};
  for (const auto& [count, last] : recorded) EXPECT_TRUE(decoder.decode(datagram(count, last), ignore));
  EXPECT_EQ(decoder.stats().lost_records, 0u);
  EXPECT_EQ(decoder.stats().records, 16u);
}

TEST(Netflow, EnginesAreNumberedApart) {
  NetflowDecoder decoder;
  EXPECT_TRUE(decoder.decode(datagram(1, 100, 1), ignore));
  EXPECT_TRUE(decoder.decode(datagram(1, 500, 2), ignore));
  EXPECT_TRUE(decoder.decode(datagram(1, 101, 1), ignore));
  EXPECT_TRUE(decoder.decode(datagram(1, 503, 2), ignore));
  EXPECT_EQ(decoder.stats().lost_records, 2u);
}

TEST(Netflow, TheSequenceWraps) {
  NetflowDecoder decoder;
  EXPECT_TRUE(decoder.decode(datagram(1, 0xfffffffe), ignore));
  EXPECT_TRUE(decoder.decode(datagram(3, 1), ignore));  // 0xffffffff, 0, 1
  EXPECT_EQ(decoder.stats().lost_records, 0u);
  EXPECT_TRUE(decoder.decode(datagram(1, 3), ignore));
  EXPECT_EQ(decoder.stats().lost_records, 1u);
}

TEST(Netflow, ARestartIsNoLoss) {
  for (const std::uint32_t before : {1000u, 3'000'000'000u}) {
    NetflowDecoder decoder;
    EXPECT_TRUE(decoder.decode(datagram(1, before), ignore));
    EXPECT_TRUE(decoder.decode(datagram(30, 29), ignore));
    EXPECT_EQ(decoder.stats().lost_records, 0u) << before;
    EXPECT_TRUE(decoder.decode(datagram(1, 31), ignore));
    EXPECT_EQ(decoder.stats().lost_records, 1u) << before;
  }
}

TEST(Netflow, SurvivesMutation) {
  Mutations mutations;
  NetflowDecoder decoder;
  const Datagram valid = datagram(30, 29);
  std::uint64_t delivered = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Datagram damaged = mutations.damaged(std::span<const std::uint8_t>(valid));
    decoder.decode(damaged, [&](const NetflowRecord& record) {
      EXPECT_LE(record.octets, 0xffffffffu);
      ++delivered;
    });
  }
  EXPECT_EQ(decoder.stats().records, delivered);
  EXPECT_EQ(decoder.stats().datagrams, 20'000u);
  EXPECT_EQ(delivered, 30 * (20'000 - decoder.stats().malformed));
}

}  // namespace
}  // namespace ofe::datapath
