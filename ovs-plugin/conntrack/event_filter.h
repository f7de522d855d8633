// The filter of the event socket: what the kernel does not deliver costs nothing here.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ofe::conntrack {

// Beyond this many ranges of neighbouring zones the program, which compares one range after the other, would cost the
// kernel more per event than it saves: then events of all zones pass and are picked here (EventSourceStats.other_zone).
inline constexpr std::size_t max_filtered_zone_ranges = 256;

// Which NEW events pass. One without mark and labels says nothing that the connection's DESTROY event, or a dump, does
// not say as well, given that those carry its start time (net.netfilter.nf_conntrack_timestamp): reading it costs as
// much as reading the DESTROY event.
enum class NewEvents : std::uint8_t { all, marked };

// A classic BPF program (linux/filter.h) over one ctnetlink event message, struct nlmsghdr first: accepts those whose
// CTA_ZONE is one of the zones and, with NewEvents::marked, that are no NEW event or have CTA_MARK or CTA_LABELS. Zone
// 0 has no such attribute, so with it among the zones every message without one passes. Entries with a zone in one
// direction only (never those of a bridge) have none either.
std::vector<sock_filter> event_filter(std::span<const std::uint16_t> zones, NewEvents new_events);

}  // namespace ofe::conntrack
