// Messages as net/openvswitch/flow_netlink.c writes them, put together here from linux/openvswitch.h. That real ones
// read the same is seen in the kernel-datapath VM (tests/vm).
#include "ovs-plugin/datapath/flow_message.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/openvswitch.h>

#include <array>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "ovs-plugin/datapath/tuple_match.h"

namespace ofe::datapath {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The attributes of one flow.
class FlowMessage {
 public:
  FlowMessage() : header_(mnl_nlmsg_put_header(buffer_.data())) {}

  template <class Value>
  FlowMessage& put(std::uint16_t type, const Value& value) {
    mnl_attr_put(header_, type, sizeof value, &value);
    return *this;
  }
  FlowMessage& flag(std::uint16_t type) {
    mnl_attr_put(header_, type, 0, nullptr);
    return *this;
  }
  FlowMessage& nest(std::uint16_t type, const std::function<void(FlowMessage&)>& fill) {
    nlattr* nest = mnl_attr_nest_start(header_, type);
    fill(*this);
    mnl_attr_nest_end(header_, nest);
    return *this;
  }
  Bytes attributes() const {
    const auto* first = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(header_));
    return {first, first + mnl_nlmsg_get_payload_len(header_)};
  }

 private:
  alignas(nlmsghdr) std::array<char, 4096> buffer_{};
  nlmsghdr* header_;
};

ovs_key_ipv4 ipv4(const char* source, const char* destination, std::uint8_t protocol, std::uint8_t fragment = 0) {
  ovs_key_ipv4 key{};
  inet_pton(AF_INET, source, &key.ipv4_src);
  inet_pton(AF_INET, destination, &key.ipv4_dst);
  key.ipv4_proto = protocol;
  key.ipv4_frag = fragment;
  return key;
}
ovs_key_tcp tcp(std::uint16_t source, std::uint16_t destination) {
  return {htons(source), htons(destination)};
}
flowstore::Address address(const char* text) {
  return *flowstore::parse_address(text);
}

// From Pod port 3 to a Service, TCP, tracked in zone 65520.
FlowMessage tracked() {
  FlowMessage m;
  m.nest(OVS_FLOW_ATTR_KEY, [](FlowMessage& key) {
     key.put(OVS_KEY_ATTR_RECIRC_ID, std::uint32_t{0})
         .put(OVS_KEY_ATTR_IN_PORT, std::uint32_t{3})
         .put(OVS_KEY_ATTR_ETHERTYPE, htons(0x0800))
         .put(OVS_KEY_ATTR_IPV4, ipv4("10.10.0.5", "10.96.0.10", 6))
         .put(OVS_KEY_ATTR_TCP, tcp(40000, 80));
   }).nest(OVS_FLOW_ATTR_MASK, [](FlowMessage& mask) {
    mask.put(OVS_KEY_ATTR_RECIRC_ID, ~std::uint32_t{0})
        .put(OVS_KEY_ATTR_IN_PORT, ~std::uint32_t{0})
        .put(OVS_KEY_ATTR_ETHERTYPE, std::uint16_t{0xffff})
        .put(OVS_KEY_ATTR_IPV4, ipv4("255.255.255.0", "255.255.255.255", 0xff, 0xff))
        .put(OVS_KEY_ATTR_TCP, tcp(0, 0xffff));
  });
  return m;
}

