// Single values as lib/ct-dpif.c prints them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "flowstore/flow.h"

namespace ofe::conntrack {

// ct_dpif_format_ipproto: a name, or the number.
std::optional<std::uint8_t> protocol_from_text(std::string_view text);

// "SEEN_REPLY|ASSURED|0x8000" or "0" as IPS_* bits. Names not known here add nothing: they are newer than this list.
std::optional<std::uint32_t> status_from_text(std::string_view text);

// Hexadecimal of up to 128 bits, with or without 0x (ds_put_hex), as octets, most significant first.
std::optional<std::array<std::uint8_t, 16>> labels_from_text(std::string_view text);

// "2020-07-24T05:07:03.998" as milliseconds since the Unix epoch. OVS prints the local time of ovs-vswitchd and no zone
// (ct_dpif_format_timestamp passes utc = false); it is read as UTC, which is what containers run in. The userspace
// datapath prints no times, and the kernel's entries are better read over ctnetlink, so nothing depends on it.
std::optional<std::int64_t> wall_ms_from_text(std::string_view text);

// The state of the connection from the states of its two ends. The kernel has one state, which OVS prints twice. The
// userspace tracker (lib/conntrack-tcp.c) follows each end: CLOSED (nothing sent), SYN_SENT, ESTABLISHED (its SYN was
// acknowledged), CLOSING (sent FIN), FIN_WAIT_2 (its FIN was acknowledged), TIME_WAIT (both ends, after RST). Together
// they mean, in the kernel's terms, least and most advanced end first:
//   CLOSED      SYN_SENT     syn_sent        ESTABLISHED  FIN_WAIT_2   close_wait
//   below EST.  ESTABLISHED  syn_received    CLOSING      CLOSING      closing (the kernel's CLOSE prints so, too)
//   ESTABLISHED ESTABLISHED  established     CLOSING      FIN_WAIT_2   last_ack
//   below EST.  CLOSING      fin_wait        FIN_WAIT_2   FIN_WAIT_2   time_wait
//   ESTABLISHED CLOSING      fin_wait        any          TIME_WAIT    time_wait
// none when a name is not known.
flowstore::TcpState tcp_state_from_text(std::string_view one_end, std::string_view other_end);

}  // namespace ofe::conntrack
