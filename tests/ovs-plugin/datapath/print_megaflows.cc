// print-megaflows [--text]: the flows of the kernel datapath ovs-system, or with --text those that dpctl/dump-flows -m
// printed, from standard input; one line each, the same for the same flow, without what changes as packets pass but
// their number: UFID PACKETS KEY-AND-ACTIONS.
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <string>

#include "ovs-plugin/datapath/kernel_flows.h"

namespace ofe::datapath {
namespace {

std::string hex(const std::uint8_t* octets, std::size_t size) {
  std::string text;
  char digits[3];
  for (std::size_t i = 0; i < size; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", octets[i]);
    text += digits;
  }
  return text;
}

template <class Number>
std::string text_of(const Masked<Number>& number) {
  return std::to_string(number.value) + "/" + std::to_string(number.mask);
}
std::string text_of(const Masked<flowstore::Address>& address) {
  return hex(address.value.data(), 16) + "/" + hex(address.mask.data(), 16);
}

// An IPv4 flow of which neither source nor destination is printed has "any" in one source's struct and nothing in the
// other's; both mean the same.
Masked<flowstore::Address> any_of_family(const Megaflow& flow, Masked<flowstore::Address> address) {
  const bool wild = std::ranges::all_of(address.mask.begin() + 12, address.mask.end(), [](auto o) { return o == 0; });
  return flow.eth_type == 0x0800 && wild ? Masked<flowstore::Address>{} : address;
}

void print(const Megaflow& flow) {
  std::string line = hex(flow.ufid.data(), flow.ufid.size()) + " " + std::to_string(flow.packets);
  line += " recirc_id=" + std::to_string(flow.recirc_id) + " in_port=" + std::string(flow.in_port);
  line += " eth_type=" + std::to_string(flow.eth_type) + " vlan=" + std::to_string(flow.vlan);
  line += " source=" + text_of(any_of_family(flow, flow.source));
  line += " destination=" + text_of(any_of_family(flow, flow.destination));
  line += " protocol=" + text_of(flow.protocol) + " ports=" + text_of(flow.source_port) + ">" +
          text_of(flow.destination_port) + " icmp=" + text_of(flow.icmp_type) + ":" + text_of(flow.icmp_code);
  line += " fragment=" + std::to_string(flow.fragment) + " drop=" + std::to_string(flow.drop) + " recircs=";
  for (const std::uint32_t recirc : flow.recircs) line += std::to_string(recirc) + ",";
  line += " ct=";
  for (const CtAction& ct : flow.ct) {
    line += std::to_string(ct.zone) + (ct.commit ? "+commit" : "") + (ct.nat ? "+nat" : "") + ",";
  }
  line += " outputs=";
  for (const std::string_view port : flow.outputs) line += std::string(port) + ",";
  std::puts(line.c_str());
}

int print_text() {
  Megaflow flow;
  std::string error;
  for (std::string line; std::getline(std::cin, line);) {
    if (!is_flow_line(line)) continue;
    if (!parse_megaflow(line, flow, error)) {
      std::fprintf(stderr, "print-megaflows: %s: %s\n", error.c_str(), line.c_str());
      return 1;
    }
    print(flow);
  }
  return 0;
}

int print_kernel() {
  KernelFlows flows;
  flows.start();
  for (;;) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto progress = flows.step(1000, now.tv_sec * 1000 + now.tv_nsec / 1'000'000, print);
    if (progress == KernelFlows::Progress::complete) break;
    if (progress == KernelFlows::Progress::failed) {
      std::fprintf(stderr, "print-megaflows: %s\n", flows.stats().last_error.c_str());
      return 1;
    }
    pollfd readable{flows.fd(), POLLIN, 0};
    if (progress == KernelFlows::Progress::waiting) poll(&readable, 1, 100);
  }
  if (flows.stats().undecodable == 0) return 0;
  std::fprintf(stderr, "print-megaflows: %lu flows could not be read\n", flows.stats().undecodable);
  return 1;
}

}  // namespace
}  // namespace ofe::datapath

int main(int argc, char** argv) {
  return argc > 1 && std::strcmp(argv[1], "--text") == 0 ? ofe::datapath::print_text() : ofe::datapath::print_kernel();
}
