#include <gtest/gtest.h>

#include "ovs-plugin/conntrack/kernel_source.h"
#include "tests/mutations.h"
#include "tests/ovs-plugin/conntrack/ctnetlink_message.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::Statistics;
using flowstore::TcpState;

// The payload of a message under construction; attributes may be added until it is read.
class Message {
 public:
  explicit Message(const Entry& entry) : header_(put_entry(buffer_.data(), entry)) {}
  Message() : Message(std::uint8_t{AF_INET}) {}
  explicit Message(std::uint8_t family) : header_(mnl_nlmsg_put_header(buffer_.data())) {
    static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(nfgenmsg)))->nfgen_family = family;
  }
  nlmsghdr* operator*() { return header_; }
  // Allocated exactly, for the address sanitizer.
  std::vector<std::uint8_t> payload() const {
    const auto* start = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(header_));
    return {start, start + mnl_nlmsg_get_payload_len(header_)};
  }
  bool decode(Observation& out) const {
    const auto octets = payload();
    return decode_ctnetlink(octets.data(), octets.size(), out);
  }

 private:
  alignas(nlmsghdr) std::array<char, 4096> buffer_{};
  nlmsghdr* header_;
};

Entry tcp_entry() {
  Entry entry;
  entry.original = tuple_of("10.10.0.1", 49448, "10.96.0.10", 80, IPPROTO_TCP);
  entry.reply = tuple_of("10.10.0.2", 5201, "10.10.0.1", 49448, IPPROTO_TCP);
  entry.zone = 65520;
  entry.mark = 16;
  entry.timeout_s = 431999;
  entry.status = 14;
  entry.tcp_state = 3;
  return entry;
}

void put_counters(nlmsghdr* message, std::uint16_t type, std::uint64_t packets, std::uint64_t octets) {
  Nest nest(message, type);
  mnl_attr_put_u64(message, CTA_COUNTERS_PACKETS, htobe64(packets));
  mnl_attr_put_u64(message, CTA_COUNTERS_BYTES, htobe64(octets));
}

// Makes the nest of this type, the last attribute of the message, longer by a CTA_TUPLE_ZONE.
void put_zone_into_last(nlmsghdr* message, std::uint16_t type) {
  auto* nest = static_cast<nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
  while (mnl_attr_get_type(nest) != type) nest = mnl_attr_next(nest);
  const auto before = message->nlmsg_len;
  mnl_attr_put_u16(message, CTA_TUPLE_ZONE, htons(9));
  nest->nla_len = static_cast<std::uint16_t>(nest->nla_len + message->nlmsg_len - before);
}

// The payload of one message of a kernel 6.18 dump, as it came: a TCP connection over loopback in zone 11.
const std::vector<std::uint8_t> recorded = {
#include "tests/ovs-plugin/conntrack/data/ctnetlink_tcp.inc"
};

TEST(DecodeCtnetlink, AMessageOfTheKernel) {
  Observation seen;
  ASSERT_TRUE(decode_ctnetlink(recorded.data(), recorded.size(), seen));
  EXPECT_EQ(seen.original, tuple_of("127.0.0.1", 0xd4bc, "127.0.0.1", 0x1451, IPPROTO_TCP));
  EXPECT_EQ(seen.reply, tuple_of("127.0.0.1", 0x1451, "127.0.0.1", 0xd4bc, IPPROTO_TCP));
  EXPECT_EQ(seen.zone, 0x0b);
  EXPECT_EQ(seen.id, 0x14127699u);
  EXPECT_EQ(seen.mark, 0x21u);
  EXPECT_EQ(seen.status, 0x0eu);
  EXPECT_EQ(seen.timeout_s, 0x6977fu);
  EXPECT_EQ(seen.tcp_state, TcpState::established);
  EXPECT_EQ(seen.statistics, Statistics::exact);
  EXPECT_EQ(seen.counters, (flowstore::Counters{3, 0xe4, 2, 0x70}));
  EXPECT_EQ(seen.start_wall_ms, 0x18ea592a3cb42772 / 1'000'000);
  EXPECT_EQ(seen.labels, (std::array<std::uint8_t, 16>{}));
}

