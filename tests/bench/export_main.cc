// bench-ipfix-export ours|ours-encoded|ours-datagrams|peer tcp|udp|tls PORT [CA_FILE]: CPU per record, user and system,
// of a sender to 127.0.0.1; once for every line on standard input.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/cpu_clock.h"
#include "tests/bench/export_sender.h"

namespace bench {
namespace {

constexpr std::size_t flows = 10'000;
constexpr int passes = 50;  // over them, in a round

std::unique_ptr<ExportSender> make_sender(const FlowTable& table, const std::string& way, const std::string& protocol,
                                          const std::string& port, const std::string& ca_file) {
  const auto number = static_cast<std::uint16_t>(std::stoi(port));
  if (way != "peer") return make_our_sender(table, protocol, number, ca_file, way);
  if (protocol == "tls") return make_openssl_sender(table, number, ca_file);
  return make_fixbuf_sender(table, protocol, port);
}

bool is_one_of(const std::string& word, const std::vector<std::string>& words) {
  return std::ranges::find(words, word) != words.end();
}

void measure(const std::string& way, const std::string& protocol, const std::string& port, const std::string& ca_file) {
  const FlowTable table(flows);
  const std::unique_ptr<ExportSender> sender = make_sender(table, way, protocol, port, ca_file);
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
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    const bool enough = words.size() >= 3 && words.size() == (words[1] == "tls" ? 4 : 3);
    if (!enough || !bench::is_one_of(words[0], {"ours", "ours-encoded", "ours-datagrams", "peer"}) ||
        !bench::is_one_of(words[1], {"tcp", "udp", "tls"})) {
      throw std::runtime_error(
          "usage: bench-ipfix-export ours|ours-encoded|ours-datagrams|peer tcp|udp|tls PORT [CA_FILE]");
    }
    std::signal(SIGPIPE, SIG_IGN);
    bench::measure(words[0], words[1], words[2], words.size() > 3 ? words[3] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-ipfix-export: %s\n", error.what());
    return 1;
  }
  return 0;
}
