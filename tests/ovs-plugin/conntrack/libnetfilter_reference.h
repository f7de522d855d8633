// The other opinion on a ctnetlink message: libnetfilter_conntrack's.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include <array>
#include <cstring>
#include <memory>

#include "flowstore/flow.h"
#include "tests/ovs-plugin/conntrack/kernel_entries.h"

namespace ofe::conntrack {

// What libnetfilter_conntrack makes of a message.
class Reference {
 public:
  explicit Reference(const RawMessage& message) : entry_(nfct_new(), nfct_destroy) {
    parsed_ = nfct_nlmsg_parse(reinterpret_cast<const nlmsghdr*>(message.data()), entry_.get()) == 0;
  }
  bool parsed() const { return parsed_; }
  // With a whole original tuple.
  bool usable() const {
    const bool v4 = has(ATTR_ORIG_IPV4_SRC) && has(ATTR_ORIG_IPV4_DST);
    const bool v6 = has(ATTR_ORIG_IPV6_SRC) && has(ATTR_ORIG_IPV6_DST);
    return parsed_ && (v4 || v6) && has(ATTR_ORIG_L4PROTO);
  }
  bool has_reply() const {
    const bool v4 = has(ATTR_REPL_IPV4_SRC) && has(ATTR_REPL_IPV4_DST);
    const bool v6 = has(ATTR_REPL_IPV6_SRC) && has(ATTR_REPL_IPV6_DST);
    return (v4 || v6) && has(ATTR_REPL_L4PROTO);
  }
  std::uint8_t u8(nf_conntrack_attr a) const { return nfct_get_attr_u8(entry_.get(), a); }
  std::uint16_t u16(nf_conntrack_attr a) const { return nfct_get_attr_u16(entry_.get(), a); }
  std::uint32_t u32(nf_conntrack_attr a) const { return nfct_get_attr_u32(entry_.get(), a); }
  std::uint64_t u64(nf_conntrack_attr a) const { return nfct_get_attr_u64(entry_.get(), a); }
  bool has(nf_conntrack_attr a) const { return nfct_attr_is_set(entry_.get(), a) > 0; }

  // In one direction at least.
  bool counted() const {
    return (has(ATTR_ORIG_COUNTER_PACKETS) && has(ATTR_ORIG_COUNTER_BYTES)) ||
           (has(ATTR_REPL_COUNTER_PACKETS) && has(ATTR_REPL_COUNTER_BYTES));
  }
  // The zone of both directions, or of the one that has one.
  std::uint16_t zone() const {
    for (const nf_conntrack_attr attribute : {ATTR_ZONE, ATTR_ORIG_ZONE, ATTR_REPL_ZONE}) {
      if (const std::uint16_t number = u16(attribute)) return number;
    }
    return 0;
  }
  flowstore::Address address(nf_conntrack_attr v4, nf_conntrack_attr v6) const {
    flowstore::Address result{};
    if (u8(ATTR_ORIG_L3PROTO) == AF_INET)
      return flowstore::address_from_ipv4(static_cast<const std::uint8_t*>(nfct_get_attr(entry_.get(), v4)));
    std::memcpy(result.data(), nfct_get_attr(entry_.get(), v6), result.size());
    return result;
  }
  std::array<std::uint8_t, 16> labels() const {
    std::array<std::uint8_t, 16> result{};
    const auto* mask = static_cast<const nfct_bitmask*>(nfct_get_attr(entry_.get(), ATTR_CONNLABELS));
    for (unsigned bit = 0; mask != nullptr && bit < 128 && bit <= nfct_bitmask_maxbit(mask); ++bit) {
      if (nfct_bitmask_test_bit(mask, bit)) result[15 - bit / 8] |= static_cast<std::uint8_t>(1 << bit % 8);
    }
    return result;
  }

 private:
  std::unique_ptr<nf_conntrack, void (*)(nf_conntrack*)> entry_;
  bool parsed_ = false;
};

inline flowstore::TcpState tcp_state(const Reference& theirs) {
  using flowstore::TcpState;
  constexpr TcpState states[] = {
      TcpState::none,       TcpState::syn_sent, TcpState::syn_received, TcpState::established, TcpState::fin_wait,
      TcpState::close_wait, TcpState::last_ack, TcpState::time_wait,    TcpState::closed,      TcpState::syn_sent};
  const std::uint8_t state = theirs.u8(ATTR_TCP_STATE);
  return state < std::size(states) ? states[state] : TcpState::none;
}

inline void expect_same_tuples(const flowstore::Observation& ours, const Reference& theirs) {
  const std::uint8_t protocol = theirs.u8(ATTR_ORIG_L4PROTO);
  const bool icmp = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
  EXPECT_EQ(ours.original.source, theirs.address(ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC));
  EXPECT_EQ(ours.original.destination, theirs.address(ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST));
  EXPECT_EQ(ours.original.protocol, protocol);
  EXPECT_EQ(ours.original.source_port, ntohs(theirs.u16(icmp ? ATTR_ICMP_ID : ATTR_ORIG_PORT_SRC)));
  EXPECT_EQ(ours.original.destination_port,
            icmp ? theirs.u8(ATTR_ICMP_TYPE) * 256 + theirs.u8(ATTR_ICMP_CODE) : ntohs(theirs.u16(ATTR_ORIG_PORT_DST)));
  if (!theirs.has_reply()) return;  // ours is the original turned around then
  EXPECT_EQ(ours.reply.source, theirs.address(ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC));
  EXPECT_EQ(ours.reply.destination, theirs.address(ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST));
  EXPECT_EQ(ours.reply.protocol, theirs.u8(ATTR_REPL_L4PROTO));
  if (icmp) return;  // of ICMP they keep the original direction only
  EXPECT_EQ(ours.reply.source_port, ntohs(theirs.u16(ATTR_REPL_PORT_SRC)));
  EXPECT_EQ(ours.reply.destination_port, ntohs(theirs.u16(ATTR_REPL_PORT_DST)));
}

inline void expect_same(const flowstore::Observation& ours, const Reference& theirs) {
  expect_same_tuples(ours, theirs);
  EXPECT_EQ(ours.zone, theirs.zone());
  EXPECT_EQ(ours.id, theirs.u32(ATTR_ID));
  EXPECT_EQ(ours.status, theirs.u32(ATTR_STATUS));
  EXPECT_EQ(ours.timeout_s, theirs.u32(ATTR_TIMEOUT));
  EXPECT_EQ(ours.mark, theirs.u32(ATTR_MARK));
  EXPECT_EQ(ours.statistics == flowstore::Statistics::exact, theirs.counted());
  EXPECT_EQ(ours.counters,
            (flowstore::Counters{theirs.u64(ATTR_ORIG_COUNTER_PACKETS), theirs.u64(ATTR_ORIG_COUNTER_BYTES),
                                 theirs.u64(ATTR_REPL_COUNTER_PACKETS), theirs.u64(ATTR_REPL_COUNTER_BYTES)}));
  EXPECT_EQ(ours.start_wall_ms, static_cast<std::int64_t>(theirs.u64(ATTR_TIMESTAMP_START) / 1'000'000));
  EXPECT_EQ(ours.start_ns, theirs.u64(ATTR_TIMESTAMP_START) % 1'000'000);
  EXPECT_EQ(ours.stop_wall_ms, static_cast<std::int64_t>(theirs.u64(ATTR_TIMESTAMP_STOP) / 1'000'000));
  EXPECT_EQ(ours.labels, theirs.labels());
  EXPECT_EQ(ours.tcp_state, tcp_state(theirs));
}

}  // namespace ofe::conntrack