TEST(DecodeCtnetlink, EveryFieldOfATcpEntry) {
  Entry entry = tcp_entry();
  entry.labels = {0x55, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};
  Message message(entry);
  put_counters(*message, CTA_COUNTERS_ORIG, 400, 17060205);
  put_counters(*message, CTA_COUNTERS_REPLY, 317, 16492);
  mnl_attr_put_u32(*message, CTA_ID, htonl(1599388743));
  {
    Nest times(*message, CTA_TIMESTAMP);
    mnl_attr_put_u64(*message, CTA_TIMESTAMP_START, htobe64(1795337703300'999'999));
    mnl_attr_put_u64(*message, CTA_TIMESTAMP_STOP, htobe64(1795337704000'000'000));
  }
  Observation seen;
  ASSERT_TRUE(message.decode(seen));
  EXPECT_EQ(seen.original, entry.original);
  EXPECT_EQ(seen.reply, entry.reply);
  EXPECT_EQ(seen.zone, 65520);
  EXPECT_EQ(seen.id, 1599388743u);
  EXPECT_EQ(seen.start_wall_ms, 1795337703300);
  EXPECT_EQ(seen.stop_wall_ms, 1795337704000);
  EXPECT_EQ(seen.counters, (flowstore::Counters{400, 17060205, 317, 16492}));
  EXPECT_EQ(seen.statistics, Statistics::exact);
  EXPECT_EQ(seen.tcp_state, TcpState::established);
  EXPECT_EQ(seen.status, 14u);
  EXPECT_EQ(seen.timeout_s, 431999u);
  EXPECT_EQ(seen.mark, 16u);
  // As dump-conntrack prints it on a little-endian machine: 0x80…0900000055.
  EXPECT_EQ(seen.labels, (std::array<std::uint8_t, 16>{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0x55}));
}

TEST(DecodeCtnetlink, TcpStates) {
  const TcpState states[] = {TcpState::none,     TcpState::syn_sent,   TcpState::syn_received, TcpState::established,
                             TcpState::fin_wait, TcpState::close_wait, TcpState::last_ack,     TcpState::time_wait,
                             TcpState::closed,   TcpState::syn_sent,   TcpState::none};
  for (std::uint8_t state = 0; state < std::size(states); ++state) {
    Entry entry = tcp_entry();
    entry.tcp_state = state;
    Observation seen;
    ASSERT_TRUE(Message(entry).decode(seen));
    EXPECT_EQ(seen.tcp_state, states[state]) << int{state};
  }
}

TEST(DecodeCtnetlink, WithoutAReplyTupleTheOriginalIsTurnedAround) {
  const struct {
    flowstore::Tuple original, reply;
  } cases[] = {
      {tuple_of("10.0.0.1", 1, "10.0.0.2", 2, IPPROTO_UDP), tuple_of("10.0.0.2", 2, "10.0.0.1", 1, IPPROTO_UDP)},
      {tuple_of("10.0.0.1", 7, "10.0.0.2", 8 << 8, IPPROTO_ICMP), tuple_of("10.0.0.2", 7, "10.0.0.1", 0, IPPROTO_ICMP)},
      {tuple_of("10.0.0.1", 7, "10.0.0.2", 14 << 8 | 1, IPPROTO_ICMP),
       tuple_of("10.0.0.2", 7, "10.0.0.1", 13 << 8 | 1, IPPROTO_ICMP)},
      {tuple_of("fd00::1", 7, "fd00::2", 128 << 8, IPPROTO_ICMPV6),
       tuple_of("fd00::2", 7, "fd00::1", 129 << 8, IPPROTO_ICMPV6)},
      {tuple_of("fd00::1", 7, "fd00::2", 135 << 8, IPPROTO_ICMPV6),
       tuple_of("fd00::2", 7, "fd00::1", 135 << 8, IPPROTO_ICMPV6)},
  };
  for (const auto& c : cases) {
    Message message;
    put_tuple(*message, CTA_TUPLE_ORIG, c.original);
    Observation seen;
    ASSERT_TRUE(message.decode(seen));
    EXPECT_EQ(seen.original, c.original);
    EXPECT_EQ(seen.reply, c.reply);
  }
}

