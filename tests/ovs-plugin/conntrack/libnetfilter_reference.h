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
  std::uint8_t u8(nf_conntrack_attr a) const { return nfct_get_attr_u8(entry_.get(), a); }
  std::uint16_t u16(nf_conntrack_attr a) const { return nfct_get_attr_u16(entry_.get(), a); }
  std::uint32_t u32(nf_conntrack_attr a) const { return nfct_get_attr_u32(entry_.get(), a); }
  std::uint64_t u64(nf_conntrack_attr a) const { return nfct_get_attr_u64(entry_.get(), a); }
  bool has(nf_conntrack_attr a) const { return nfct_attr_is_set(entry_.get(), a) > 0; }

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

inline void expect_same(const flowstore::Observation& ours, const Reference& theirs) {
  EXPECT_EQ(ours.original.source, theirs.address(ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC));
  EXPECT_EQ(ours.original.destination, theirs.address(ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST));
  EXPECT_EQ(ours.reply.source, theirs.address(ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC));
  EXPECT_EQ(ours.reply.destination, theirs.address(ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST));
  EXPECT_EQ(ours.original.protocol, theirs.u8(ATTR_ORIG_L4PROTO));
  EXPECT_EQ(ours.reply.protocol, theirs.u8(ATTR_REPL_L4PROTO));
  if (theirs.has(ATTR_ICMP_TYPE)) {
    EXPECT_EQ(ours.original.source_port, ntohs(theirs.u16(ATTR_ICMP_ID)));
    EXPECT_EQ(ours.original.destination_port, theirs.u8(ATTR_ICMP_TYPE) * 256 + theirs.u8(ATTR_ICMP_CODE));
  } else {
    EXPECT_EQ(ours.original.source_port, ntohs(theirs.u16(ATTR_ORIG_PORT_SRC)));
    EXPECT_EQ(ours.original.destination_port, ntohs(theirs.u16(ATTR_ORIG_PORT_DST)));
    EXPECT_EQ(ours.reply.source_port, ntohs(theirs.u16(ATTR_REPL_PORT_SRC)));
    EXPECT_EQ(ours.reply.destination_port, ntohs(theirs.u16(ATTR_REPL_PORT_DST)));
  }
  EXPECT_EQ(ours.zone, theirs.has(ATTR_ORIG_ZONE) ? theirs.u16(ATTR_ORIG_ZONE) : theirs.u16(ATTR_ZONE));
  EXPECT_EQ(ours.id, theirs.u32(ATTR_ID));
  EXPECT_EQ(ours.status, theirs.u32(ATTR_STATUS));
  EXPECT_EQ(ours.timeout_s, theirs.u32(ATTR_TIMEOUT));
  EXPECT_EQ(ours.mark, theirs.u32(ATTR_MARK));
  EXPECT_EQ(ours.statistics == flowstore::Statistics::exact, theirs.has(ATTR_ORIG_COUNTER_PACKETS));
  EXPECT_EQ(ours.counters,
            (flowstore::Counters{theirs.u64(ATTR_ORIG_COUNTER_PACKETS), theirs.u64(ATTR_ORIG_COUNTER_BYTES),
                                 theirs.u64(ATTR_REPL_COUNTER_PACKETS), theirs.u64(ATTR_REPL_COUNTER_BYTES)}));
  EXPECT_EQ(ours.start_wall_ms, static_cast<std::int64_t>(theirs.u64(ATTR_TIMESTAMP_START) / 1'000'000));
  EXPECT_EQ(ours.labels, theirs.labels());
  EXPECT_EQ(ours.tcp_state == flowstore::TcpState::established,
            theirs.has(ATTR_TCP_STATE) && theirs.u8(ATTR_TCP_STATE) == 3);
}

}  // namespace ofe::conntrack
