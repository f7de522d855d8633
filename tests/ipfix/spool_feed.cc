// Exports numbered records at a rate, over a spool, and keeps in a file what a killed process would take with it:
//   spool_feed PORT FOLDER RATE STATE
// STATE holds, in the machine's byte order and 64 bits each: records accepted, records counted as sent again by all
// processes so far, and whether it is to end (somebody else sets it: everything is sent first).
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "ipfix/exporting_process.h"
#include "ipfix/record_writer.h"

namespace {

constexpr std::uint16_t template_id = 256;
constexpr std::size_t record_octets = 271;

struct State {
  std::uint64_t accepted, resent, ending;
};

State* map_state(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(State)) != 0) return nullptr;
  void* const mapped = mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<State*>(mapped);
}

ipfix::Now clocks() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return {duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

void export_up_to(std::uint64_t wanted, ipfix::ExportingProcess& process, State& state, ipfix::Now now) {
  std::uint8_t record[record_octets] = {};
  std::uint64_t next = state.accepted;
  for (; next < wanted; ++next) {
    ipfix::RecordWriter out(record);
    out.u64(next);
    if (!process.export_record(template_id, record, now)) break;
  }
  process.run(now);  // on disk
  state.accepted = next;
}

}  // namespace

int main(int argc, char** argv) {
  State* const state = argc == 5 ? map_state(argv[4]) : nullptr;
  if (state == nullptr) {
    std::cerr << "usage: spool_feed PORT FOLDER RATE STATE\n";
    return 2;
  }
  const auto address = ipfix::numeric_address("127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1])));
  const std::int64_t rate = std::atoll(argv[3]);
  ipfix::ExportingOptions options;
  options.spool = ipfix::SpoolOptions{argv[2], std::uint64_t{2} << 30};
  options.resend_octets = 4u << 20;
  options.reconnect_max_ms = 2'000;
  const ipfix::Now began = clocks();
  ipfix::ExportingProcess process(
      options, [&](std::string&) { return address; }, began);
  process.add_template({template_id, 0, {{0, 1, 8}, {0, 210, record_octets - 8}}});
  const std::uint64_t accepted_before = state->accepted, resent_before = state->resent;
  for (;;) {
    const ipfix::Now now = clocks();
    const std::int64_t due = (now.monotonic_ms - began.monotonic_ms) * rate / 1'000;
    if (state->ending == 0) {
      export_up_to(accepted_before + static_cast<std::uint64_t>(due), process, *state, now);
    } else {
      process.flush(now);
      process.run(now);
      if (process.stats().state == ipfix::SessionState::connected && process.drained()) break;
    }
    state->resent = resent_before + process.stats().records_resent;
    pollfd wanted{process.fd(), process.events(), 0};
    poll(&wanted, process.fd() >= 0 ? 1 : 0, 5);
  }
  state->resent = resent_before + process.stats().records_resent;
  return process.stats().spool.error.empty() && process.stats().records_lost == 0 ? 0 : 1;
}
