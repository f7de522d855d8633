// bench-megaflow-join NUMBER: CPU time to read so many megaflow lines and to join them with as many connections, once
// for every line on standard input: the first poll, when all is new, and a later one, when every megaflow has counted.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "flowstore/address.h"
#include "ovs-plugin/correlate/datapath_counters.h"
#include "tests/bench/socket_time.h"

namespace bench {
namespace {

constexpr std::uint16_t zone = 65520;
constexpr std::size_t slice = 4'000;  // the exporter's

// Half of the megaflows are of the entry stage; each carries the connections of one client to one port of one server
// and its source port is wildcarded. The others are what those recirculate to.
std::string text_of(unsigned number, std::uint64_t packets) {
  const unsigned way = number / 2;
  char text[1024];
  const bool entry = number % 2 == 0;
  std::snprintf(text, sizeof text,
                "ufid:%08x-24a0-4ee8-bf5e-a449c8269bfe, skb_priority(0/0),skb_mark(0/0),ct_state(%s),ct_zone(0xfff0/0),"
                "ct_mark(0/0),ct_label(0/0),recirc_id(%s),dp_hash(0/0),in_port(v%u),packet_type(ns=0,id=0),"
                "eth(src=0a:00:00:00:00:03/00:00:00:00:00:00,dst=0a:00:00:00:00:02/00:00:00:00:00:00),eth_type(0x0800),"
                "ipv4(src=10.%u.%u.%u,dst=10.200.%u.2%s,proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=47548/"
                "0,dst=%u),tcp_flags(0/0), "
                "packets:%lu, bytes:%lu, used:0.968s, flags:P., dp:ovs, actions:%s, dp-extra-info:miniflow_bits(4,3)",
                number, entry ? "0x21/0" : "0x2a/0x31", entry ? "0" : "0x12", way % 200, way % 200, way / 200 % 250,
                way / 50'000 + 1, way % 250, way % 4 == 0 ? "/255.255.255.0" : "", 1024 + way % 7, packets,
                packets * 114, entry ? "ct(zone=65520,nat),recirc(0x12)" : "v2");
  return text;
}

flowstore::Address address(unsigned a, unsigned b, unsigned c, unsigned d) {
  const std::uint8_t octets[4] = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                  static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(d)};
  return flowstore::address_from_ipv4(octets);
}

// Two for each megaflow of the entry stage.
flowstore::Observation connection(unsigned number) {
  const unsigned way = number / 2;
  flowstore::Observation seen;
  seen.original = {address(10, way % 200, way / 200 % 250, way / 50'000 + 1), address(10, 200, way % 250, 2),
                   static_cast<std::uint16_t>(30'000 + number % 2), static_cast<std::uint16_t>(1024 + way % 7), 6};
  seen.reply = {seen.original.destination, seen.original.source, seen.original.destination_port,
                seen.original.source_port, 6};
  seen.zone = zone;
  seen.timeout_s = 86'400;
  seen.tcp_state = flowstore::TcpState::established;
  return seen;
}

class Polls {
 public:
  explicit Polls(unsigned number) : counters_(4 * std::size_t{number}) {
    for (unsigned i = 0; i < number; ++i) connections_.push_back(connection(i));
  }

  // CPU time of one; making its text is not counted.
  std::int64_t one(std::uint64_t packets) {
    lines_.clear();
    for (unsigned i = 0; i < connections_.size(); ++i) lines_.push_back(text_of(i, packets + i % 10));
    now_.monotonic_ms += 5'000;
    const std::int64_t began_ns = cpu_time().total_ns;
    counters_.begin_dump(now_);
    for (const std::string& line : lines_) {
      if (!ofe::datapath::parse_megaflow(line, flow_, error_)) throw std::runtime_error(error_);
      counters_.add_flow(flow_);
    }
    for (bool more = true; more;) {
      const std::int64_t before_ns = cpu_time().total_ns;
      more = counters_.settle(std::span(&zone, 1), now_, slice);
      longest_ns_ = std::max(longest_ns_, cpu_time().total_ns - before_ns);
    }
    std::vector<flowstore::Observation> batch;
    for (std::size_t first = 0; first < connections_.size(); first += batch.size()) {
      const auto next = std::span(connections_).subspan(first, std::min(slice, connections_.size() - first));
      batch.assign(next.begin(), next.end());
      counters_.apply(batch, now_);
      joined_ += static_cast<std::size_t>(
          std::ranges::count(batch, flowstore::Statistics::estimated, &flowstore::Observation::statistics));
    }
    return cpu_time().total_ns - began_ns;
  }
  std::size_t joined() const { return joined_; }
  std::int64_t longest_slice_ns() const { return longest_ns_; }

 private:
  ofe::correlate::DatapathCounters counters_;
  std::vector<flowstore::Observation> connections_;
  std::vector<std::string> lines_;
  ofe::datapath::Megaflow flow_;
  std::string error_;
  flowstore::Now now_{1'000'000, 1'700'000'000'000};
  std::size_t joined_ = 0;
  std::int64_t longest_ns_ = 0;
};

void run(unsigned number) {
  std::puts("{}");
  std::fflush(stdout);
  for (std::string prompt; std::getline(std::cin, prompt);) {
    Polls polls(number);
    const std::int64_t first_ns = polls.one(10);
    polls.one(20);
    const std::int64_t later_ns = polls.one(40);
    if (polls.joined() != number) throw std::runtime_error("a connection was not joined");
    std::printf("{\"number\":%u,\"first_ns\":%ld,\"later_ns\":%ld,\"longest_slice_ns\":%ld}\n", number, first_ns,
                later_ns, polls.longest_slice_ns());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    const std::string text = argc == 2 ? argv[1] : "";
    unsigned number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size() || number == 0 || number > 1'000'000) {
      throw std::runtime_error("usage: bench-megaflow-join NUMBER, 1 to 1000000");
    }
    bench::run(number);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-megaflow-join: %s\n", error.what());
    return 1;
  }
}
