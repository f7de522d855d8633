// bench-megaflow-parse ours|peer: CPU time per megaflow line, once for every line on standard input, over the recorded
// lines that OVS's own reader accepts. Ours reads the whole line; the peer the keys and masks before the statistics.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "ovs-plugin/datapath/megaflow.h"
#include "tests/bench/odp_flow_peer.h"
#include "tests/bench/socket_time.h"

namespace bench {
namespace {

constexpr int passes = 4'000;

struct Line {
  std::string whole, keys;
};

std::vector<Line> lines_of(const std::vector<std::string>& files, std::size_t& all) {
  std::vector<Line> lines;
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file);
    for (std::string line; std::getline(in, line);) {
      if (!ofe::datapath::is_flow_line(line)) continue;
      ++all;
      // It reads no comma behind a ufid, although OVS prints one.
      const std::size_t first = line.starts_with("ufid:") ? line.find(", ") + 2 : 0;
      const std::string keys = line.substr(first, line.find(", packets:") - first);
      if (odp_flow_peer_accepts(keys.c_str())) lines.push_back({line, keys});
    }
  }
  if (lines.empty()) throw std::runtime_error("OVS accepts none of the lines");
  return lines;
}

bool ours(const Line& line) {
  static ofe::datapath::Megaflow flow;
  static std::string error;
  return ofe::datapath::parse_megaflow(line.whole, flow, error);
}

bool peer(const Line& line) {
  return odp_flow_peer_accepts(line.keys.c_str()) != 0;
}

template <class Read>
void measure(const std::vector<Line>& lines, std::size_t all, Read&& read) {
  std::printf("{}\n");
  std::fflush(stdout);
  for (std::string prompt; std::getline(std::cin, prompt);) {
    std::size_t accepted = 0;
    const std::int64_t began_ns = cpu_time().total_ns;
    for (int pass = 0; pass < passes; ++pass) {
      for (const Line& line : lines) accepted += read(line);
    }
    const std::int64_t spent_ns = cpu_time().total_ns - began_ns;
    if (accepted != lines.size() * passes) throw std::runtime_error("a line was not accepted");
    std::printf("{\"lines\":%zu,\"of\":%zu,\"ns\":%.1f}\n", lines.size(), all,
                static_cast<double>(spent_ns) / static_cast<double>(accepted));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    const std::string way = argc == 2 ? argv[1] : "";
    if (way != "ours" && way != "peer") throw std::runtime_error("usage: bench-megaflow-parse ours|peer");
    std::size_t all = 0;
    const std::vector<bench::Line> lines =
        bench::lines_of({OFE_TEST_DATA "/ovs-3.1-userspace.txt", OFE_TEST_DATA "/ovs-3.1-kernel.txt"}, all);
    if (way == "ours") {
      bench::measure(lines, all, bench::ours);
    } else {
      bench::measure(lines, all, bench::peer);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-megaflow-parse: %s\n", error.what());
    return 1;
  }
}
