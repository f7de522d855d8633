// bench-directory ours|map: CPU time of a million lookups of a Pod by its address among 100,000, in random order, once
// for every line on standard input.
//   ours: the directory, by address and time
//   map: std::unordered_map from the address as text, which is at hand; no time
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "flowstore/address.h"
#include "k8s-bridge/directory/directory.h"
#include "tests/bench/cpu_clock.h"

namespace bench {
namespace {

constexpr unsigned pods = 100'000;
constexpr std::size_t lookups = 1'000'000;
constexpr std::int64_t now_ms = 1'700'000'000'000;

std::string octets_of(unsigned number) {
  return {10, static_cast<char>(number >> 16), static_cast<char>(number >> 8), static_cast<char>(number)};
}

std::string name_of(unsigned number) {
  return "backend-deployment-5f6d7c8b9-" + std::to_string(number);
}

void fill(ofe::k8s::Directory& directory) {
  ofe::metadata::v1::Update update;
  for (unsigned number = 0; number < pods; ++number) {
    ofe::metadata::v1::Pod& pod = *update.add_pods();
    pod.set_namespace_("team-" + std::to_string(number % 100));
    pod.set_name(name_of(number));
    pod.set_uid("uid-" + std::to_string(number));
    pod.set_node_name("worker-" + std::to_string(number % 1'000));
    pod.add_ips(octets_of(number));
    pod.set_phase(ofe::metadata::v1::Pod::RUNNING);
    pod.set_start_wall_ms(now_ms - 1'000'000);
  }
  directory.begin_snapshot();
  directory.apply(update, now_ms);
  directory.end_snapshot(now_ms);
}

// lookup(number of a Pod) returns how long its name is.
void measure(const std::function<std::size_t(const std::vector<unsigned>& order)>& look_up) {
  std::mt19937 random(7);
  std::vector<unsigned> order(lookups);
  for (unsigned& number : order) number = static_cast<unsigned>(random() % pods);
  std::size_t sum = look_up(order);
  std::puts("{}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const std::int64_t began_ns = process_cpu_ns();
    sum = look_up(order);
    const std::int64_t ns = process_cpu_ns() - began_ns;
    std::printf("{\"ns\":%.1f,\"sum\":%zu}\n", static_cast<double>(ns) / lookups, sum);
    std::fflush(stdout);
  }
}

void measure_ours() {
  ofe::k8s::Directory directory;
  fill(directory);
  std::vector<ofe::k8s::Address> addresses;
  for (unsigned number = 0; number < pods; ++number)
    addresses.push_back(*ofe::k8s::address_from_bytes(octets_of(number)));
  measure([&](const std::vector<unsigned>& order) {
    std::size_t sum = 0;
    for (const unsigned number : order) sum += directory.pod(addresses[number], now_ms)->name.size();
    return sum;
  });
}

void measure_map() {
  std::unordered_map<std::string, ofe::k8s::Pod> map;
  std::vector<std::string> addresses;
  for (unsigned number = 0; number < pods; ++number) {
    addresses.push_back(flowstore::to_string(*ofe::k8s::address_from_bytes(octets_of(number))));
    map[addresses.back()].name = name_of(number);
  }
  measure([&](const std::vector<unsigned>& order) {
    std::size_t sum = 0;
    for (const unsigned number : order) sum += map.find(addresses[number])->second.name.size();
    return sum;
  });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string way = argc == 2 ? argv[1] : "";
  if (way == "ours") {
    bench::measure_ours();
  } else if (way == "map") {
    bench::measure_map();
  } else {
    std::fputs("usage: bench-directory ours|map\n", stderr);
    return 2;
  }
  return 0;
}
