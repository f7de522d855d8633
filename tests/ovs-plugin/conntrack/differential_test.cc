// decode_ctnetlink against libnetfilter_conntrack on thousands of messages of the running kernel (dumps and NEW, UPDATE
// and DESTROY events of random entries, in a network namespace of its own), and on what becomes of them when they are
// cut, damaged or hold attributes that nobody knows. OFE_TEST_SEED=<seed> repeats a run.
#include <gtest/gtest.h>

#include <map>

#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/conntrack/sysctl.h"
#include "tests/ovs-plugin/conntrack/changed_message.h"
#include "tests/ovs-plugin/conntrack/kernel_entries.h"
#include "tests/ovs-plugin/conntrack/libnetfilter_reference.h"
#include "tests/ovs-plugin/conntrack/network_namespace.h"
#include "tests/ovs-plugin/conntrack/random_entries.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;

// A rule that sets labels makes the kernel keep them.
constexpr const char* nft_rules = R"(
table inet ofe {
  chain before { type filter hook output priority -300; udp dport 7000-7099 ct zone set 7; udp sport 7000-7099 ct zone set 7; }
  chain after { type filter hook output priority 0; ct state new counter; udp dport 1 ct label set 1; }
}
)";
constexpr unsigned entries = 3'000, samples = 60;

bool decode(const RawMessage& message, Observation& out) {
  if (message.size() < MNL_NLMSG_HDRLEN) return false;
  // Allocated exactly, for the address sanitizer.
  const std::vector<std::uint8_t> payload(message.begin() + MNL_NLMSG_HDRLEN, message.end());
  return decode_ctnetlink(payload.data(), payload.size(), out);
}

