#include "ovs-plugin/conntrack/kernel_source.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cstring>

#include "ovs-plugin/conntrack/dump_reader.h"
#include "ovs-plugin/conntrack/zone_set.h"

namespace ofe::conntrack {
namespace {

constexpr std::uint16_t entry_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;

}  // namespace

struct KernelSource::Impl {
  using Entry = std::function<void(const flowstore::Observation&)>;

  DumpReader reader;
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
  in.reader.start(in.filter_asked ? std::optional(zones.front()) : std::nullopt);
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
