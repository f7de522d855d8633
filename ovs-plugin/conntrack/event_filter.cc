#include "ovs-plugin/conntrack/event_filter.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>

namespace ofe::conntrack {
namespace {

struct Range {
  std::uint16_t first, last;
};

// Of the zones other than 0.
std::vector<Range> ranges_of(std::span<const std::uint16_t> zones) {
  std::vector<std::uint16_t> sorted(zones.begin(), zones.end());
  std::ranges::sort(sorted);
  std::vector<Range> ranges;
  for (const std::uint16_t zone : sorted) {
    if (zone == 0) continue;
    if (!ranges.empty() && zone <= ranges.back().last + 1) {
      ranges.back().last = zone;
    } else {
      ranges.push_back({zone, zone});
    }
  }
  return ranges;
}

sock_filter jump(std::uint16_t comparison, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), if_true, if_false, value};
}

constexpr sock_filter accept = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
constexpr sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);

// A = offset of the first attribute of that type, 0 when there is none (net/core/filter.c, bpf_skb_get_nlattr).
void find_attribute(std::vector<sock_filter>& program, std::uint32_t type) {
  program.push_back(BPF_STMT(BPF_LD | BPF_IMM, NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nfgenmsg))));
  program.push_back(BPF_STMT(BPF_LDX | BPF_IMM, type));
  program.push_back(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR)));
}

// Refuses NEW events with neither mark nor labels; what is not refused goes on after it.
std::vector<sock_filter> refuse_unmarked() {
  constexpr std::uint16_t new_event = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
  std::vector<sock_filter> program = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
                                      jump(BPF_JEQ, htons(new_event), 0, 9)};  // loads are in network order
  find_attribute(program, CTA_MARK);
  program.push_back(jump(BPF_JEQ, 0, 0, 5));
  find_attribute(program, CTA_LABELS);
  program.push_back(jump(BPF_JEQ, 0, 0, 1));
  program.push_back(refuse);
  return program;
}

}  // namespace

std::vector<sock_filter> event_filter(std::span<const std::uint16_t> zones, NewEvents new_events) {
  std::vector<sock_filter> program;
  if (new_events == NewEvents::marked) program = refuse_unmarked();
  const std::vector<Range> ranges = ranges_of(zones);
  if (ranges.size() > max_filtered_zone_ranges) {
    program.push_back(accept);
    return program;
  }
  const bool zone_zero = std::ranges::find(zones, 0) != zones.end();
  find_attribute(program, CTA_ZONE);
  program.push_back(jump(BPF_JEQ, 0, 0, 1));
  program.push_back(zone_zero ? accept : refuse);
  program.push_back(BPF_STMT(BPF_MISC | BPF_TAX, 0));
  program.push_back(BPF_STMT(BPF_LD | BPF_H | BPF_IND, NLA_HDRLEN));
  for (const Range& range : ranges) {  // in ascending order: below the range means in none
    program.push_back(jump(BPF_JGE, range.first, 1, 0));
    program.push_back(refuse);
    program.push_back(jump(BPF_JGT, range.last, 1, 0));
    program.push_back(accept);
  }
  program.push_back(refuse);
  return program;
}

}  // namespace ofe::conntrack
