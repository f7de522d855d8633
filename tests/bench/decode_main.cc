// bench-ipfix-decode ours|peer: CPU per record to decode messages of 64 KiB from memory into a struct, by this
// project's collecting session or by libfixbuf; once for every line on standard input. Prints sums over what was
// decoded.
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "ipfix/collecting_session.h"
#include "ipfix/message_writer.h"
#include "tests/bench/fixbuf_peer.h"
#include "tests/bench/flow_reader.h"
#include "tests/bench/flow_records.h"
#include "tests/bench/socket_time.h"

namespace bench {
namespace {

constexpr std::size_t flows = 15'000;  // 4 MiB of messages
constexpr int passes = 100;            // over them, in a round
constexpr std::uint32_t domain = 1;

// The template's message, then messages as full as they get.
std::vector<ipfix::Message> messages() {
  const ipfix::Template definition = flow_template();
  const std::vector<const FlowField*> order = fields_in_order(definition);
  ipfix::MessageWriter writer(domain, 65535);
  std::vector<ipfix::Message> all;
  writer.add_template(definition);
  all.push_back(writer.take());
  const FlowTable table(flows);
  for (const FlowValues& flow : table.flows()) {
    const Octets record = encoded(flow, order);
    if (writer.add_record(definition.id, record)) continue;
    all.push_back(writer.take());
    writer.add_record(definition.id, record);
  }
  all.push_back(writer.take());
  return all;
}

class OurDecoder {
 public:
  explicit OurDecoder(FlowSink& sink) : sink_(sink) {}
  void decode(Octets& message) {
    if (session_.receive(message, 0) != ipfix::Finding::none) throw std::runtime_error("a message is malformed");
    if (findings_ > 0) throw std::runtime_error("the session has a finding");
  }

 private:
  FlowSink& sink_;
  FlowReader reader_;
  int findings_ = 0;
  const ipfix::CollectingLimits limits_;
  ipfix::CollectingStats stats_;
  const ipfix::CollectingHandlers handlers_{[this](const ipfix::DataRecord& record) {
                                              FlowValues values;
                                              reader_.read(record, values);
                                              sink_.take(values);
                                            },
                                            [this](const ipfix::FindingReport&) { ++findings_; }};
  ipfix::CollectingSession session_{
      "memory", ipfix::SessionKind::stream, ipfix::Registry::builtin(), limits_, handlers_, stats_};
};

template <class Decoder>
void measure() {
  std::vector<ipfix::Message> all = messages();
  FlowSink sink;
  Decoder decoder(sink);
  decoder.decode(all[0].octets);
  std::uint32_t sequence = 0;
  std::uint64_t octets = 0;
  const auto one_pass = [&] {
    for (std::size_t i = 1; i < all.size(); ++i) {
      ipfix::stamp(all[i], 1'700'000'000, sequence);
      sequence += all[i].data_records;
      octets += all[i].octets.size();
      decoder.decode(all[i].octets);
    }
  };
  sink.with_digest = true;
  one_pass();
  sink.with_digest = false;
  std::printf("{\"digest\":\"%016lx\"}\n", sink.digest.value());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    sink.sums = {};
    octets = 0;
    const std::int64_t began_ns = cpu_time().total_ns;
    for (int pass = 0; pass < passes; ++pass) one_pass();
    const std::int64_t spent_ns = cpu_time().total_ns - began_ns;
    const auto records = static_cast<double>(sink.sums.records);
    std::printf("{\"ns\":%.2f,\"octets_per_record\":%.1f,\"records\":%lu,\"octet_delta\":%lu,\"text_octets\":%lu}\n",
                static_cast<double>(spent_ns) / records, static_cast<double>(octets) / records, sink.sums.records,
                sink.sums.octet_delta, sink.sums.text_octets);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string way = argc == 2 ? argv[1] : "";
  try {
    if (way == "ours") {
      bench::measure<bench::OurDecoder>();
    } else if (way == "peer") {
      bench::measure<bench::FixbufDecoder>();
    } else {
      throw std::runtime_error("usage: bench-ipfix-decode ours|peer");
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-ipfix-decode: %s\n", error.what());
    return 1;
  }
  return 0;
}
