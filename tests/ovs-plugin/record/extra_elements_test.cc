#include "ovs-plugin/record/extra_elements.h"

#include <gtest/gtest.h>

#include "ovs-plugin/record/layout.h"

namespace ofe::record {
namespace {

flowstore::Address address(const char* text) {
  return *flowstore::parse_address(text);
}

// By way of a Service and its proxy: 10.10.0.1:40000 asked 10.96.0.10:80; 10.10.0.2:5201 saw 10.10.0.254:32769.
flowstore::Flow translated() {
  flowstore::Flow flow;
  flow.original = {address("10.10.0.1"), address("10.96.0.10"), 40000, 80, 6};
  flow.reply = {address("10.10.0.2"), address("10.10.0.254"), 5201, 32769, 6};
  flow.start_wall_ms = 0x0102030405;
  flow.last_wall_ms = 0x0102030405 + 0x1234;
  flow.statistics = flowstore::Statistics::exact;
  return flow;
}

using Octets = std::vector<std::uint8_t>;

Octets value(const flowstore::Flow& flow, std::string_view name, const PortSearch* ports = nullptr) {
  const Field* field = extra_element(name);
  EXPECT_NE(field, nullptr) << name;
  Octets buffer(64);
  ipfix::RecordWriter out(buffer);
  const flowstore::Counters delta{1, 2, 3, 4};
  if (field != nullptr) field->put(out, {flow, delta, flowstore::EndReason::active_timeout, EncodedNames(), ports});
  return {out.written().begin(), out.written().end()};
}

TEST(ExtraElements, ValuesAreTheFlows) {
  const flowstore::Flow flow = translated();
  EXPECT_EQ(value(flow, "flowStartMilliseconds"), (Octets{0, 0, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(value(flow, "flowEndMilliseconds"), (Octets{0, 0, 0, 1, 2, 3, 0x16, 0x39}));
  EXPECT_EQ(value(flow, "flowDurationMilliseconds"), (Octets{0, 0, 0x12, 0x34}));
  EXPECT_EQ(value(flow, "ipVersion"), Octets{4});
  EXPECT_EQ(value(flow, "ethernetType"), (Octets{8, 0}));
  EXPECT_EQ(value(flow, "initiatorPackets"), (Octets{0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(value(flow, "responderPackets"), (Octets{0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(value(flow, "postNATSourceIPv4Address"), (Octets{10, 10, 0, 254}));
  EXPECT_EQ(value(flow, "postNATDestinationIPv4Address"), (Octets{10, 10, 0, 2}));
  EXPECT_EQ(value(flow, "postNATSourceIPv6Address"), Octets(16)) << "none of that family";
  EXPECT_EQ(value(flow, "postNAPTSourceTransportPort"), (Octets{0x80, 1}));
  EXPECT_EQ(value(flow, "postNAPTDestinationTransportPort"), (Octets{0x14, 0x51}));
  EXPECT_EQ(value(flow, "tcpSourcePort"), (Octets{0x9c, 0x40}));
  EXPECT_EQ(value(flow, "tcpDestinationPort"), (Octets{0x14, 0x51}));
  EXPECT_EQ(value(flow, "udpSourcePort"), (Octets{0, 0}));
  EXPECT_EQ(value(flow, "icmpTypeCodeIPv4"), (Octets{0, 0}));
  EXPECT_EQ(value(flow, "ingressInterface"), Octets(4)) << "no bridge to search";
}

TEST(ExtraElements, IcmpHasItsTypeAndCodeAndNoPorts) {
  flowstore::Flow flow = translated();
  flow.original.protocol = flow.reply.protocol = 1;
  flow.original.destination_port = 8 * 256 + 3;
  EXPECT_EQ(value(flow, "icmpTypeCodeIPv4"), (Octets{8, 3}));
  EXPECT_EQ(value(flow, "icmpTypeIPv4"), Octets{8});
  EXPECT_EQ(value(flow, "icmpCodeIPv4"), Octets{3});
  EXPECT_EQ(value(flow, "icmpTypeIPv6"), Octets{0});
  EXPECT_EQ(value(flow, "postNAPTSourceTransportPort"), (Octets{0, 0}));
}

// RFC 5103 section 6.3: the direction of a Biflow does not change between its records; nor does what tells it apart.
TEST(ExtraElements, DirectionAndIdAreTheSameInEveryRecordOfAFlow) {
  flowstore::Flow flow = translated();
  const Octets id = value(flow, "flowId");
  EXPECT_EQ(value(flow, "biflowDirection"), Octets{1});
  EXPECT_EQ(value(flow, "firewallEvent"), Octets{1}) << "created";
  flow.exports = 1;
  flow.last_wall_ms += 60'000;
  flow.total = {5, 500, 9, 10'000};
  flow.tcp_state = flowstore::TcpState::established;
  EXPECT_EQ(value(flow, "biflowDirection"), Octets{1});
  EXPECT_EQ(value(flow, "flowId"), id);
  EXPECT_EQ(value(flow, "firewallEvent"), Octets{5}) << "updated";
  flow.ended = true;
  EXPECT_EQ(value(flow, "biflowDirection"), Octets{1});
  EXPECT_EQ(value(flow, "flowId"), id);
  EXPECT_EQ(value(flow, "firewallEvent"), Octets{2}) << "deleted";
  flow.start_ns = 1;
  EXPECT_NE(value(flow, "flowId"), id) << "another connection on the same tuples";
}

TEST(ExtraElements, InterfacesAreThePortsIfindexes) {
  Ports ports;
  const auto port = [](const char* name, const char* ip, std::int64_t ifindex) {
    Port made;
    made.bridge = "br-int";
    made.interface = name;
    made.ifindex = ifindex;
    made.kind = PortKind::pod;
    made.pod = {name, "shop", name, "", "", {address(ip)}};
    return made;
  };
  ports.replace({port("web", "10.10.0.1", 7), port("db", "10.10.0.2", 0x01020304)});
  const std::string bridge = "br-int";
  const k8s::Directory directory;
  const NamingOptions options;
  const PortSearch search{bridge, ports, directory, options};
  EXPECT_EQ(value(translated(), "ingressInterface", &search), (Octets{0, 0, 0, 7}));
  EXPECT_EQ(value(translated(), "egressInterface", &search), (Octets{1, 2, 3, 4}));
}

TEST(ExtraElements, StandBehindTheRecordInTheOrderGivenAndTheTemplateSaysSo) {
  const flowstore::Flow exact = translated();
  flowstore::Flow estimated = exact;
  estimated.statistics = flowstore::Statistics::estimated;
  for (const Profile profile : {Profile::antrea_55829, Profile::antrea_56506}) {
    const Layout plain(profile), extended(profile, {"ipVersion", "postNATSourceIPv4Address"});
    for (const flowstore::Flow& flow : {exact, estimated}) {
      const auto record = [&](const Layout& of) {
        Octets buffer(max_record_octets);
        ipfix::RecordWriter out(buffer);
        of.encode({flow, {}, flowstore::EndReason::active_timeout, EncodedNames()}, out);
        return Octets(out.written().begin(), out.written().end());
      };
      Octets expected = record(plain);
      expected.insert(expected.end(), {4, 10, 10, 0, 254});
      EXPECT_EQ(record(extended), expected);
    }
    auto expected = plain.templates();
    for (ipfix::Template& definition : expected) {
      if (definition.id == template_denied_ipv4 || definition.id == template_denied_ipv6) continue;
      definition.fields.push_back({0, 60, 1});
      definition.fields.push_back({0, 225, 4});
    }
    EXPECT_EQ(extended.templates(), expected);
  }
}

// Every one of them is IANA's, and writes as many octets as its type has.
TEST(ExtraElements, AreOfTheRegistrysSizes) {
  for (const std::string_view name : extra_element_names()) {
    const ipfix::Element* element = ipfix::Registry::builtin().find(0, name);
    ASSERT_NE(element, nullptr) << name;
    EXPECT_EQ(value(translated(), name).size(), ipfix::natural_length(element->type)) << name;
    EXPECT_EQ(extra_element(name)->element, name);
  }
}

TEST(ExtraElements, WhyNotIsToldForThoseThatIanaHas) {
  EXPECT_EQ(why_not_extra("flowStartMiliseconds"), "");
  EXPECT_EQ(why_not_extra("sourcePodName"), "") << "another enterprise's";
  EXPECT_EQ(why_not_extra("octetDeltaCount"), "is in the records as it is");
  EXPECT_EQ(why_not_extra("vlanId"),
            "is an element of IANA's that cannot be filled from what is known of a connection");
  EXPECT_NE(why_not_extra("initiatorOctets").find("payload of layer 4"), std::string::npos);
  EXPECT_EQ(extra_element("vlanId"), nullptr);
}

}  // namespace
}  // namespace ofe::record
