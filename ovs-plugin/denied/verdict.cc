#include "ovs-plugin/denied/verdict.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "flowstore/address.h"

namespace ofe::denied {
namespace {

// Names of fields in a match as OVS prints it (lib/match.c: match_format).
constexpr std::string_view conditions_of_policies[] = {
    "nw_src",      "nw_dst",      "ipv6_src",    "ipv6_dst",  "tp_src",    "tp_dst",    "tcp_src",
    "tcp_dst",     "udp_src",     "udp_dst",     "sctp_src",  "sctp_dst",  "icmp_type", "icmp_code",
    "icmpv6_type", "icmpv6_code", "tcp_flags",   "conj_id",   "ct_mark",   "ct_label",  "ct_nw_src",
    "ct_nw_dst",   "ct_ipv6_src", "ct_ipv6_dst", "ct_tp_src", "ct_tp_dst", "pkt_mark",  "tun_id"};
constexpr std::string_view source_link_fields[] = {"dl_src", "eth_src", "arp_spa", "arp_sha", "nd_sll"};
constexpr std::string_view source_network_fields[] = {"nw_src", "ipv6_src"};
constexpr std::string_view fields_of_place[] = {"in_port", "metadata", "vlan_tci", "dl_vlan", "dl_type", "eth_type",
                                                "eth",     "ip",       "ipv6",     "arp",     "priority"};

template <class List>
bool one_of(std::string_view name, const List& list) {
  return std::ranges::find(list, name) != std::end(list);
}

bool is_register(std::string_view name) {
  const std::size_t digits = name.find_first_of("0123456789");
  const std::string_view kind = name.substr(0, digits);
  return digits != std::string_view::npos && (kind == "reg" || kind == "xreg" || kind == "xxreg");
}

// Whether `wanted` holds for any field of the match, "name=value" or "name".
template <class Wanted>
bool any_whole_field(std::string_view match, Wanted&& wanted) {
  while (!match.empty()) {
    const std::size_t end = std::min(match.find(','), match.size());
    const std::string_view field = match.substr(0, end);
    match.remove_prefix(std::min(end + 1, match.size()));
    if (wanted(field)) return true;
  }
  return false;
}

// The same for its name alone.
template <class Wanted>
bool any_field(std::string_view match, Wanted&& wanted) {
  return any_whole_field(match, [&](std::string_view field) { return wanted(field.substr(0, field.find('='))); });
}

// Housekeeping: a destination no connection can have.
bool is_to_multicast(std::string_view field) {
  const std::size_t value = field.find('=');
  const std::string_view name = field.substr(0, value);
  if (value == std::string_view::npos || (name != "nw_dst" && name != "ipv6_dst")) return false;
  const std::string_view text = field.substr(value + 1);
  const auto address = flowstore::parse_address(text.substr(0, text.find('/')));
  if (!address) return false;
  constexpr std::uint8_t first_multicast_ipv4 = 224, multicast_ipv6 = 0xff;
  return flowstore::is_ipv4(*address) ? flowstore::ipv4_octets(*address)[0] >= first_multicast_ipv4
                                      : (*address)[0] == multicast_ipv6;
}

bool has_field(std::string_view match, std::string_view wanted) {
  return any_field(match, [&](std::string_view name) { return name == wanted; });
}

template <class List>
bool has_one_of(std::string_view match, const List& list) {
  return any_field(match, [&](std::string_view name) { return one_of(name, list); });
}

// A field that the trace looked at and that no rule which matched has: what it was compared with was something else.
template <class List>
bool compared_in_vain(const Trace& trace, const List& fields) {
  return has_one_of(trace.megaflow, fields) &&
         std::ranges::none_of(trace.rules, [&](const TracedRule& rule) { return has_one_of(rule.match, fields); });
}

bool drops(const TracedRule& rule) {
  return rule.missed || (rule.actions.size() == 1 && rule.actions.front() == "drop");
}

DropKind kind_of(const Trace& trace, const TracedRule& last) {
  if (!drops(last)) return DropKind::other;
  if (last.match.find("+inv") != std::string::npos && has_field(last.match, "ct_state")) return DropKind::invalid_state;
  const bool takes_all = !any_field(last.match, [](std::string_view name) { return !one_of(name, fields_of_place); });
  if (takes_all) {
    if (compared_in_vain(trace, source_link_fields)) return DropKind::anti_spoofing;
    if (has_field(last.match, "in_port")) {
      return compared_in_vain(trace, source_network_fields) ? DropKind::anti_spoofing : DropKind::other;
    }
    return last.missed || last.priority == 0 ? DropKind::table_miss : DropKind::other;
  }
  const bool by_policy = any_whole_field(last.match, [](std::string_view field) {
    const std::string_view name = field.substr(0, field.find('='));
    return (one_of(name, conditions_of_policies) || is_register(name)) && !is_to_multicast(field);
  });
  return by_policy ? DropKind::policy : DropKind::other;
}

}  // namespace

const char* to_string(DropKind kind) {
  static constexpr const char* names[] = {"unclassified",  "policy",     "invalid-state",
                                          "anti-spoofing", "table-miss", "other"};
  return names[static_cast<std::size_t>(kind)];
}

Verdict classify(const Trace& trace) {
  if (trace.rules.empty() || trace.datapath_actions != "drop") return {};
  const TracedRule& last = trace.rules.back();
  return {kind_of(trace, last), last.table, last.missed, last.priority, last.cookie, last.match};
}

}  // namespace ofe::denied
