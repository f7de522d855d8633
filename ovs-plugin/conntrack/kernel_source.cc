#include "ovs-plugin/conntrack/kernel_source.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <cstring>
#include <optional>

#include "ovs-plugin/conntrack/zone_set.h"
#include "ovs-plugin/netlink/dump_reader.h"

namespace ofe::conntrack {
namespace {

constexpr std::uint16_t entry_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;

// For the entries of both families; with a zone, for that zone's only (CTA_ZONE, which kernels before 6.8 ignore).
std::vector<char> dump_request(std::optional<std::uint16_t> zone) {
  std::array<char, 256> request{};
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  family->nfgen_family = AF_UNSPEC;
  family->version = NFNETLINK_V0;
  if (zone) mnl_attr_put_u16(header, CTA_ZONE, htons(*zone));
  return {request.data(), request.data() + header->nlmsg_len};
}

}  // namespace

struct KernelSource::Impl {
  using Entry = std::function<void(const flowstore::Observation&)>;

  netlink::DumpReader reader{NETLINK_NETFILTER, "the conntrack entries"};
  KernelSourceStats stats;
  bool dumping = false;
  bool filter_asked = false;
  ZoneSet zones;

  Progress fail(const std::string& why);
  Progress decode(std::span<const char> messages, std::size_t& budget, const Entry& entry);
  Progress handle(const nlmsghdr* message, const Entry& entry);
};

KernelSource::Progress KernelSource::Impl::fail(const std::string& why) {
  ++stats.dumps_failed;
  stats.last_error = why;
  dumping = false;
  return Progress::failed;
}

KernelSource::KernelSource() : impl_(std::make_unique<Impl>()) {}
KernelSource::~KernelSource() = default;

void KernelSource::start(std::span<const std::uint16_t> zones) {
  Impl& in = *impl_;
  if (in.dumping) in.fail("given up: another dump was started before it ended");
  in.dumping = true;
  in.zones = ZoneSet(zones);
  in.filter_asked = zones.size() == 1;
  in.reader.start(dump_request(in.filter_asked ? std::optional(zones.front()) : std::nullopt));
}

KernelSource::Progress KernelSource::Impl::handle(const nlmsghdr* message, const Entry& entry) {
  if (message->nlmsg_flags & NLM_F_DUMP_INTR) return fail("the table changed during the dump (NLM_F_DUMP_INTR)");
  const std::size_t octets = mnl_nlmsg_get_payload_len(message);
  const void* payload = mnl_nlmsg_get_payload(message);
  if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
    int code = 0;
    if (octets >= sizeof code) std::memcpy(&code, payload, sizeof code);
    if (code < 0) return fail(std::string("the kernel refused the dump: ") + std::strerror(-code));
    if (message->nlmsg_type == NLMSG_ERROR) return Progress::more;  // an acknowledgement
    ++stats.dumps;
    stats.last_error.clear();
    dumping = false;
    return Progress::complete;
  }
  if (message->nlmsg_type == NLMSG_OVERRUN) return fail("messages of the dump were lost (NLMSG_OVERRUN)");
  if (message->nlmsg_type != entry_type) return Progress::more;
  flowstore::Observation seen;
  if (!decode_ctnetlink(payload, octets, seen)) {
    ++stats.undecodable;
  } else if (!zones.contains(seen.zone)) {
    ++stats.other_zone;
    if (filter_asked) stats.kernel_filters = false;
  } else {
    ++stats.entries;
    entry(seen);
  }
  return Progress::more;
}

// Whole pieces only: a piece is a fraction of a millisecond.
KernelSource::Progress KernelSource::Impl::decode(std::span<const char> messages, std::size_t& budget,
                                                  const Entry& entry) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(messages.data());
  int left = static_cast<int>(messages.size());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    const Progress progress = handle(message, entry);
    if (progress != Progress::more) return progress;
    if (budget > 0) --budget;
  }
  return left == 0 ? Progress::more : fail("a message of the dump was cut short");
}

KernelSource::Progress KernelSource::step(std::size_t budget_entries, const Impl::Entry& entry) {
  Impl& in = *impl_;
  if (!in.dumping) return Progress::idle;
  while (budget_entries > 0) {
    const std::span<const char> messages = in.reader.front();
    if (messages.empty()) {
      if (!in.reader.ended()) return Progress::waiting;
      const std::string error = in.reader.error();
      return in.fail(error.empty() ? "the dump stopped without an end" : error);
    }
    const Progress progress = in.decode(messages, budget_entries, entry);
    in.reader.pop();
    if (progress != Progress::more) return progress;
  }
  return Progress::more;
}

int KernelSource::fd() const {
  return impl_->reader.fd();
}
const KernelSourceStats& KernelSource::stats() const {
  return impl_->stats;
}

}  // namespace ofe::conntrack
