// KernelSource and decode_ctnetlink on the running kernel, in a network namespace of their own, against
// libnetfilter_conntrack.
#include "ovs-plugin/conntrack/kernel_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <sys/syscall.h>

#include <algorithm>
#include <map>
#include <thread>

#include "tests/ovs-plugin/conntrack/ctnetlink_message.h"
#include "tests/ovs-plugin/conntrack/network_namespace.h"
#include "tests/ovs-plugin/mutations.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::Statistics;
using RawMessage = std::vector<std::uint8_t>;

// Zones by UDP and TCP port; 5009 has a zone in the original direction only. A rule that sets labels makes the kernel
// keep them.
constexpr const char* nft_rules = R"(
table inet ofe {
  chain before { type filter hook output priority -300;
    udp dport 5007 ct zone set 7
    udp sport 5007 ct zone set 7
    udp dport 5009 ct original zone set 9
    tcp dport 5201 ct zone set 11
    tcp sport 5201 ct zone set 11
  }
  chain after { type filter hook output priority 0;
    tcp dport 5201 ct mark set 0x21
    ct state new counter
    udp dport 1 ct label set 1
  }
}
)";
constexpr std::uint16_t zones[] = {0, 7, 9, 11, 65510, 65520};

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

Socket netlink() {
  Socket socket(mnl_socket_open(NETLINK_NETFILTER));
  if (socket && mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) socket.reset();
  return socket;
}

// 0, or the errno of the kernel's answer.
int create(mnl_socket* socket, const Entry& entry) {
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  const nlmsghdr* request = put_entry(buffer.data(), entry);
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return errno;
  if (mnl_socket_recvfrom(socket, buffer.data(), buffer.size()) < 0) return errno;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(reinterpret_cast<const nlmsghdr*>(buffer.data())))->error;
}

// Entry number i: protocols, families, zones and states take turns.
Entry numbered(unsigned i) {
  const bool v4 = i % 2 == 0;
  const auto port = static_cast<std::uint16_t>(1024 + i);
  const char *client = v4 ? "10.10.0.1" : "fd00:10::1", *service = v4 ? "10.96.0.10" : "fd00:96::10",
             *server = v4 ? "10.10.0.2" : "fd00:10::2";
  Entry entry;
  if (const unsigned kind = i / 2 % 3; kind == 0) {
    entry.original = tuple_of(client, port, service, 80, IPPROTO_TCP);
    entry.reply = tuple_of(server, 5201, client, port, IPPROTO_TCP);
    entry.tcp_state = static_cast<std::uint8_t>(1 + i / 6 % 8);
  } else if (kind == 1) {
    entry.original = tuple_of(client, port, server, 53, IPPROTO_UDP);
    entry.reply = tuple_of(server, 53, client, port, IPPROTO_UDP);
  } else {
    const std::uint8_t request = v4 ? 8 : 128, answer = v4 ? 0 : 129;
    const auto protocol = static_cast<std::uint8_t>(v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
    entry.original = tuple_of(client, port, server, static_cast<std::uint16_t>(request << 8), protocol);
    entry.reply = tuple_of(server, port, client, static_cast<std::uint16_t>(answer << 8), protocol);
  }
  constexpr std::uint16_t of_entries[] = {0, 65510, 65520};
  entry.zone = of_entries[i / 6 % 3];
  entry.mark = i * 7919;
  entry.timeout_s = 1000 + i;
  entry.status = IPS_CONFIRMED | (i % 3 ? IPS_SEEN_REPLY | IPS_ASSURED : 0);
  if (i % 5 == 0) entry.labels = {static_cast<std::uint8_t>(i), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return entry;
}

std::vector<RawMessage> dump_everything(mnl_socket* socket) {
  alignas(nlmsghdr) static std::array<char, 65536> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg));
  std::vector<RawMessage> messages;
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) return messages;
  for (;;) {
    int left = static_cast<int>(mnl_socket_recvfrom(socket, buffer.data(), buffer.size()));
    if (left <= 0) return {};
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      if (m->nlmsg_type == NLMSG_DONE) return messages;
      if (m->nlmsg_type == NLMSG_ERROR) return {};
      const auto* octets = reinterpret_cast<const std::uint8_t*>(m);
      messages.emplace_back(octets, octets + m->nlmsg_len);
    }
  }
}

