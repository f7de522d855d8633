// conntrack-churn: real connections over loopback that come and go at a given rate.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "tests/conntrack-tools/churn_run.h"

namespace conntrack_tools {
namespace {

struct Options {
  ChurnOptions churn;
  std::string expected_file;
};

double cpu_seconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Prints the summary; 0 when everything happened as asked.
int report(const ChurnOptions& options, const ChurnRun& run) {
  std::uint64_t packets = 0, octets = 0, reverse_packets = 0, reverse_octets = 0, answered = 0, refused = 0;
  for (const Sent& one : run.sent()) {
    packets += one.packets;
    octets += one.octets;
    reverse_packets += one.reverse_packets;
    reverse_octets += one.reverse_octets;
    answered += one.reverse_packets != 0;
    refused += one.packets == 0;
  }
  std::printf(
      "{\"connections\":%lu,\"zone\":%u,\"seconds\":%.3f,\"rate\":%.0f,\"answered\":%lu,\"packets\":%lu,\"octets\":%lu,"
      "\"reverse_packets\":%lu,\"reverse_octets\":%lu,\"refused_connections\":%lu,\"refused_packets\":%lu,"
      "\"not_found\":%lu,\"cpu_seconds\":%.3f}\n",
      options.connections - refused, options.zone, run.seconds(),
      static_cast<double>(options.connections) / run.seconds(), answered, packets, octets, reverse_packets,
      reverse_octets, refused, run.refused_packets(), run.not_found(), cpu_seconds());
  if (run.not_found() != 0) {
    std::fprintf(stderr,
                 "conntrack-churn: %lu connections had no entry in zone %u when they were to be deleted: does a rule "
                 "(nft: ct zone set %u) put what is sent over lo there, and is the table large enough?\n",
                 run.not_found(), options.zone, options.zone);
  }
  if (run.refused_packets() != 0) {
    std::fprintf(stderr,
                 "conntrack-churn: the kernel refused %lu packets: is conntrack's table full, or is there a rule?\n",
                 run.refused_packets());
  }
  return run.not_found() == 0 && run.refused_packets() == 0 ? 0 : 1;
}

void write_expected(const Options& options, const std::vector<Sent>& connections) {
  const auto address = [](std::uint32_t a) {
    return std::to_string(a >> 24) + '.' + std::to_string(a >> 16 & 255) + '.' + std::to_string(a >> 8 & 255) + '.' +
           std::to_string(a & 255);
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(options.expected_file.c_str(), "w"), std::fclose);
  if (!file) throw std::system_error(errno, std::generic_category(), "cannot write " + options.expected_file);
  for (std::uint64_t i = 0; i < connections.size(); ++i) {
    const Sent& sent = connections[i];
    if (sent.packets == 0) continue;
    const Tuple tuple = planned(options.churn.first + i, options.churn.seed).original;
    std::fprintf(file.get(), "%s %s %u %u %u %u %u %u %u\n", address(tuple.source).c_str(),
                 address(tuple.destination).c_str(), tuple.protocol, tuple.source_port, tuple.destination_port,
                 sent.packets, sent.octets, sent.reverse_packets, sent.reverse_octets);
  }
  if (std::fflush(file.get()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot write " + options.expected_file);
  }
}

void declare(CLI::App& app, Options& options) {
  app.add_option("--connections", options.churn.connections, "How many")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, most_connections));
  app.add_option("--rate", options.churn.rate, "Connections a second")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}));
  app.add_option("--zone", options.churn.zone, "Conntrack zone that a rule of the namespace puts them in");
  app.add_option("--first", options.churn.first, "Number of the first");
  app.add_option("--seed", options.churn.seed, "Other addresses and sizes")->check(CLI::Range(0, 65535));
  app.add_option("--lifetime-ms", options.churn.lifetime_ms, "How long after its packets an entry is deleted");
  app.add_option("--expected", options.expected_file,
                 "Write one line a connection: source, destination, protocol, source port, destination port, packets, "
                 "octets, reverse packets, reverse octets (octets of IP packets)");
  app.footer(
      "UDP connections over loopback with one to three packets there and none to two back, received by a socket of "
      "this\n"
      "program; each entry is then deleted. The same number and seed give the same connection. Prints one JSON "
      "object.\n"
      "A zone needs a rule; one before conntrack's output hook is enough, as loopback packets keep their entry:\n"
      "  nft 'add table ip churn; add chain ip churn out { type filter hook output priority raw; ct zone set 65520; "
      "}'\n"
      "Example:\n  ip netns exec test conntrack-churn --connections 100000 --rate 20000 --zone 65520");
}

int run(const Options& options) {
  if (options.churn.first + options.churn.connections > most_connections) {
    throw std::runtime_error("--first and --connections go beyond number " + std::to_string(most_connections - 1));
  }
  ChurnRun churn(options.churn);
  churn.run();
  if (!options.expected_file.empty()) write_expected(options, churn.sent());
  return report(options.churn, churn);
}

}  // namespace
}  // namespace conntrack_tools

int main(int argc, char** argv) {
  conntrack_tools::Options options;
  CLI::App app("Makes real connections in this network namespace that come and go", "conntrack-churn");
  conntrack_tools::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return conntrack_tools::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conntrack-churn: %s\n", error.what());
    return 1;
  }
}
