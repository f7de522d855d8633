// Exports records whose values a test chose, so that decoders by others can be held against them:
//   export_records tcp|udp|udp-segments PORT [RECORDS_PER_TURN [HOST]] < records
// A line a record: source destination source-port destination-port protocol packets octets reverse-packets
// reverse-octets start-ms end-ms name. A turn is a millisecond. Reconnects at once. Ends when everything has left; then
// tells what was sent on standard output.
#include <poll.h>

#include <array>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "ipfix/element.h"
#include "ipfix/exporting_process.h"
#include "ipfix/flow_keys.h"
#include "ipfix/record_writer.h"
#include "ipfix/type_records.h"
#include "tests/ipfix/address_octets.h"

namespace {

using namespace ipfix;

Template flow_template(std::uint16_t id, bool v6) {
  const std::uint16_t address_octets = v6 ? 16 : 4;
  return {id,
          0,
          {{0, 152, 8},  // flowStartMilliseconds
           {0, 153, 8},  // flowEndMilliseconds
           {0, static_cast<std::uint16_t>(v6 ? 27 : 8), address_octets},
           {0, static_cast<std::uint16_t>(v6 ? 28 : 12), address_octets},
           {0, 7, 2},  // ports
           {0, 11, 2},
           {0, 4, 1},  // protocolIdentifier
           {0, 2, 8},  // packetDeltaCount, octetDeltaCount
           {0, 1, 8},
           {reverse_enterprise, 2, 8},
           {reverse_enterprise, 1, 8},
           {55829, 101, variable_length}}};  // sourcePodName
}

bool is_key(const FieldSpecifier& field) {
  return field.enterprise == 0 && field.id != 152 && field.id != 153 && field.id != 1 && field.id != 2;
}

// Which template the record is of; 0: the line is no record.
std::uint16_t encode(const std::string& line, RecordWriter& out) {
  std::istringstream in(line);
  std::string source, destination, name;
  std::uint64_t source_port = 0, destination_port = 0, protocol = 0, start_ms = 0, end_ms = 0;
  std::array<std::uint64_t, 4> counters{};
  in >> source >> destination >> source_port >> destination_port >> protocol;
  for (std::uint64_t& counter : counters) in >> counter;
  in >> start_ms >> end_ms >> name;
  const std::vector<std::uint8_t> from = ipfix_test::address_octets(source);
  const std::vector<std::uint8_t> to = ipfix_test::address_octets(destination);
  if (!in || from.empty() || from.size() != to.size()) return 0;
  out.u64(start_ms);
  out.u64(end_ms);
  out.octets(from);
  out.octets(to);
  out.u16(static_cast<std::uint16_t>(source_port));
  out.u16(static_cast<std::uint16_t>(destination_port));
  out.u8(static_cast<std::uint8_t>(protocol));
  for (const std::uint64_t counter : counters) out.u64(counter);
  out.string(name);
  return from.size() == 16 ? 257 : 256;
}

Now now() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

// Feeds the process from standard input until everything has left.
bool run(ExportingProcess& process, std::size_t records_per_turn) {
  std::array<std::uint8_t, 4096> buffer;
  std::string line;
  bool more = static_cast<bool>(std::getline(std::cin, line));
  while (true) {
    for (std::size_t i = 0; more && i < records_per_turn && process.can_accept(buffer.size()); ++i) {
      RecordWriter out(buffer);
      const std::uint16_t id = encode(line, out);
      if (id == 0 || out.overflow()) {
        std::cerr << "export_records: no record: " << line << "\n";
        return false;
      }
      process.export_record(id, out.written(), now());
      more = static_cast<bool>(std::getline(std::cin, line));
      if (!more) process.finish(now());
    }
    process.run(now());
    const bool connected = process.stats().state == SessionState::connected;
    if (!more && connected && process.drained()) return true;
    pollfd wanted{process.fd(), process.events(), 0};
    poll(&wanted, 1, 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  ExportingOptions options;
  const std::string transport = argv[1];
  options.transport = transport == "tcp" ? Transport::tcp : Transport::udp;
  options.udp_segmentation = transport == "udp-segments";
  options.observation_domain = 77;
  options.max_batch_delay_ms = 2;
  options.reconnect_initial_ms = 1;
  options.reconnect_max_ms = 2;
  options.statistics_interval_ms = 100;
  const auto collector =
      numeric_address(argc > 4 ? argv[4] : "127.0.0.1", static_cast<std::uint16_t>(std::stoi(argv[2])));
  ExportingProcess process(
      options, [&](std::string&) { return collector; }, now());
  const std::vector<Template> templates{flow_template(256, false), flow_template(257, true)};
  bool ready = add_type_records(process, 262, templates);
  for (const Template& definition : templates) ready = process.add_template(definition) && ready;
  ready = ready && add_flow_keys(process, 263, templates, is_key) && process.enable_statistics({264, 265, 4711});
  if (!ready || !run(process, argc > 3 ? std::stoul(argv[3]) : 1000)) return 1;
  const ExportingStats& stats = process.stats();
  std::cout << "{\"sent\": " << stats.records_sent << ", \"resent\": " << stats.records_resent
            << ", \"lost\": " << stats.records_lost << ", \"sessions\": " << stats.connects
            << ", \"messages\": " << stats.messages_sent << ", \"octets\": " << stats.octets_sent << "}\n";
  return 0;
}