bool decode(const RawMessage& message, Observation& out) {
  return decode_ctnetlink(message.data() + MNL_NLMSG_HDRLEN, message.size() - MNL_NLMSG_HDRLEN, out);
}

class Kernel : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(enter_new_network_namespace(nft_rules)) << "needs root, and nft and ip of Debian's nftables and iproute2";
    const AccountingSysctls sysctls = enable_accounting();
    ASSERT_TRUE(sysctls.accounting && sysctls.timestamps) << sysctls.problem;
    socket_ = netlink();
    ASSERT_TRUE(socket_);
    for (unsigned i = 0; i < entries; ++i) {
      ASSERT_EQ(create(socket_.get(), numbered(i)), 0) << "entry " << i;
    }
    ASSERT_TRUE(exchange_udp(AF_INET, 5007, 3));
    ASSERT_TRUE(exchange_udp(AF_INET6, 5007, 2));
    ASSERT_TRUE(exchange_udp(AF_INET, 5009, 1));
    ASSERT_TRUE(tcp_.emplace(AF_INET, 5201).exchange());
  }

  // Reads one dump to its end; what the source said last is in progress_.
  std::vector<Observation> dump(KernelSource& source, std::uint16_t zone, std::size_t budget) {
    std::vector<Observation> seen;
    if (!source.start(zone)) return seen;
    do {
      progress_ = source.step(budget, [&](const Observation& entry) { seen.push_back(entry); });
    } while (progress_ == KernelSource::Progress::more);
    return seen;
  }

  static constexpr unsigned entries = 360;
  Socket socket_;
  std::optional<TcpConnection> tcp_;
  KernelSource::Progress progress_ = KernelSource::Progress::idle;
};

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
    if (u8(ATTR_ORIG_L3PROTO) == AF_INET) return flowstore::address_from_ipv4(static_cast<const std::uint8_t*>(nfct_get_attr(entry_.get(), v4)));
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

void expect_same(const Observation& ours, const Reference& theirs) {
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
  EXPECT_EQ(ours.statistics == Statistics::exact, theirs.has(ATTR_ORIG_COUNTER_PACKETS));
  EXPECT_EQ(ours.counters, (flowstore::Counters{theirs.u64(ATTR_ORIG_COUNTER_PACKETS), theirs.u64(ATTR_ORIG_COUNTER_BYTES),
                                                theirs.u64(ATTR_REPL_COUNTER_PACKETS), theirs.u64(ATTR_REPL_COUNTER_BYTES)}));
  EXPECT_EQ(ours.start_wall_ms, static_cast<std::int64_t>(theirs.u64(ATTR_TIMESTAMP_START) / 1'000'000));
  EXPECT_EQ(ours.labels, theirs.labels());
  EXPECT_EQ(ours.tcp_state == flowstore::TcpState::established, theirs.has(ATTR_TCP_STATE) && theirs.u8(ATTR_TCP_STATE) == 3);
}

TEST_F(Kernel, EveryEntryDecodesAsLibnetfilterConntrackDecodesIt) {
  const auto messages = dump_everything(socket_.get());
  ASSERT_GE(messages.size(), entries + 4);
  std::size_t exact = 0, labelled = 0;
  for (const RawMessage& message : messages) {
    Observation ours;
    const Reference theirs(message);
    ASSERT_TRUE(theirs.parsed());
    ASSERT_TRUE(decode(message, ours));
    expect_same(ours, theirs);
    exact += ours.counters.packets != 0;
    labelled += ours.labels != std::array<std::uint8_t, 16>{};
  }
  EXPECT_GE(exact, 4u);
  EXPECT_EQ(labelled, entries / 5);
}

