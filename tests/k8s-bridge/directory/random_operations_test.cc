// Random operations on the directory held against a model that keeps everything in plain lists and searches them from
// end to end.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "metadata_messages.h"

namespace ofe::k8s::test {
namespace {

using metadata::v1::Removal;

constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t keep_ms = 4000;

struct Hold {
  std::string uid, ip;
  std::int64_t since = 0, until = forever, news = forever, start = 0;  // start: of the Pod when it let go
  int group = 0;                                                       // holds that one piece of news ended
};

class Model {
 public:
  explicit Model(std::size_t max_removed) : max_removed_(max_removed) {}

  void put(const metadata::v1::Pod& message, bool listed, std::int64_t now) {
    const auto same_name = std::find_if(pods_.begin(), pods_.end(), [&](const auto& item) {
      return item.second.name() == message.name() && item.first != message.uid();
    });
    if (same_name != pods_.end()) remove(std::string(same_name->first), now);
    const bool known = pods_.count(message.uid()) > 0;
    const bool holds = !message.host_network() && message.phase() == metadata::v1::Pod::RUNNING;
    ++group_;
    for (Hold& hold : holds_) {
      if (hold.uid != message.uid() || hold.until != forever) continue;
      const bool kept = holds && std::count(message.ips().begin(), message.ips().end(), hold.ip) > 0;
      if (!kept) end(hold, now, now);
    }
    pods_[message.uid()] = message;
    for (const std::string& ip : message.ips()) {
      const bool held = std::any_of(holds_.begin(), holds_.end(), [&](const Hold& hold) {
        return hold.uid == message.uid() && hold.ip == ip && hold.until == forever;
      });
      if (holds && !held) holds_.push_back({message.uid(), ip, known && !listed ? now : 0});
    }
    limit();
  }

  void remove(const std::string& uid, std::int64_t now) {
    const auto found = pods_.find(uid);
    if (found == pods_.end()) return;
    ++group_;
    const std::int64_t deleted = found->second.deleted_wall_ms();
    for (Hold& hold : holds_) {
      if (hold.uid == uid && hold.until == forever) end(hold, deleted > 0 ? std::min(deleted, now) : now, now);
    }
    pods_.erase(found);
    limit();
  }

  void keep_only(const std::vector<std::string>& uids, std::int64_t now) {
    for (const std::string& uid : this->uids()) {
      if (std::count(uids.begin(), uids.end(), uid) == 0) remove(uid, now);
    }
  }

  void expire(std::int64_t now) {
    std::erase_if(holds_, [&](const Hold& hold) { return hold.until != forever && hold.news + keep_ms <= now; });
  }

  std::string find(const std::string& ip, std::int64_t at) const {
    const Hold *holding = nullptr, *next = nullptr, *listed = nullptr;
    for (const Hold& hold : holds_) {
      if (hold.ip != ip) continue;
      if (from(hold) <= at && at < hold.until) {
        if (!holding || from(hold) >= from(*holding)) holding = &hold;
      } else if (from(hold) > at) {
        if (!next || from(hold) <= from(*next)) next = &hold;
      } else if (at < hold.news) {
        if (!listed || hold.until >= listed->until) listed = &hold;
      }
    }
    const Hold* best = holding ? holding : next ? next : listed;
    return best ? best->uid : "-";
  }

  std::vector<std::string> uids() const {
    std::vector<std::string> result;
    for (const auto& [uid, message] : pods_) result.push_back(uid);
    return result;
  }

 private:
  std::int64_t from(const Hold& hold) const {
    return std::max(hold.since, hold.until == forever ? pods_.at(hold.uid).start_wall_ms() : hold.start);
  }
  void end(Hold& hold, std::int64_t until, std::int64_t now) {
    hold.start = pods_.at(hold.uid).start_wall_ms();
    hold.until = until;
    hold.news = now;
    hold.group = group_;
  }
  void limit() {
    for (;;) {
      std::vector<int> groups;
      for (const Hold& hold : holds_) {
        if (hold.until != forever) groups.push_back(hold.group);
      }
      std::sort(groups.begin(), groups.end());
      groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
      if (groups.size() <= max_removed_) return;
      std::erase_if(holds_, [&](const Hold& hold) { return hold.until != forever && hold.group == groups.front(); });
    }
  }

  const std::size_t max_removed_;
  std::map<std::string, metadata::v1::Pod> pods_;
  std::vector<Hold> holds_;  // in the order of the news
  int group_ = 0;
};

class RandomOperations : public testing::Test {
 protected:
  RandomOperations() : seed_(std::random_device{}()), random_(seed_) { RecordProperty("seed", std::to_string(seed_)); }
  std::uint32_t below(std::uint32_t limit) { return random_() % limit; }
  std::string some_ip() { return "10.10.0." + std::to_string(below(6)); }

  metadata::v1::Pod some_pod(std::int64_t now) {
    const std::string name = std::to_string(below(10));
    auto message = pod(name, {}, below(8) == 0 ? 0 : now - below(1500));
    message.set_uid(name + '/' + std::to_string(below(2)));  // a name may come again as another Pod
    for (std::uint32_t i = below(3); i > 0; --i) {
      const std::string ip = octets(some_ip());
      if (message.ips_size() == 0 || message.ips(0) != ip) message.add_ips(ip);
    }
    if (below(10) == 0) message.set_host_network(true);
    if (below(6) == 0) message.set_phase(metadata::v1::Pod::SUCCEEDED);
    if (below(6) == 0) message.set_deleted_wall_ms(now + below(1000));
    return message;
  }

