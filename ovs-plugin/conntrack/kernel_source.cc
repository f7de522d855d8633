#include "ovs-plugin/conntrack/kernel_source.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <optional>

#include "ovs-plugin/conntrack/zone_set.h"
#include "ovs-plugin/netlink/dump.h"

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

  netlink::Dump dump{NETLINK_NETFILTER, "the conntrack entries"};
  KernelSourceStats stats;
  bool filter_asked = false;
  ZoneSet zones;

  void fail(const std::string& why);
  void take(const nlmsghdr* message, const Entry& entry);
};

void KernelSource::Impl::fail(const std::string& why) {
  ++stats.dumps_failed;
  stats.last_error = why;
}

KernelSource::KernelSource() : impl_(std::make_unique<Impl>()) {}
KernelSource::~KernelSource() = default;

void KernelSource::start(std::span<const std::uint16_t> zones) {
  Impl& in = *impl_;
  if (in.dump.running()) in.fail("given up: another dump was started before it ended");
  in.zones = ZoneSet(zones);
  in.filter_asked = zones.size() == 1;
  in.dump.start(dump_request(in.filter_asked ? std::optional(zones.front()) : std::nullopt));
}

void KernelSource::Impl::take(const nlmsghdr* message, const Entry& entry) {
  if (message->nlmsg_type != entry_type) return;
  flowstore::Observation seen;
  if (!decode_ctnetlink(mnl_nlmsg_get_payload(message), mnl_nlmsg_get_payload_len(message), seen)) {
    ++stats.undecodable;
  } else if (!zones.contains(seen.zone)) {
    ++stats.other_zone;
    if (filter_asked) stats.kernel_filters = false;
  } else {
    ++stats.entries;
    entry(seen);
  }
}

KernelSource::Progress KernelSource::step(std::size_t budget_entries, const Impl::Entry& entry) {
  Impl& in = *impl_;
  const Progress progress = in.dump.step(budget_entries, [&](const nlmsghdr* message) { in.take(message, entry); });
  if (progress == Progress::failed) in.fail(in.dump.error());
  if (progress == Progress::complete) {
    ++in.stats.dumps;
    in.stats.last_error.clear();
  }
  return progress;
}

int KernelSource::fd() const {
  return impl_->dump.fd();
}
const KernelSourceStats& KernelSource::stats() const {
  return impl_->stats;
}

}  // namespace ofe::conntrack
