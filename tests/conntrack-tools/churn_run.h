// One run: connections made and taken away at a rate, and what was really sent.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "tests/conntrack-tools/request_batch.h"
#include "tests/conntrack-tools/udp_exchange.h"

namespace conntrack_tools {

struct ChurnOptions {
  std::uint64_t connections = 0, rate = 0;  // rate: connections a second
  std::uint64_t first = 0, seed = 0;        // see churn_plan.h
  std::uint64_t lifetime_ms = 0;            // between an entry's last packet and its deletion
  std::uint16_t zone = 0;                   // where the namespace's rules put the connections
};

class ChurnRun {
 public:
  explicit ChurnRun(const ChurnOptions& options) : options_(options), sent_(options.connections) {}
  // Throws std::exception when something other than the counted troubles happens.
  void run();

  // By connection, from options.first; one without packets was refused and never existed.
  const std::vector<Sent>& sent() const { return sent_; }
  std::uint64_t refused_packets() const { return exchange_.refused_packets(); }
  // Entries that were not in the zone when they were to be deleted.
  std::uint64_t not_found() const { return not_found_; }
  double seconds() const { return seconds_; }

 private:
  struct Living {
    std::uint64_t first, end;
    std::int64_t until_ns;
  };
  void create(std::uint64_t first, std::uint64_t end);
  void destroy(std::uint64_t first, std::uint64_t end);
  void destroy_due(std::int64_t now_ns);

  ChurnOptions options_;
  UdpExchange exchange_;
  RequestBatch deletions_;
  std::deque<Living> living_;
  std::vector<Sent> sent_;
  std::uint64_t not_found_ = 0;
  double seconds_ = 0;
};

}  // namespace conntrack_tools