class KernelFlow : public testing::Test {
 protected:
  bool decode(const Bytes& attributes) { return decode_flow(attributes, 10'000, ports_, flow_); }

  PortNames ports_;
  Megaflow flow_;
};

TEST_F(KernelFlow, KeyMaskActionsAndStatistics) {
  ports_.set(3, "web-1");
  FlowMessage m = tracked();
  m.nest(OVS_FLOW_ATTR_ACTIONS,
         [](FlowMessage& actions) {
           actions.nest(OVS_ACTION_ATTR_CT, [](FlowMessage& ct) {
             ct.flag(OVS_CT_ATTR_COMMIT)
                 .put(OVS_CT_ATTR_ZONE, std::uint16_t{65520})
                 .nest(OVS_CT_ATTR_NAT, [](FlowMessage&) {});
           });
           actions.put(OVS_ACTION_ATTR_RECIRC, std::uint32_t{0x10});
         })
      .put(OVS_FLOW_ATTR_STATS, ovs_flow_stats{7, 700})
      .put(OVS_FLOW_ATTR_USED, std::uint64_t{9'927})
      .put(OVS_FLOW_ATTR_UFID, std::array<std::uint32_t, 4>{0x67853e8b, 0xb4984c47, 0x9c7202fe, 0x68086ad1});
  ASSERT_TRUE(decode(m.attributes()));
  EXPECT_EQ(flow_.in_port, "web-1");
  EXPECT_EQ(flow_.recirc_id, 0u);
  EXPECT_EQ(flow_.eth_type, 0x0800);
  EXPECT_EQ(flow_.source.value, address("10.10.0.0"));
  EXPECT_EQ(flow_.source.mask[15], 0);
  EXPECT_EQ(flow_.source.mask[0], 0xff) << "the family is certain";
  EXPECT_EQ(flow_.destination.value, address("10.96.0.10"));
  EXPECT_EQ(flow_.destination.mask[15], 0xff);
  EXPECT_EQ(flow_.protocol.value, 6);
  EXPECT_EQ(flow_.source_port.mask, 0);
  EXPECT_EQ(flow_.source_port.value, 0) << "unmasked bits are cleared";
  EXPECT_EQ(flow_.destination_port.value, 80);
  EXPECT_EQ(flow_.packets, 7u);
  EXPECT_EQ(octets_l3(flow_), 700u - 7 * 14);
  EXPECT_EQ(flow_.used_ms_ago, 73);
  ASSERT_EQ(flow_.ct.size(), 1u);
  EXPECT_EQ(flow_.ct[0].zone, 65520);
  EXPECT_TRUE(flow_.ct[0].commit && flow_.ct[0].nat);
  EXPECT_THAT(flow_.recircs, testing::ElementsAre(0x10u));
  EXPECT_FALSE(flow_.drop);
  Megaflow of_text;
  std::string error;
  ASSERT_TRUE(
      parse_megaflow("ufid:67853e8b-b498-4c47-9c72-02fe68086ad1, recirc_id(0),in_port(web-1),eth_type(0x0800), "
                     "packets:7, bytes:700, used:0.073s, actions:ct(commit,zone=65520,nat),recirc(0x10)",
                     of_text, error))
      << error;
  EXPECT_EQ(flow_.ufid, of_text.ufid);
  EXPECT_EQ(ufid_text(flow_.ufid), "67853e8b-b498-4c47-9c72-02fe68086ad1");
}

TEST_F(KernelFlow, AFlowWithoutActionsOrWithAnExplicitDropDrops) {
  FlowMessage empty = tracked();
  empty.nest(OVS_FLOW_ATTR_ACTIONS, [](FlowMessage&) {});
  ASSERT_TRUE(decode(empty.attributes()));
  EXPECT_TRUE(flow_.drop);
  EXPECT_EQ(flow_.packets, 0u);
  EXPECT_EQ(flow_.used_ms_ago, -1) << "no packet yet";
  EXPECT_EQ(flow_.in_port, "3");
  FlowMessage explicitly = tracked();
  explicitly.nest(OVS_FLOW_ATTR_ACTIONS, [](FlowMessage& a) { a.put(24, std::uint32_t{1}); });
  ASSERT_TRUE(decode(explicitly.attributes()));
  EXPECT_TRUE(flow_.drop);
  FlowMessage sent = tracked();
  sent.nest(OVS_FLOW_ATTR_ACTIONS, [](FlowMessage& a) { a.put(OVS_ACTION_ATTR_OUTPUT, std::uint32_t{4}); });
  ASSERT_TRUE(decode(sent.attributes()));
  EXPECT_FALSE(flow_.drop);
  EXPECT_EQ(flow_.outputs, std::vector<std::string_view>{"4"});
}

TEST_F(KernelFlow, NestedActionsAreActions) {
  FlowMessage m = tracked();
  m.nest(OVS_FLOW_ATTR_ACTIONS, [](FlowMessage& actions) {
    actions.nest(OVS_ACTION_ATTR_CLONE, [](FlowMessage& cloned) {
      cloned.put(0, std::uint32_t{1}).put(OVS_ACTION_ATTR_RECIRC, std::uint32_t{1});
    });
    actions.nest(OVS_ACTION_ATTR_SAMPLE, [](FlowMessage& sample) {
      sample.put(OVS_SAMPLE_ATTR_PROBABILITY, ~std::uint32_t{0}).nest(OVS_SAMPLE_ATTR_ACTIONS, [](FlowMessage& a) {
        a.put(OVS_ACTION_ATTR_OUTPUT, std::uint32_t{1});
      });
    });
    actions.nest(OVS_ACTION_ATTR_CHECK_PKT_LEN, [](FlowMessage& check) {
      check.put(OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, std::uint16_t{200})
          .nest(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER,
                [](FlowMessage& a) { a.put(OVS_ACTION_ATTR_RECIRC, std::uint32_t{2}); })
          .nest(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL,
                [](FlowMessage& a) { a.put(OVS_ACTION_ATTR_OUTPUT, std::uint32_t{2}); });
    });
  });
  ASSERT_TRUE(decode(m.attributes()));
  EXPECT_EQ(flow_.recircs, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(flow_.outputs, (std::vector<std::string_view>{"1", "2"}));
  EXPECT_FALSE(flow_.drop);
}

TEST_F(KernelFlow, BehindAVlanTag) {
  FlowMessage m;
  const auto inside = [](bool mask) {
    return [mask](FlowMessage& keys) {
      keys.put(OVS_KEY_ATTR_ETHERTYPE, htons(mask ? 0xffff : 0x86dd));
      ovs_key_ipv6 ip{};
      inet_pton(AF_INET6, mask ? "ffff:ffff:ffff:ffff::" : "fd00:10::7", ip.ipv6_src);
      ip.ipv6_proto = mask ? 0xff : 58;
      keys.put(OVS_KEY_ATTR_IPV6, ip).put(OVS_KEY_ATTR_ICMPV6, mask ? ovs_key_icmpv6{0xff, 0} : ovs_key_icmpv6{128, 3});
    };
  };
  const auto outside = [&](bool mask) {
    return [&inside, mask](FlowMessage& keys) {
      keys.put(OVS_KEY_ATTR_ETHERTYPE, htons(mask ? 0xffff : 0x8100))
          .put(OVS_KEY_ATTR_VLAN, htons(0x1064))
          .nest(OVS_KEY_ATTR_ENCAP, inside(mask));
    };
  };
  m.nest(OVS_FLOW_ATTR_KEY, outside(false)).nest(OVS_FLOW_ATTR_MASK, outside(true));
  ASSERT_TRUE(decode(m.attributes()));
  EXPECT_TRUE(flow_.vlan);
  EXPECT_EQ(flow_.eth_type, 0x86dd);
  EXPECT_EQ(flow_.source.value, address("fd00:10::"));
  EXPECT_EQ(flow_.source.mask, address("ffff:ffff:ffff:ffff::"));
  EXPECT_EQ(flow_.destination.mask, flowstore::Address{});
  EXPECT_EQ(flow_.icmp_type.value, 128);
  EXPECT_EQ(flow_.icmp_code.mask, 0);
}

TEST_F(KernelFlow, WithoutMasksEveryBitCounts) {
  FlowMessage m;
  m.nest(OVS_FLOW_ATTR_KEY, [](FlowMessage& key) {
    key.put(OVS_KEY_ATTR_ETHERTYPE, htons(0x0800))
        .put(OVS_KEY_ATTR_IPV4, ipv4("10.10.0.5", "10.10.0.6", 17, OVS_FRAG_TYPE_FIRST))
        .put(OVS_KEY_ATTR_UDP, tcp(53, 5353));
  });
  ASSERT_TRUE(decode(m.attributes()));
  TupleMatch match;
  ASSERT_TRUE(tuple_match(flow_, match) && pins(match));
  EXPECT_EQ(match.value, (flowstore::Tuple{address("10.10.0.5"), address("10.10.0.6"), 53, 5353, 17}));
  EXPECT_EQ(flow_.fragment, 1);
}

TEST_F(KernelFlow, WhatIsCutShortOrChangedIsRefusedOrReadWithoutHarm) {
  FlowMessage m = tracked();
  m.nest(OVS_FLOW_ATTR_ACTIONS, [](FlowMessage& a) { a.put(OVS_ACTION_ATTR_RECIRC, std::uint32_t{2}); });
  const Bytes whole = m.attributes();
  EXPECT_FALSE(decode({})) << "no key";
  for (std::size_t size = 1; size < whole.size(); ++size) decode({whole.begin(), whole.begin() + long(size)});
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes changed = whole;
    for (int n = 0; n < 3; ++n) changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
    decode(changed);
  }
  FlowMessage wrong = tracked();
  wrong.put(OVS_FLOW_ATTR_STATS, std::uint32_t{1});
  EXPECT_FALSE(decode(wrong.attributes())) << "statistics of another length";
}

}  // namespace
}  // namespace ofe::datapath