TEST_F(Kernel, ADumpOfAZoneIsThatZonesEntries) {
  std::map<std::uint16_t, std::map<std::uint32_t, Observation>> expected;
  for (const RawMessage& message : dump_everything(socket_.get())) {
    Observation entry;
    ASSERT_TRUE(decode(message, entry));
    expected[entry.zone][entry.id] = entry;
  }
  KernelSource source;
  std::uint64_t total = 0;
  for (const std::uint16_t zone : zones) {
    EXPECT_FALSE(expected[zone].empty()) << zone;
    const auto seen = dump(source, zone, 7);
    EXPECT_EQ(progress_, KernelSource::Progress::complete) << source.stats().last_error;
    EXPECT_EQ(seen.size(), expected[zone].size()) << zone;
    for (const Observation& entry : seen) {
      const Observation& wanted = expected[zone][entry.id];
      EXPECT_EQ(entry.original, wanted.original);
      EXPECT_EQ(entry.reply, wanted.reply);
      EXPECT_EQ(entry.zone, zone);
      EXPECT_EQ(entry.mark, wanted.mark);
      EXPECT_EQ(entry.labels, wanted.labels);
      EXPECT_EQ(entry.counters, wanted.counters);
      EXPECT_EQ(entry.start_wall_ms, wanted.start_wall_ms);
    }
    total += seen.size();
  }
  EXPECT_EQ(source.stats().dumps, std::size(zones));
  EXPECT_EQ(source.stats().entries, total);
  EXPECT_EQ(source.stats().undecodable, 0u);
  EXPECT_EQ(source.stats().last_error, "");
}

TEST_F(Kernel, CountersAreThoseOfTheTraffic) {
  KernelSource source;
  const auto seen = dump(source, 7, 1000);
  ASSERT_EQ(seen.size(), 2u);
  for (const Observation& entry : seen) {
    const bool v4 = flowstore::is_ipv4(entry.original.source);
    const std::uint64_t headers = v4 ? 28 : 48, questions = v4 ? 3 : 2;
    EXPECT_EQ(entry.counters, (flowstore::Counters{questions, questions * (100 + headers), 1, 10 + headers}));
    EXPECT_EQ(entry.statistics, Statistics::exact);
    EXPECT_GT(entry.start_wall_ms, 1'700'000'000'000);
  }
}

TEST_F(Kernel, StepsEndAtTheBudget) {
  KernelSource source;
  const auto ignore = [](const Observation&) {};
  EXPECT_EQ(source.step(10, ignore), KernelSource::Progress::idle);
  ASSERT_TRUE(source.start(65520));
  EXPECT_GE(source.fd(), 0);
  std::size_t handed_out = 0;
  EXPECT_EQ(source.step(5, [&](const Observation&) { ++handed_out; }), KernelSource::Progress::more);
  EXPECT_LE(handed_out, 5u);
  // Another start() gives the first dump up, and nothing of it reaches the second.
  ASSERT_TRUE(source.start(65510));
  EXPECT_EQ(source.stats().dumps_failed, 1u);
  EXPECT_THAT(source.stats().last_error, testing::HasSubstr("given up"));
  const auto zone = [](const Observation& entry) { EXPECT_EQ(entry.zone, 65510); };
  KernelSource::Progress progress;
  do {
    progress = source.step(50, zone);
  } while (progress == KernelSource::Progress::more);
  EXPECT_EQ(progress, KernelSource::Progress::complete);
  EXPECT_EQ(source.stats().dumps, 1u);
  EXPECT_EQ(source.stats().last_error, "");
  EXPECT_EQ(source.step(10, ignore), KernelSource::Progress::idle);
}

TEST_F(Kernel, ARefusedDumpFailsWithTheReason) {
  // setresuid of the thread alone, by the bare system call: it loses CAP_NET_ADMIN and ends.
  std::thread([this] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    KernelSource source;
    const auto seen = dump(source, 65520, 100);
    EXPECT_TRUE(seen.empty());
    EXPECT_EQ(progress_, KernelSource::Progress::failed);
    EXPECT_EQ(source.stats().dumps_failed, 1u);
    EXPECT_EQ(source.stats().last_error, "the kernel refused the dump: Operation not permitted");
    EXPECT_EQ(source.step(10, [](const Observation&) {}), KernelSource::Progress::idle);
  }).join();
}

TEST_F(Kernel, DamagedMessagesOfTheKernelAreSurvived) {
  Mutations mutations;
  std::size_t refused = 0;
  for (const RawMessage& message : dump_everything(socket_.get())) {
    const std::span<const std::uint8_t> payload = std::span(message).subspan(MNL_NLMSG_HDRLEN);
    for (int i = 0; i < 500; ++i) {
      const auto damaged = mutations.damaged(payload);
      Observation seen;
      refused += !decode_ctnetlink(damaged.data(), damaged.size(), seen);
    }
  }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace ofe::conntrack