  void compare_pods(std::size_t max_removed, bool snapshots);

  const std::uint32_t seed_;
  std::mt19937 random_;
};

void RandomOperations::compare_pods(std::size_t max_removed, bool snapshots) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  Directory directory({.keep_removed_pods_ms = keep_ms, .max_removed_pods = max_removed});
  Model model(max_removed);
  std::int64_t now = 100'000;
  bool in_snapshot = false;
  std::vector<std::string> listed;
  for (int step = 0; step < 20'000; ++step) {
    now += below(200);
    const std::uint32_t operation = below(20);
    if (operation < 12) {
      const auto message = some_pod(now);
      directory.apply(update_of(message), now);
      model.put(message, in_snapshot, now);
      listed.push_back(message.uid());
    } else if (operation < 16) {
      const std::string name = std::to_string(below(10)), uid = name + '/' + std::to_string(below(2));
      directory.apply(update_of(removal(Removal::POD, name, uid)), now);
      model.remove(uid, now);
    } else if (operation == 16) {
      directory.expire(now);
      model.expire(now);
    } else if (operation == 17 && snapshots) {
      directory.begin_snapshot();
      in_snapshot = true;
      listed.clear();
    } else if (operation == 18 && in_snapshot) {
      directory.end_snapshot(now);
      model.keep_only(listed, now);
      in_snapshot = false;
    } else if (operation == 19 && in_snapshot) {
      directory.abandon_snapshot();
      in_snapshot = false;
    }
    ASSERT_EQ(directory.stats().pods, model.uids().size()) << "step " << step;
    for (int query = 0; query < 5; ++query) {
      const std::string ip = some_ip();
      const std::int64_t at = now + 300 - below(6000);
      const Pod* found = directory.pod(address(ip), at);
      ASSERT_EQ(found == nullptr ? "-" : found->uid, model.find(octets(ip), at))
          << "step " << step << " now " << now << " " << ip << " at " << at;
    }
  }
}

// Pods that a snapshot removes all at once are forgotten in no particular order when the limit strikes; hence the two.
TEST_F(RandomOperations, OnPodsAreLikeTheModel) {
  compare_pods(1000, true);
}
TEST_F(RandomOperations, OnMorePodsThanAreKeptAreLikeTheModel) {
  compare_pods(12, false);
}

TEST_F(RandomOperations, OnServicesAndNodesAreLikeTheModel) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  Directory directory;
  std::vector<metadata::v1::Service> services;  // the one put last at the end
  std::vector<metadata::v1::Node> nodes;
  const auto forget = [](auto& list, const std::string& name) {
    std::erase_if(list, [&](const auto& item) { return item.name() == name; });
  };
  for (int step = 0; step < 10'000; ++step) {
    const std::string name = std::to_string(below(6));
    const std::uint32_t operation = below(6);
    if (operation < 2) {
      auto message = service(name, {some_ip()});
      if (below(2) == 0) message.add_external_ips(octets(some_ip()));
      message = with_port(with_port(message, 1 + below(3), tcp, "x"), 4, tcp, "y");
      directory.apply(update_of(message), step);
      forget(services, name);
      services.push_back(message);
    } else if (operation < 4) {
      const auto message = with_cidr(with_cidr(node(name, {some_ip()}), some_ip(), below(33)), "10.10.0.0", 29);
      directory.apply(update_of(message), step);
      forget(nodes, name);
      nodes.push_back(message);
    } else {
      const bool of_services = operation == 4;
      directory.apply(update_of(removal(of_services ? Removal::SERVICE : Removal::NODE, name)), step);
      of_services ? forget(services, name) : forget(nodes, name);
    }

    const std::string ip = some_ip();
    const auto port = static_cast<std::uint16_t>(1 + below(4));
    std::string expected = "-", owner = "-", pod_owner = "-";
    for (const auto& item : services) {
      const bool has_address =
          item.cluster_ips(0) == octets(ip) || (item.external_ips_size() > 0 && item.external_ips(0) == octets(ip));
      for (const auto& offered : item.ports()) {
        if (has_address && offered.port() == port) expected = item.name() + ':' + offered.name();
      }
    }
    ASSERT_EQ(service_name(directory, ip, port, tcp), expected) << "step " << step;
    std::uint32_t longest = 0;
    for (const auto& item : nodes) {
      if (item.addresses(0) == octets(ip)) owner = item.name();
      for (const auto& cidr : item.pod_cidrs()) {
        const auto length = static_cast<std::uint8_t>(96 + cidr.prefix_length());
        if (length < longest || !Cidr{*address_from_bytes(cidr.address()), length}.contains(address(ip))) continue;
        longest = length;
        pod_owner = item.name();
      }
    }
    ASSERT_EQ(name_of(directory.node(address(ip))), owner) << "step " << step;
    ASSERT_EQ(name_of(directory.node_of_pod_address(address(ip))), pod_owner) << "step " << step;
  }
}

}  // namespace
}  // namespace ofe::k8s::test
