#include <array>

#include "flowstore/prefetch.h"
#include "ipfix/message_queue.h"
#include "ovs-plugin/record/layout.h"
#include "tests/bench/encode_way.h"

namespace bench {
namespace {

constexpr std::size_t longest_message = 65'535;

// What the exporter does with a due flow, up to the socket.
class Ours : public EncodeWay {
 public:
  explicit Ours(const Flows& flows) : flows_(flows) {}

  void describe(const Sink& sink) override {
    ipfix::MessageWriter writer(observation_domain, longest_message);
    writer.add_template(layout_.templates().front());
    ipfix::Message message = writer.take();
    ipfix::stamp(message, export_time_s, 0);
    sink(message.octets);
  }

  void encode(std::span<const std::uint32_t> order, const Sink& sink) override {
    constexpr std::size_t group = 8;  // as Store::export_due() does with the flows that are due
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i % group == 0) {
        for (std::size_t k = i + group; k < std::min(i + 2 * group, order.size()); ++k)
          flowstore::prefetch(&flows_.flows[order[k]], sizeof(flowstore::Flow));
      }
      const flowstore::Flow& flow = flows_.flows[order[i]];
      const std::uint16_t template_id = ofe::record::template_of(flow);
      const std::span<std::uint8_t> room = queue_.room(template_id, buffer_.size());
      ipfix::RecordWriter out(room.empty() ? std::span<std::uint8_t>(buffer_) : room);
      layout_.encode({flow, flow.pending, flowstore::EndReason::active_timeout, flows_.names.encoded(flow.names)}, out);
      queue_.add(template_id, out.written(), 0);
      send(sink);
    }
    queue_.finish_open();
    send(sink);
  }

 private:
  void send(const Sink& sink) {
    for (; queue_.has_finished(); queue_.pop_front()) {
      ipfix::stamp(queue_.front(), export_time_s, sequence_);
      sequence_ += queue_.front().data_records;
      sink(queue_.front().octets);
    }
  }

  const Flows& flows_;
  const ofe::record::Layout layout_;
  ipfix::MessageQueue queue_{observation_domain, longest_message, {std::size_t{1} << 20}};
  std::uint32_t sequence_ = 0;
  std::array<std::uint8_t, ofe::record::max_record_octets> buffer_{};
};

}  // namespace

std::unique_ptr<EncodeWay> encode_ours(const Flows& flows) {
  return std::make_unique<Ours>(flows);
}

}  // namespace bench
