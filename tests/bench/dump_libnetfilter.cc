// What an agent with libnetfilter_conntrack does: a callback that reads each entry's attributes, and a map.
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include <cerrno>
#include <system_error>

#include "flowstore/address.h"
#include "tests/bench/dump_reader.h"
#include "tests/bench/flow_map.h"

namespace bench {
namespace {

using flowstore::Observation;
using flowstore::Tuple;

flowstore::Address address(const nf_conntrack* entry, bool v4, nf_conntrack_attr attribute_v4,
                           nf_conntrack_attr attribute_v6) {
  if (v4) return flowstore::address_from_ipv4(static_cast<const std::uint8_t*>(nfct_get_attr(entry, attribute_v4)));
  flowstore::Address v6{};
  std::memcpy(v6.data(), nfct_get_attr(entry, attribute_v6), v6.size());
  return v6;
}

void read_tuples(const nf_conntrack* entry, Observation& out) {
  const bool v4 = nfct_get_attr_u8(entry, ATTR_L3PROTO) == AF_INET;
  out.original.source = address(entry, v4, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC);
  out.original.destination = address(entry, v4, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
  out.reply.source = address(entry, v4, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC);
  out.reply.destination = address(entry, v4, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST);
  out.original.protocol = out.reply.protocol = nfct_get_attr_u8(entry, ATTR_L4PROTO);
  out.original.source_port = ntohs(nfct_get_attr_u16(entry, ATTR_ORIG_PORT_SRC));
  out.original.destination_port = ntohs(nfct_get_attr_u16(entry, ATTR_ORIG_PORT_DST));
  out.reply.source_port = ntohs(nfct_get_attr_u16(entry, ATTR_REPL_PORT_SRC));
  out.reply.destination_port = ntohs(nfct_get_attr_u16(entry, ATTR_REPL_PORT_DST));
}

// Labels are left in the library's bitmask: it hands them out bit by bit only, which would cost the comparison more
// than all the rest.
void read_entry(const nf_conntrack* entry, Observation& out) {
  read_tuples(entry, out);
  out.zone = nfct_get_attr_u16(entry, ATTR_ZONE);
  out.id = ntohl(nfct_get_attr_u32(entry, ATTR_ID));
  out.status = nfct_get_attr_u32(entry, ATTR_STATUS);
  out.timeout_s = nfct_get_attr_u32(entry, ATTR_TIMEOUT);
  out.mark = nfct_get_attr_u32(entry, ATTR_MARK);
  out.labels[0] = nfct_attr_is_set(entry, ATTR_CONNLABELS) > 0;
  out.tcp_state = static_cast<flowstore::TcpState>(nfct_get_attr_u8(entry, ATTR_TCP_STATE));
  out.start_wall_ms = static_cast<std::int64_t>(nfct_get_attr_u64(entry, ATTR_TIMESTAMP_START) / 1'000'000);
  out.stop_wall_ms = static_cast<std::int64_t>(nfct_get_attr_u64(entry, ATTR_TIMESTAMP_STOP) / 1'000'000);
  if (nfct_attr_is_set(entry, ATTR_ORIG_COUNTER_PACKETS) <= 0) return;
  out.statistics = flowstore::Statistics::exact;
  out.counters.packets = nfct_get_attr_u64(entry, ATTR_ORIG_COUNTER_PACKETS);
  out.counters.octets = nfct_get_attr_u64(entry, ATTR_ORIG_COUNTER_BYTES);
  out.counters.reverse_packets = nfct_get_attr_u64(entry, ATTR_REPL_COUNTER_PACKETS);
  out.counters.reverse_octets = nfct_get_attr_u64(entry, ATTR_REPL_COUNTER_BYTES);
}

class LibnetfilterReader : public DumpReader {
 public:
  explicit LibnetfilterReader(std::uint16_t zone) : zone_(zone), handle_(nfct_open(CONNTRACK, 0)) {
    if (!handle_) throw std::system_error(errno, std::generic_category(), "nfct_open");
    // As much at a time as the kernel gives anyone; the library's own buffer is a quarter of it.
    nfnl_set_rcv_buffer_size(const_cast<nfnl_handle*>(nfct_nfnlh(handle_.get())), 32 * 1024);
    nfct_callback_register(handle_.get(), NFCT_T_ALL, &on_entry, this);
  }
  std::size_t poll() override {
    now_.monotonic_ms += 5'000;
    now_.wall_ms += 5'000;
    ++scan_;
    entries_ = 0;
    const std::uint32_t any_family = AF_UNSPEC;
    if (nfct_query(handle_.get(), NFCT_Q_DUMP, &any_family) < 0) {
      throw std::system_error(errno, std::generic_category(), "nfct_query");
    }
    return entries_;
  }
  std::size_t flows() const override { return map_.size(); }

 private:
  struct Close {
    void operator()(nfct_handle* handle) const { nfct_close(handle); }
  };
  static int on_entry(nf_conntrack_msg_type, nf_conntrack* entry, void* data) {
    auto& self = *static_cast<LibnetfilterReader*>(data);
    if (nfct_get_attr_u16(entry, ATTR_ZONE) != self.zone_) return NFCT_CB_CONTINUE;
    Observation seen;
    read_entry(entry, seen);
    self.map_.observe(seen, self.scan_, self.now_);
    ++self.entries_;
    return NFCT_CB_CONTINUE;
  }

  std::uint16_t zone_;
  std::unique_ptr<nfct_handle, Close> handle_;
  FlowMap map_;
  flowstore::Now now_{1'000'000, 1'700'000'000'000};
  std::uint32_t scan_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace

std::unique_ptr<DumpReader> libnetfilter_reader(std::uint16_t zone) {
  return std::make_unique<LibnetfilterReader>(zone);
}

}  // namespace bench
