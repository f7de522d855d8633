// Our exporting process, driven as the exporter drives it: a thousand records, then a turn of the process.
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>

#include "flowstore/address.h"
#include "flowstore/prefetch.h"
#include "ipfix/exporting_process.h"
#include "ipfix/tls_context.h"
#include "ovs-plugin/record/layout.h"
#include "ovs-plugin/record/name_pool.h"
#include "tests/bench/export_sender.h"

namespace bench {
namespace {

constexpr std::size_t records_per_turn = 1'000;
constexpr std::size_t prefetch_group = 8;

ipfix::Now read_clocks() {
  const auto ms = [](clockid_t clock) {
    timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * std::int64_t{1'000} + now.tv_nsec / 1'000'000;
  };
  return {ms(CLOCK_MONOTONIC), ms(CLOCK_REALTIME)};
}

struct NamedFlow {
  flowstore::Flow flow;
  flowstore::Counters delta;
  flowstore::NameHandle names = 0;
};

std::string text(const Text& of) {
  return {reinterpret_cast<const char*>(of.data), of.octets};
}

flowstore::Address address(std::uint32_t value) {
  const std::uint8_t octets[4] = {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                                  static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return flowstore::address_from_ipv4(octets);
}

ofe::record::Names names_of(const FlowValues& from) {
  return {text(from.source_pod),        text(from.source_namespace),      text(from.source_node),
          text(from.destination_pod),   text(from.destination_namespace), text(from.destination_node),
          text(from.service_port_name), address(from.cluster_ip),         {}};
}

NamedFlow flow_of(const FlowValues& from, flowstore::NameHandle names) {
  NamedFlow made;
  made.flow.original = {address(from.source), address(from.cluster_ip), from.source_port, 80, from.protocol};
  made.flow.reply = {address(from.destination), address(from.source), from.destination_port, from.source_port,
                     from.protocol};
  made.flow.statistics = flowstore::Statistics::exact;
  made.flow.start_wall_ms = std::int64_t{from.start_s} * 1'000;
  made.flow.last_wall_ms = std::int64_t{from.end_s} * 1'000;
  made.flow.total = {from.packet_total, from.octet_total, from.reverse_packet_total, from.reverse_octet_total};
  made.delta = {from.packet_delta, from.octet_delta, from.reverse_packet_delta, from.reverse_octet_delta};
  made.names = names;
  return made;
}

class OurSender : public ExportSender {
 public:
  OurSender(const FlowTable& table, const ipfix::ExportingOptions& options, const ipfix::SocketAddress& collector,
            bool encoded)
      : template_(flow_template()),
        process_(
            options, [collector](std::string&) { return std::optional(collector); }, read_clocks()) {
    process_.add_template(template_);
    const std::vector<const FlowField*> order = fields_in_order(template_);
    for (const FlowValues& flow : table.flows()) {
      if (encoded) {
        records_.push_back(bench::encoded(flow, order));
      } else {
        flows_.push_back(flow_of(flow, pool_.acquire(names_of(flow))));
      }
    }
    connect();
  }

  void send(std::size_t number) override {
    std::span<const std::uint8_t> record;
    if (flows_.empty()) {
      record = records_[number];
    } else {
      if (number % prefetch_group == 0) prefetch_group_behind(number);
      const NamedFlow& from = flows_[number];
      const std::span<std::uint8_t> room = process_.room(template_.id, buffer_.size());
      ipfix::RecordWriter out(room.empty() ? std::span<std::uint8_t>(buffer_) : room);
      layout_.encode({from.flow, from.delta, flowstore::EndReason::active_timeout, pool_.encoded(from.names)}, out);
      record = out.written();
    }
    while (!process_.export_record(template_.id, record, now_)) turn(true);
    if (++records_in_turn_ >= records_per_turn) turn(false);
  }

  void flush() override {
    process_.flush(now_);
    while (!process_.drained()) turn(true);
  }

 private:
  // As Store::export_due() does with the flows that are due.
  void prefetch_group_behind(std::size_t number) const {
    for (std::size_t i = number + prefetch_group; i < std::min(number + 2 * prefetch_group, flows_.size()); ++i)
      flowstore::prefetch(&flows_[i], sizeof flows_[i]);
  }

  void turn(bool wait) {
    records_in_turn_ = 0;
    now_ = read_clocks();
    process_.run(now_);
    if (wait && !process_.drained()) wait_for_socket();
    if (!process_.stats().last_error.empty()) throw std::runtime_error(process_.stats().last_error);
  }

  void wait_for_socket() {
    const auto deadline = process_.next_deadline_ms();
    const std::int64_t wait_ms = deadline ? std::clamp<std::int64_t>(*deadline - now_.monotonic_ms, 0, 1'000) : 1'000;
    pollfd wanted{process_.fd(), process_.events(), 0};
    poll(&wanted, 1, static_cast<int>(wait_ms));
  }

  void connect() {
    while (process_.stats().state != ipfix::SessionState::connected) turn(true);
  }

  const ipfix::Template template_;
  ipfix::ExportingProcess process_;
  ipfix::Now now_;
  ofe::record::NamePool pool_;
  const ofe::record::Layout layout_;
  std::vector<NamedFlow> flows_;
  std::vector<Octets> records_;
  std::size_t records_in_turn_ = 0;
  std::array<std::uint8_t, ofe::record::max_record_octets> buffer_{};
};

}  // namespace

std::unique_ptr<ExportSender> make_our_sender(const FlowTable& table, const std::string& protocol, std::uint16_t port,
                                              const std::string& ca_file, const std::string& way) {
  ipfix::ExportingOptions options;
  options.observation_domain = 1;
  if (protocol == "udp") options.transport = ipfix::Transport::udp;
  options.udp_segmentation = way != "ours-datagrams";
  if (protocol == "tls") {
    options.transport = ipfix::Transport::tls;
    options.tls =
        std::make_shared<ipfix::TlsContext>(ipfix::TlsOptions{.ca_file = ca_file, .server_name = "127.0.0.1"});
  }
  return std::make_unique<OurSender>(table, options, ipfix::numeric_address("127.0.0.1", port).value(),
                                     way == "ours-encoded");
}

}  // namespace bench
