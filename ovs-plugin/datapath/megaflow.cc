#include "ovs-plugin/datapath/megaflow.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "ovs-plugin/conntrack/dpctl_text.h"
#include "ovs-plugin/datapath/megaflow_actions.h"

namespace ofe::datapath {
namespace {

using flowstore::Address;

constexpr int max_encapsulations = 4;
constexpr std::string_view dump_header = "flow-dump from";
constexpr std::uint64_t ethernet_header = 14, vlan_tag = 4;

template <class Unsigned>
Masked<Unsigned> masked_number(DpctlText& in) {
  Masked<Unsigned> result;
  result.value = in.number<Unsigned>();
  result.mask = in.accept('/') ? in.number<Unsigned>() : static_cast<Unsigned>(~Unsigned{0});
  result.value &= result.mask;
  return result;
}

Address address(DpctlText& in) {
  const std::size_t start = in.position();
  const auto parsed = flowstore::parse_address(in.until("/,)"));
  if (!parsed) in.fail_at(start, "an IP address");
  return parsed.value_or(Address{});
}

// format_ipv4, format_in6_addr: both address and mask are printed as addresses.
Masked<Address> masked_address(DpctlText& in, bool v4) {
  Masked<Address> result;
  result.value = address(in);
  result.mask.fill(0xff);
  if (in.accept('/')) {
    result.mask = address(in);
    // An IPv4 mask covers the last four octets; the family is certain. "::" parses as it stands.
    if (v4) std::fill_n(result.mask.begin(), 12, std::uint8_t{0xff});
  }
  for (std::size_t i = 0; i < result.value.size(); ++i) result.value[i] &= result.mask[i];
  return result;
}

void skip_value(DpctlText& in) {
  for (in.until("(,)"); in.peek() == '('; in.until("(,)")) in.nested();
}

// name=value,name=value in parentheses; `field` reads the values of those it returns true for.
template <class Field>
void each_field(DpctlText& in, Field&& field) {
  in.expect('(', "'('");
  while (in.ok() && in.peek() != ')') {
    const std::string_view name = in.until("=(,)");
    if (!in.accept('=') || !field(name)) skip_value(in);
    if (!in.accept(',')) break;
  }
  in.expect(')', "',' or ')'");
}

void read_ip(DpctlText& in, bool v4, Megaflow& out) {
  each_field(in, [&](std::string_view name) {
    if (name == "src") return out.source = masked_address(in, v4), true;
    if (name == "dst") return out.destination = masked_address(in, v4), true;
    if (name == "proto") return out.protocol = masked_number<std::uint8_t>(in), true;
    if (name != "frag") return false;
    const std::string_view kind = in.until(",)");
    out.fragment = kind == "first" ? 1 : kind == "later" ? 2 : 0;
    return true;
  });
}

void read_ports(DpctlText& in, Megaflow& out) {
  each_field(in, [&](std::string_view name) {
    if (name == "src") return out.source_port = masked_number<std::uint16_t>(in), true;
    if (name == "dst") return out.destination_port = masked_number<std::uint16_t>(in), true;
    return false;
  });
}

void read_icmp(DpctlText& in, Megaflow& out) {
  each_field(in, [&](std::string_view name) {
    if (name == "type") return out.icmp_type = masked_number<std::uint8_t>(in), true;
    if (name == "code") return out.icmp_code = masked_number<std::uint8_t>(in), true;
    return false;
  });
}

// One number in parentheses.
template <class Unsigned>
Unsigned read_single(DpctlText& in) {
  in.expect('(', "'('");
  const auto result = masked_number<Unsigned>(in);
  in.expect(')', "')'");
  return result.value;
}

void read_key(DpctlText& in, std::string_view name, Megaflow& out, int encapsulations);

// encap(…) holds the keys behind a VLAN tag, in the same form.
void read_encapsulated(DpctlText& in, Megaflow& out, int encapsulations) {
  if (encapsulations == max_encapsulations) return in.fail("at most 4 levels of encap()");
  out.vlan = true;
  in.expect('(', "'('");
  while (in.ok() && in.peek() != ')') {
    read_key(in, in.until("(,)"), out, encapsulations + 1);
    if (!in.accept(',')) break;
  }
  in.expect(')', "',' or ')'");
}

// By length first: most keys of a line are none of these.
void read_key(DpctlText& in, std::string_view name, Megaflow& out, int encapsulations) {
  switch (name.size()) {
    case 3:
      if (name == "tcp" || name == "udp") return read_ports(in, out);
      break;
    case 4:
      if (name == "ipv4" || name == "ipv6") return read_ip(in, name == "ipv4", out);
      if (name == "icmp") return read_icmp(in, out);
      if (name == "sctp") return read_ports(in, out);
      break;
    case 5:
      if (name == "encap") return read_encapsulated(in, out, encapsulations);
      break;
    case 6:
      if (name == "icmpv6") return read_icmp(in, out);
      break;
    case 7:
      if (name == "in_port") {
        DpctlText inside(in.nested());
        out.in_port = inside.until("/");
        return;
      }
      break;
    case 8:
      if (name == "eth_type") {
        out.eth_type = read_single<std::uint16_t>(in);
        return;
      }
      break;
    case 9:
      if (name == "recirc_id") {
        out.recirc_id = read_single<std::uint32_t>(in);
        return;
      }
      break;
    default:
      break;
  }
  in.nested();
}

// Keys that every line of the userspace datapath has and that say nothing of connections, by their first eight
// characters: the length of the name. None of them has parentheses inside. Two thirds of a line are passed over by
// this.
std::size_t length_of_no_interest(std::uint64_t key) {
  switch (key) {
    case DpctlText::eight("eth(src="):
      return 3;
    case DpctlText::eight("ct_zone("):
    case DpctlText::eight("ct_mark("):
    case DpctlText::eight("dp_hash("):
      return 7;
    case DpctlText::eight("skb_mark"):
    case DpctlText::eight("ct_state"):
    case DpctlText::eight("ct_label"):
      return 8;
    case DpctlText::eight("ct_tuple"):
    case DpctlText::eight("tcp_flag"):
      return 9;
    case DpctlText::eight("packet_t"):
      return 11;
    case DpctlText::eight("skb_prio"):
      return 12;
    default:
      return 0;
  }
}

int hexadecimal_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// 8-4-4-4-12 hexadecimal digits.
void read_ufid(DpctlText& in, Megaflow& out) {
  constexpr const char* expected = "a ufid such as 67853e8b-b498-4c47-9c72-02fe68086ad1";
  const std::size_t start = in.position();
  const std::string_view text = in.until(",");
  std::size_t octet = 0;
  for (std::size_t i = 0; i + 1 < text.size() && octet < out.ufid.size(); i += 2, ++octet) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') return in.fail_at(start, expected);
    }
    const int high = hexadecimal_digit(text[i]), low = i + 1 < text.size() ? hexadecimal_digit(text[i + 1]) : -1;
    if (high < 0 || low < 0) break;
    out.ufid[octet] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (octet != out.ufid.size() || text.size() != 36) return in.fail_at(start, expected);
  out.has_ufid = true;
}

// "never", or seconds with three decimals; slightly negative when the packet came during the dump.
std::int64_t read_used(DpctlText& in) {
  const std::size_t start = in.position();
  const std::string_view text = in.until(",");
  if (text == "never") return -1;
  constexpr std::size_t after_point = 5;  // ".073s"
  if (text.size() > after_point && text.size() < 16 && text[text.size() - after_point] == '.' && text.back() == 's') {
    std::int64_t used_ms = 0;
    bool plain = true;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      if (i == text.size() - after_point) continue;
      plain &= text[i] >= '0' && text[i] <= '9';
      used_ms = 10 * used_ms + (text[i] - '0');
    }
    if (plain) return used_ms;
  }
  double seconds = 0;
  const auto [last, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double longest = 1e12;
  if (problem != std::errc{} || last + 1 != text.data() + text.size() || *last != 's' ||
      !(std::abs(seconds) < longest)) {
    in.fail_at(start, "never, or seconds such as 0.073s");
    return -1;
  }
  return std::max<std::int64_t>(0, std::llround(seconds * 1000));
}

struct Seen {
  bool packets = false, bytes = false, actions = false;
};

// What stands as name:value between the keys and the end of the line (dpif_flow_stats_format, format_dpif_flow).
void read_attribute(DpctlText& in, std::string_view name, Megaflow& out, Seen& seen) {
  if (name == "ufid") {
    read_ufid(in, out);
  } else if (name == "packets") {
    out.packets = in.number<std::uint64_t>();
    seen.packets = true;
  } else if (name == "bytes") {
    out.octets_l2 = in.number<std::uint64_t>();
    seen.bytes = true;
  } else if (name == "used") {
    out.used_ms_ago = read_used(in);
  } else if (name == "offloaded") {
    out.offloaded = in.until(",") == "yes";
  } else if (name == "dp") {
    out.in_tc = in.until(",") == "tc";
  } else if (name == "actions") {
    read_actions(in, out);
    seen.actions = true;
  } else {
    skip_value(in);
  }
}

std::string_view trimmed(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\n");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Without the ", " that parts them from what follows.
std::string_view keys_before(std::string_view text) {
  return text.substr(0, text.find_last_not_of(", ") + 1);
}

}  // namespace

void reset(Megaflow& flow) {
  Megaflow empty;
  empty.recircs = std::move(flow.recircs);  // their memory is used again
  empty.ct = std::move(flow.ct);
  empty.outputs = std::move(flow.outputs);
  flow = std::move(empty);
  flow.recircs.clear();
  flow.ct.clear();
  flow.outputs.clear();
}

std::string ufid_text(const Ufid& ufid) {
  std::string text;
  for (std::size_t octet = 0; octet < ufid.size(); ++octet) {
    constexpr const char* digits = "0123456789abcdef";
    if (octet == 4 || octet == 6 || octet == 8 || octet == 10) text += '-';
    text += digits[ufid[octet] >> 4];
    text += digits[ufid[octet] & 0x0f];
  }
  return text;
}

bool is_flow_line(std::string_view line) {
  line = trimmed(line);
  return !line.empty() && !line.starts_with(dump_header);
}

bool parse_megaflow(std::string_view line, Megaflow& out, std::string& error) {
  reset(out);
  DpctlText in(trimmed(line));
  Seen seen;
  do {
    in.skip_spaces();
    if (const std::size_t length = length_of_no_interest(in.next_eight()); length != 0 && in.peek(length) == '(') {
      in.skip_behind(')', "a ')'");
      continue;
    }
    const std::size_t start = in.position();
    const std::string_view name = in.until("(:,)");
    if (name.empty()) in.fail_at(start, "a name");
    if (in.peek() == '(') {
      read_key(in, name, out, 0);
    } else {
      in.expect(':', "'(' or ':' after a name");
      if (name == "packets") out.keys = keys_before(trimmed(line).substr(0, start));
      read_attribute(in, name, out, seen);
    }
  } while (in.accept(','));
  in.expect_end("',' or the end of the line");
  if (!seen.packets || !seen.bytes || !seen.actions) in.fail("packets:, bytes: and actions:");
  if (!in.ok()) error = in.error();
  return in.ok();
}

std::uint64_t octets_l3(const Megaflow& flow) {
  if (flow.in_tc && !flow.offloaded) return flow.octets_l2;
  const std::uint64_t header = ethernet_header + (flow.vlan ? vlan_tag : 0);
  if (flow.octets_l2 / header < flow.packets) return 0;
  return flow.octets_l2 - flow.packets * header;
}

}  // namespace ofe::datapath
