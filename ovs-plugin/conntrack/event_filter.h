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

// A classic BPF program (linux/filter.h) over one ctnetlink event message, struct nlmsghdr first: accepts those whose
// CTA_ZONE is one of the zones. Zone 0 has no such attribute, so with it among the zones every message without one
// passes. Entries with a zone in one direction only (never those of a bridge) have none either.
std::vector<sock_filter> event_filter(std::span<const std::uint16_t> zones);

}  // namespace ofe::conntrack
