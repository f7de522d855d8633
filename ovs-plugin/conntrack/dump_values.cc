#include "ovs-plugin/conntrack/dump_values.h"

#include <linux/netfilter/nf_conntrack_common.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace ofe::conntrack {
namespace {

using flowstore::TcpState;

template <class Value>
using Named = std::pair<std::string_view, Value>;

template <class Value, std::size_t N>
std::optional<Value> find(const Named<Value> (&table)[N], std::string_view name) {
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  return std::nullopt;
}

// All of the text as one number.
template <class Number>
std::optional<Number> whole_number(std::string_view text, int base = 10) {
  Number value = 0;
  const auto [last, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc{} || last != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr Named<std::uint8_t> protocols[] = {
    {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}, {"sctp", 132}, {"igmp", 2}, {"dccp", 33}, {"udplite", 136},
};

constexpr Named<std::uint32_t> status_names[] = {
    {"EXPECTED", IPS_EXPECTED},
    {"SEEN_REPLY", IPS_SEEN_REPLY},
    {"ASSURED", IPS_ASSURED},
    {"CONFIRMED", IPS_CONFIRMED},
    {"SRC_NAT", IPS_SRC_NAT},
    {"DST_NAT", IPS_DST_NAT},
    {"SEQ_ADJUST", IPS_SEQ_ADJUST},
    {"SRC_NAT_DONE", IPS_SRC_NAT_DONE},
    {"DST_NAT_DONE", IPS_DST_NAT_DONE},
    {"DYING", IPS_DYING},
    {"FIXED_TIMEOUT", IPS_FIXED_TIMEOUT},
    {"TEMPLATE", IPS_TEMPLATE},
    {"UNTRACKED", IPS_UNTRACKED},
    {"HELPER", IPS_HELPER},
    {"OFFLOAD", IPS_OFFLOAD},
};

// In the order of enum ct_dpif_tcp_state: the later, the further advanced. The value is what both ends together mean.
constexpr Named<TcpState> tcp_states[] = {
    {"CLOSED", TcpState::closed},           {"LISTEN", TcpState::none},
    {"SYN_SENT", TcpState::syn_sent},       {"SYN_RECV", TcpState::syn_received},
    {"ESTABLISHED", TcpState::established}, {"CLOSE_WAIT", TcpState::close_wait},
    {"FIN_WAIT_1", TcpState::fin_wait},     {"CLOSING", TcpState::closing},
    {"LAST_ACK", TcpState::last_ack},       {"FIN_WAIT_2", TcpState::time_wait},
    {"TIME_WAIT", TcpState::time_wait},
};
constexpr std::size_t established = 4, closing = 7, fin_wait_2 = 9;

std::size_t tcp_rank(std::string_view name) {
  const auto* found = std::ranges::find(tcp_states, name, &Named<TcpState>::first);
  return static_cast<std::size_t>(found - std::begin(tcp_states));
}

}  // namespace

std::optional<std::uint8_t> protocol_from_text(std::string_view text) {
  if (const auto named = find(protocols, text)) return named;
  return whole_number<std::uint8_t>(text);
}

std::optional<std::uint32_t> status_from_text(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint32_t bits = 0;
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    if (name.starts_with("0x")) {
      const auto unnamed = whole_number<std::uint32_t>(name.substr(2), 16);
      if (!unnamed) return std::nullopt;
      bits |= *unnamed;
    } else {
      bits |= find(status_names, name).value_or(0);
    }
  }
  return bits;
}

std::optional<std::array<std::uint8_t, 16>> labels_from_text(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::array<std::uint8_t, 16> octets{};
  if (text.empty() || text.size() > 2 * octets.size()) return std::nullopt;
  // From the least significant end, as leading zeros are not printed.
  for (std::size_t octet = octets.size(); !text.empty(); text.remove_suffix(std::min<std::size_t>(2, text.size()))) {
    const auto value = whole_number<std::uint8_t>(text.substr(text.size() - std::min<std::size_t>(2, text.size())), 16);
    if (!value) return std::nullopt;
    octets[--octet] = *value;
  }
  return octets;
}

std::optional<std::int64_t> wall_ms_from_text(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.ddd";
  if (text.size() != shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return std::nullopt;
  }
  const auto field = [&](std::size_t at, std::size_t length) {
    return *whole_number<unsigned>(text.substr(at, length));
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(field(0, 4))),
                                         std::chrono::month(field(5, 2)), std::chrono::day(field(8, 2))};
  const unsigned hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;  // 60: a leap second
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1'000 + field(20, 3);
}

TcpState tcp_state_from_text(std::string_view one_end, std::string_view other_end) {
  const auto [least, most] = std::minmax({tcp_rank(one_end), tcp_rank(other_end)});
  if (most == std::size(tcp_states)) return TcpState::none;
  if (least == most) return tcp_states[most].second;
  if (most == established) return TcpState::syn_received;
  if (most == closing) return TcpState::fin_wait;
  if (most == fin_wait_2) return least == closing ? TcpState::last_ack : TcpState::close_wait;
  return tcp_states[most].second;
}

}  // namespace ofe::conntrack
