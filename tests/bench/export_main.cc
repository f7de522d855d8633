// bench-ipfix-export ours|ours-encoded|peer tcp|udp PORT: CPU per record, user and system, of a sender to 127.0.0.1;
// once for every line on standard input.
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/bench/cpu_clock.h"
#include "tests/bench/export_sender.h"

namespace bench {
namespace {

constexpr std::size_t flows = 10'000;
constexpr int passes = 50;  // over them, in a round

std::unique_ptr<ExportSender> make_sender(const FlowTable& table, const std::string& way, const std::string& protocol,
                                          const std::string& port) {
  if (way == "peer") return make_fixbuf_sender(table, protocol, port);
  return make_our_sender(table, protocol, static_cast<std::uint16_t>(std::stoi(port)), way == "ours-encoded");
}

void measure(const std::string& way, const std::string& protocol, const std::string& port) {
  const FlowTable table(flows);
  const std::unique_ptr<ExportSender> sender = make_sender(table, way, protocol, port);
  const auto one_pass = [&] {
    for (std::size_t number = 0; number < flows; ++number) sender->send(number);
  };
  one_pass();
  sender->flush();
  std::printf("{\"records\":%zu}\n", flows);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const std::int64_t began_ns = process_cpu_ns();
    for (int pass = 0; pass < passes; ++pass) one_pass();
    sender->flush();
    const std::int64_t spent_ns = process_cpu_ns() - began_ns;
    std::printf("{\"ns\":%.1f,\"records\":%zu}\n", static_cast<double>(spent_ns) / (passes * flows), passes * flows);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string way = argc == 4 ? argv[1] : "", protocol = argc == 4 ? argv[2] : "";
  try {
    if ((way != "ours" && way != "ours-encoded" && way != "peer") || (protocol != "tcp" && protocol != "udp")) {
      throw std::runtime_error("usage: bench-ipfix-export ours|ours-encoded|peer tcp|udp PORT");
    }
    std::signal(SIGPIPE, SIG_IGN);
    bench::measure(way, protocol, argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-ipfix-export: %s\n", error.what());
    return 1;
  }
  return 0;
}