class Differential : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(enter_new_network_namespace(nft_rules))
        << "needs root, and nft and ip of Debian's nftables and iproute2";
    // The sysctls hold for entries made later: a third of them has neither counters nor times.
    events_.emplace();
    ASSERT_EQ(events_->problem(), "");
    socket_ = netlink();
    listener_ = netlink();
    ASSERT_TRUE(socket_ && listener_);
    listen();
    for (unsigned i = 0; i < entries; ++i) {
      if (i == entries / 3) {
        ASSERT_EQ(enable_accounting().problem, "");
      }
      const Entry entry = random_entry(random_, i);
      const int error = create(socket_.get(), entry);
      ++(error == 0 ? created_ : refused_)[entry.original.protocol];
    }
    for (std::uint16_t port = 7000; port < 7020; ++port) {
      const int family = port % 2 == 0 ? AF_INET : AF_INET6;
      ASSERT_TRUE(exchange_udp(family, port, static_cast<int>(1 + random_.below(20))));
    }
    ASSERT_TRUE(tcp_.emplace(AF_INET, 5201).exchange());
  }

  void listen() {
    const int octets = 64 << 20;
    ASSERT_EQ(setsockopt(mnl_socket_get_fd(listener_.get()), SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets), 0);
    for (int group : {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY}) {
      ASSERT_EQ(mnl_socket_setsockopt(listener_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
    }
  }

  // The dump, then every event up to the end of all entries.
  std::vector<RawMessage> all_messages() {
    std::vector<RawMessage> messages = dump_everything(socket_.get());
    dumped_ = messages.size();
    tcp_.reset();
    EXPECT_EQ(std::system("conntrack -F 2>/dev/null"), 0);
    alignas(nlmsghdr) static std::array<char, 65536> buffer;
    while (true) {
      ssize_t received = recv(mnl_socket_get_fd(listener_.get()), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (received < 0) {
        EXPECT_EQ(errno, EAGAIN) << "events were lost";
        break;
      }
      int left = static_cast<int>(received);
      for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
        const auto* octets = reinterpret_cast<const std::uint8_t*>(m);
        messages.emplace_back(octets, octets + m->nlmsg_len);
      }
    }
    return messages;
  }

  // Both opinions on a changed message: the same where both have one.
  void compare(const RawMessage& changed) {
    Observation ours;
    const bool decoded = decode(changed, ours);
    const Reference theirs(changed);
    ++opinions_[{decoded, theirs.usable()}];
    if (decoded && theirs.usable()) expect_same(ours, theirs);
  }

  Mutations random_;
  std::optional<EventsSysctl> events_;
  Socket socket_, listener_;
  std::optional<TcpConnection> tcp_;
  std::map<unsigned, unsigned> created_, refused_;  // by protocol
  std::size_t dumped_ = 0;
  std::map<std::pair<bool, bool>, std::size_t> opinions_;  // {we decode it, they do}
};

TEST_F(Differential, EveryMessageOfTheKernelSaysTheSameToBoth) {
  for (const unsigned protocol : {6, 17, 1, 58}) {
    EXPECT_GT(created_[protocol], 0u) << protocol;
    EXPECT_EQ(refused_[protocol], 0u) << protocol;
  }
  for (const auto& [protocol, count] : refused_) {
    if (count > 0) std::cout << "the kernel refused " << count << " entries of protocol " << protocol << std::endl;
  }
  const std::vector<RawMessage> messages = all_messages();
  std::map<unsigned, std::size_t> types;
  std::size_t counted = 0, stopped = 0, labelled = 0, translated = 0;
  std::map<unsigned, std::size_t> protocols;
  for (const RawMessage& message : messages) {
    Observation ours;
    const Reference theirs(message);
    ASSERT_TRUE(theirs.usable());
    ASSERT_TRUE(decode(message, ours));
    expect_same(ours, theirs);
    if (HasFailure()) return;
    ++types[reinterpret_cast<const nlmsghdr*>(message.data())->nlmsg_type & 0xff];
    ++protocols[ours.original.protocol];
    counted += ours.counters.packets != 0;
    stopped += ours.stop_wall_ms != 0;
    labelled += ours.labels != std::array<std::uint8_t, 16>{};
    translated += ours.original.destination != ours.reply.source;
  }
  std::cout << dumped_ << " dumped, " << messages.size() << " messages in all;";
  for (const auto& [protocol, count] : protocols) std::cout << " protocol " << protocol << ": " << count;
  std::cout << std::endl;
  EXPECT_GE(dumped_, entries * 9 / 10);
  EXPECT_GE(types[IPCTNL_MSG_CT_NEW], 2 * dumped_) << "the dump, and a NEW event of each entry";
  EXPECT_GE(types[IPCTNL_MSG_CT_DELETE], dumped_);
  for (const std::size_t met : {counted, stopped, labelled, translated}) EXPECT_GT(met, 0u);
}

TEST_F(Differential, UnknownAttributesChangeNothing) {
  const std::vector<RawMessage> messages = all_messages();
  for (unsigned sample = 0; sample < samples; ++sample) {
    const RawMessage& message = messages[random_.below(messages.size())];
    Observation before;
    ASSERT_TRUE(decode(message, before));
    for (const auto& [place, parent] : attribute_places(message)) {
      const std::size_t octets = random_.below(9);
      std::vector<std::uint8_t> attribute(NLA_ALIGN(sizeof(nlattr) + octets));
      const nlattr header{
          static_cast<std::uint16_t>(sizeof(nlattr) + octets),
          static_cast<std::uint16_t>(100 + random_.below(1000) + (random_.below(2) ? NLA_F_NESTED : 0))};
      std::memcpy(attribute.data(), &header, sizeof header);
      for (std::size_t i = sizeof header; i < attribute.size(); ++i) attribute[i] = static_cast<std::uint8_t>(i * 37);
      const RawMessage longer = with_attribute(message, place, attribute);
      Observation after;
      ASSERT_TRUE(decode(longer, after)) << "at octet " << place;
      const Reference theirs(longer);
      ASSERT_TRUE(theirs.usable());
      expect_same(after, theirs);
      EXPECT_EQ(after.original, before.original);
      EXPECT_EQ(after.counters, before.counters);
      EXPECT_EQ(after.start_wall_ms, before.start_wall_ms);
      if (HasFailure()) return;
    }
  }
}

TEST_F(Differential, CutMessagesAreRefusedOrSayTheSameToBoth) {
  const std::vector<RawMessage> messages = all_messages();
  for (unsigned sample = 0; sample < samples; ++sample) {
    const RawMessage& message = messages[random_.below(messages.size())];
    for (std::size_t length = MNL_NLMSG_HDRLEN; length < message.size() && !HasFailure(); ++length) {
      RawMessage cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
      set_length(cut);
      compare(cut);
    }
  }
  EXPECT_GT((opinions_[{false, false}]), 0u);
  EXPECT_GT((opinions_[{true, true}]), 0u) << "cut between attributes, after the original tuple";
  EXPECT_EQ((opinions_[{true, false}]), 0u) << "we accept nothing that they refuse";
}

TEST_F(Differential, MessagesThatLackAnAttributeAreRefusedOrSayTheSameToBoth) {
  const std::vector<RawMessage> messages = all_messages();
  for (unsigned sample = 0; sample < 10 * samples && !HasFailure(); ++sample) {
    const RawMessage& message = messages[random_.below(messages.size())];
    for (const auto& [place, parent] : attribute_places(message)) compare(without_attribute(message, place));
  }
  EXPECT_GT((opinions_[{true, true}]), 0u);
  EXPECT_GT((opinions_[{false, false}]), 0u) << "without its original tuple";
  EXPECT_EQ((opinions_[{true, false}]), 0u) << "we accept nothing that they refuse";
}

TEST_F(Differential, AnyValuesSayTheSameToBoth) {
  const std::vector<RawMessage> messages = all_messages();
  for (unsigned i = 0; i < 20'000 && !HasFailure(); ++i) {
    RawMessage changed = messages[random_.below(messages.size())];
    for (const auto& [place, parent] : attribute_places(changed)) {
      const nlattr header = attribute_at(changed, place);
      // With another protocol's number the ports or ICMP's fields would be the wrong ones.
      const bool protocol_number = parent == CTA_TUPLE_PROTO && header.nla_type == CTA_PROTO_NUM;
      if ((header.nla_type & NLA_F_NESTED) || protocol_number || random_.below(4) != 0) continue;
      for (std::size_t at = place + sizeof header; at < place + header.nla_len; ++at) {
        changed[at] = static_cast<std::uint8_t>(random_.below(256));
      }
    }
    compare(changed);
  }
  EXPECT_EQ(opinions_.size(), 1u);
  EXPECT_EQ((opinions_[{true, true}]), 20'000u);
}

// Of attributes with wrong lengths libnetfilter_conntrack has no opinion: it ends the process.
TEST_F(Differential, DamagedMessagesAreSurvived) {
  const std::vector<RawMessage> messages = all_messages();
  std::size_t decoded = 0, refused = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    const RawMessage& message = messages[random_.below(messages.size())];
    const auto damaged = random_.damaged(std::span(message).subspan(MNL_NLMSG_HDRLEN));
    Observation seen;
    ++(decode_ctnetlink(damaged.data(), damaged.size(), seen) ? decoded : refused);
  }
  EXPECT_GT(decoded, 0u);
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace ofe::conntrack
