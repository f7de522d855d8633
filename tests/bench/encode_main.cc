// bench-encode ours|fixbuf memory|cold: CPU time of making IPFIX Messages of a million records, once for every line on
// standard input.
//   memory: of 200 flows, again and again: what encoding costs when what it reads is in the processor's cache
//   cold: of a million flows in random order, named by 10,000 sets of names
// bench-encode ours|fixbuf FILE: 1,000 records of different flows, with their template, for a decoder.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

#include "flowstore/address.h"
#include "tests/bench/encode_way.h"
#include "tests/bench/socket_time.h"
#include "tests/conntrack-tools/synthetic_entry.h"

namespace bench {
namespace {

constexpr std::size_t records = 1'000'000;
constexpr unsigned name_sets = 10'000;  // pairs of Pods that talk to each other

flowstore::Tuple tuple(const conntrack_tools::Tuple& from) {
  const auto address = [](std::uint32_t a) {
    const std::uint8_t octets[4] = {static_cast<std::uint8_t>(a >> 24), static_cast<std::uint8_t>(a >> 16),
                                    static_cast<std::uint8_t>(a >> 8), static_cast<std::uint8_t>(a)};
    return flowstore::address_from_ipv4(octets);
  };
  return {address(from.source), address(from.destination), from.source_port, from.destination_port, from.protocol};
}

ofe::record::Names names_of(unsigned number) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%05u", number);
  const std::string set = digits;
  const std::uint8_t cluster_ip[4] = {10, 96, static_cast<std::uint8_t>(number >> 8),
                                      static_cast<std::uint8_t>(number)};
  return {"frontend-deployment-7d8f9c6b5-" + set,
          "team-" + set,
          "worker-node-7.example",
          "backend-deployment-5f6d7c8b9-" + set,
          "team-store",
          "worker-" + set + ".example",
          "team-store/backend-service-" + set + ":http-metric",
          flowstore::address_from_ipv4(cluster_ip)};
}

void write_file(EncodeWay& way, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const EncodeWay::Sink sink = [&file](std::span<const std::uint8_t> message) {
    file.write(reinterpret_cast<const char*>(message.data()), static_cast<std::streamsize>(message.size()));
  };
  std::vector<std::uint32_t> order(1'000);
  std::iota(order.begin(), order.end(), 0);
  way.describe(sink);
  way.encode(order, sink);
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void measure(EncodeWay& way, std::size_t flows) {
  std::size_t octets = 0;
  const EncodeWay::Sink sink = [&octets](std::span<const std::uint8_t> message) { octets += message.size(); };
  std::vector<std::uint32_t> order(records);
  for (std::size_t i = 0; i < records; ++i) order[i] = static_cast<std::uint32_t>(i % flows);
  std::mt19937 random(7);
  way.describe(sink);
  std::shuffle(order.begin(), order.end(), random);
  way.encode(order, sink);  // once unmeasured: buffers are as large as they get
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::shuffle(order.begin(), order.end(), random);
    octets = 0;
    const std::int64_t began_ns = cpu_time().total_ns;
    way.encode(order, sink);
    const std::int64_t ns = cpu_time().total_ns - began_ns;
    std::printf("{\"records\":%zu,\"octets\":%zu,\"ns\":%ld}\n", order.size(), octets, ns);
    std::fflush(stdout);
  }
}

void run(const std::string& way, const std::string& what) {
  if ((way != "ours" && way != "fixbuf") || what.empty()) {
    throw std::runtime_error("usage: bench-encode ours|fixbuf memory|cold|FILE");
  }
  const std::size_t count = what == "memory" ? 200 : what == "cold" ? records : 1'000;
  const auto flows = make_flows(count, std::min<unsigned>(name_sets, count));
  const auto encoder = way == "ours" ? encode_ours(*flows) : encode_fixbuf(*flows);
  if (what != "memory" && what != "cold") return write_file(*encoder, what);
  measure(*encoder, count);
}

}  // namespace

std::unique_ptr<Flows> make_flows(std::size_t count, unsigned sets) {
  auto made = std::make_unique<Flows>();
  made->flows.resize(count);
  for (std::size_t number = 0; number < count; ++number) {
    flowstore::Flow& flow = made->flows[number];
    const conntrack_tools::SyntheticEntry entry = conntrack_tools::synthetic_entry(number);
    flow.original = tuple(entry.original);
    flow.reply = tuple(entry.reply);
    flow.zone = 65520;
    flow.statistics = flowstore::Statistics::exact;
    flow.start_wall_ms = 1'700'000'000'000 + static_cast<std::int64_t>(number);
    flow.last_wall_ms = flow.start_wall_ms + 60'000;
    flow.total = {10 + number, 1'000 * number, 9 + number, 5'000 * number};
    flow.pending = {number % 10, 100 * number, number % 9, 500 * number};
    flow.names = made->names.acquire(names_of(static_cast<unsigned>(number % sets)));
  }
  return made;
}

}  // namespace bench

int main(int argc, char** argv) {
  try {
    bench::run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-encode: %s\n", error.what());
    return 1;
  }
}
