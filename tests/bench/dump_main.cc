// bench-dump READER ZONE: reads the zone once, then once for every line on standard input; prints a JSON line for each.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/bench/dump_reader.h"
#include "tests/bench/socket_time.h"

namespace bench {
namespace {

std::unique_ptr<DumpReader> reader_named(const std::string& name, std::uint16_t zone) {
  if (name == "exporter") return exporter_reader(zone);
  if (name == "unfiltered") return unfiltered_reader(zone);
  if (name == "libnetfilter") return libnetfilter_reader(zone);
  if (name == "counting") return counting_reader(zone);
  throw std::runtime_error("no reader '" + name + "': exporter, unfiltered, libnetfilter or counting");
}

void poll_and_report(DumpReader& reader) {
  const CpuTime began = cpu_time();
  const std::size_t entries = reader.poll();
  const CpuTime read = cpu_time();
  reader.after_poll();
  const CpuTime after = cpu_time() - read, polled = read - began;
  std::printf("{\"entries\":%zu,\"flows\":%zu,\"total_ns\":%ld,\"user_ns\":%ld,\"after_ns\":%ld}\n", entries,
              reader.flows(), polled.total_ns, polled.user_ns(), after.total_ns);
  std::fflush(stdout);
}

int run(const std::string& name, std::uint16_t zone) {
  const auto reader = reader_named(name, zone);
  poll_and_report(*reader);  // fills the table
  for (std::string line; std::getline(std::cin, line);) poll_and_report(*reader);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("usage: bench-dump READER ZONE");
    return bench::run(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-dump: %s\n", error.what());
    return 1;
  }
}