TEST(DecodeCtnetlink, AZoneOfOneDirectionStandsInItsTuple) {
  for (const auto direction : {CTA_TUPLE_ORIG, CTA_TUPLE_REPLY}) {
    Message message;
    for (const auto type : {CTA_TUPLE_ORIG, CTA_TUPLE_REPLY}) {
      const auto tuple = type == CTA_TUPLE_ORIG ? tcp_entry().original : tcp_entry().reply;
      put_tuple(*message, type, tuple);
      if (type != direction) continue;
      put_zone_into_last(*message, type);
    }
    Observation seen;
    ASSERT_TRUE(message.decode(seen));
    EXPECT_EQ(seen.zone, 9);
  }
}

TEST(DecodeCtnetlink, WithoutCountersThereAreNoStatistics) {
  Message message(tcp_entry());
  Observation seen;
  ASSERT_TRUE(message.decode(seen));
  EXPECT_EQ(seen.statistics, Statistics::none);
  EXPECT_EQ(seen.counters, flowstore::Counters{});
}

TEST(DecodeCtnetlink, UnknownAttributesAreSkipped) {
  Message message(tcp_entry());
  mnl_attr_put_u32(*message, 77, 1);
  mnl_attr_put(*message, 78, 3, "abc");
  Observation seen;
  EXPECT_TRUE(message.decode(seen));
}

TEST(DecodeCtnetlink, RefusesWhatHasNoUsableOriginalTuple) {
  Observation seen;
  EXPECT_FALSE(decode_ctnetlink(nullptr, 0, seen));
  EXPECT_FALSE(Message().decode(seen));
  Message reply_only;
  put_tuple(*reply_only, CTA_TUPLE_REPLY, tcp_entry().reply);
  EXPECT_FALSE(reply_only.decode(seen));

  Message no_addresses;
  {
    Nest tuple(*no_addresses, CTA_TUPLE_ORIG);
    Nest protocol(*no_addresses, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(*no_addresses, CTA_PROTO_NUM, IPPROTO_TCP);
  }
  EXPECT_FALSE(no_addresses.decode(seen));

  Message mixed_families;
  {
    Nest tuple(*mixed_families, CTA_TUPLE_ORIG);
    {
      Nest ip(*mixed_families, CTA_TUPLE_IP);
      mnl_attr_put(*mixed_families, CTA_IP_V4_SRC, 4, "abcd");
      mnl_attr_put(*mixed_families, CTA_IP_V6_DST, 16, "abcdabcdabcdabcd");
    }
    Nest protocol(*mixed_families, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(*mixed_families, CTA_PROTO_NUM, IPPROTO_TCP);
  }
  EXPECT_FALSE(mixed_families.decode(seen));
}

TEST(DecodeCtnetlink, RefusesAttributesOfAnotherLength) {
  const std::pair<std::uint16_t, std::size_t> wrong[] = {
      {CTA_STATUS, 2},  {CTA_TIMEOUT, 8},   {CTA_MARK, 3},          {CTA_ID, 0},       {CTA_ZONE, 4},
      {CTA_LABELS, 17}, {CTA_TIMESTAMP, 3}, {CTA_COUNTERS_ORIG, 1}, {CTA_PROTOINFO, 2}};
  const char octets[32] = {1};
  for (const auto& [type, length] : wrong) {
    Message message(tcp_entry());
    mnl_attr_put(*message, type, length, octets);
    Observation seen;
    EXPECT_FALSE(message.decode(seen)) << type;
  }
}

TEST(DecodeCtnetlink, SurvivesTruncationAndMutation) {
  Entry v6;
  v6.original = tuple_of("fd00::1", 7, "fd00::2", 128 << 8, IPPROTO_ICMPV6);
  v6.reply = tuple_of("fd00::2", 7, "fd00::1", 129 << 8, IPPROTO_ICMPV6);
  v6.labels = std::vector<std::uint8_t>(16, 1);
  Mutations mutations;
  std::size_t refused = 0, decoded = 0;
  for (const auto& valid : {recorded, Message(tcp_entry()).payload(), Message(v6).payload()}) {
    Observation seen;
    for (std::size_t length = 0; length < valid.size(); ++length) {
      const std::vector<std::uint8_t> cut(valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(length));
      ++(decode_ctnetlink(cut.data(), cut.size(), seen) ? decoded : refused);
    }
    for (int i = 0; i < 100'000; ++i) {
      const auto damaged = mutations.damaged(std::span<const std::uint8_t>(valid));
      ++(decode_ctnetlink(damaged.data(), damaged.size(), seen) ? decoded : refused);
    }
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(decoded, 0u);
}

}  // namespace
}  // namespace ofe::conntrack
