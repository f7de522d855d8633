#include "ovs-plugin/conntrack/dump_text.h"

#include <netinet/in.h>

#include "ovs-plugin/conntrack/dpctl_text.h"
#include "ovs-plugin/conntrack/dump_values.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::Tuple;

// key=value,key=(…),…: `pair` reads the value of each key.
template <class Pair>
void each_pair(DpctlText& in, Pair&& pair) {
  do {
    const std::size_t start = in.position();
    const std::string_view key = in.until("=,()");
    if (key.empty()) in.fail_at(start, "a key");
    in.expect('=', "'=' after a key");
    pair(key);
  } while (in.accept(','));
}

template <class Pair>
void each_pair_in_parentheses(DpctlText& in, Pair&& pair) {
  in.expect('(', "'('");
  each_pair(in, pair);
  in.expect(')', "',' or ')'");
}

std::string_view plain_value(DpctlText& in) {
  return in.until(",()");
}

void skip_value(DpctlText& in) {
  if (in.peek() == '(') {
    in.nested();
  } else {
    plain_value(in);
  }
}

// Reads a plain value and converts it; `expected` when the conversion says no.
template <class Convert, class Out>
void convert_value(DpctlText& in, Convert&& convert, Out& out, const char* expected) {
  const std::size_t start = in.position();
  if (const auto value = convert(plain_value(in))) {
    out = *value;
  } else {
    in.fail_at(start, expected);
  }
}

struct Direction {
  Tuple tuple;
  std::uint64_t packets = 0, octets = 0;
  bool seen = false, has_source = false, has_destination = false, has_packets = false, has_octets = false;

  bool counted() const { return has_packets && has_octets; }
};

// ct_dpif_format_tuple, then ct_dpif_format_counters.
void read_direction(DpctlText& in, std::uint8_t protocol, Direction& out) {
  const std::size_t start = in.position();
  out = Direction{};
  out.seen = true;
  out.tuple.protocol = protocol;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  each_pair_in_parentheses(in, [&](std::string_view key) {
    if (key == "src") {
      convert_value(in, flowstore::parse_address, out.tuple.source, "an IP address");
      out.has_source = true;
    } else if (key == "dst") {
      convert_value(in, flowstore::parse_address, out.tuple.destination, "an IP address");
      out.has_destination = true;
    } else if (key == "sport" || key == "id") {
      out.tuple.source_port = in.number<std::uint16_t>();
    } else if (key == "dport") {
      out.tuple.destination_port = in.number<std::uint16_t>();
    } else if (key == "type") {
      icmp_type = in.number<std::uint8_t>();
    } else if (key == "code") {
      icmp_code = in.number<std::uint8_t>();
    } else if (key == "packets") {
      out.packets = in.number<std::uint64_t>();
      out.has_packets = true;
    } else if (key == "bytes") {
      out.octets = in.number<std::uint64_t>();
      out.has_octets = true;
    } else {
      skip_value(in);
    }
  });
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
    out.tuple.destination_port = static_cast<std::uint16_t>(icmp_type << 8 | icmp_code);
  }
  if (!out.has_source || !out.has_destination) in.fail_at(start, "src= and dst= in here");
}

void read_protoinfo(DpctlText& in, Observation& out) {
  std::string_view original, reply;
  each_pair_in_parentheses(in, [&](std::string_view key) {
    if (key == "state_orig") {
      original = plain_value(in);
    } else if (key == "state_reply") {
      reply = plain_value(in);
    } else if (key == "state") {  // without -m: the further advanced end alone
      original = reply = plain_value(in);
    } else {
      skip_value(in);
    }
  });
  if (out.original.protocol == IPPROTO_TCP) out.tcp_state = tcp_state_from_text(original, reply);
}

// What follows the two directions in ct_dpif_format_entry; keys of other versions are passed over.
void read_property(DpctlText& in, std::string_view key, Observation& out) {
  if (key == "id") {
    out.id = in.number<std::uint32_t>();
  } else if (key == "zone") {
    out.zone = in.number<std::uint16_t>();
  } else if (key == "timeout") {
    out.timeout_s = in.number<std::uint32_t>();
  } else if (key == "mark") {
    out.mark = in.number<std::uint32_t>();
  } else if (key == "start") {
    convert_value(in, wall_ms_from_text, out.start_wall_ms, "a time such as 2020-07-24T05:07:03.998");
  } else if (key == "stop") {
    convert_value(in, wall_ms_from_text, out.stop_wall_ms, "a time such as 2020-07-24T05:07:03.998");
  } else if (key == "status") {
    convert_value(in, status_from_text, out.status, "status names with '|' between them");
  } else if (key == "labels") {
    convert_value(in, labels_from_text, out.labels, "a hexadecimal number of up to 128 bits");
  } else if (key == "protoinfo") {
    read_protoinfo(in, out);
  } else {
    skip_value(in);
  }
}

std::string_view without_line_end(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

bool parse_conntrack_line(std::string_view line, Observation& out, std::string& error) {
  out = Observation{};
  DpctlText in(without_line_end(line));
  std::uint8_t protocol = 0;
  convert_value(in, protocol_from_text, protocol, "a protocol");
  in.expect(',', "','");
  Direction original, reply;
  out.original.protocol = protocol;
  each_pair(in, [&](std::string_view key) {
    if (key == "orig") {
      read_direction(in, protocol, original);
    } else if (key == "reply") {
      read_direction(in, protocol, reply);
    } else {
      read_property(in, key, out);
    }
  });
  in.expect_end("',' or the end of the line");
  if (!original.seen || !reply.seen) in.fail(original.seen ? "reply=(…)" : "orig=(…)");
  if (!in.ok()) {
    error = in.error();
    return false;
  }
  out.original = original.tuple;
  out.reply = reply.tuple;
  if (original.counted() || reply.counted()) {
    out.counters = {original.packets, original.octets, reply.packets, reply.octets};
    out.statistics = flowstore::Statistics::exact;
  }
  return true;
}

DumpTextReader::DumpTextReader(std::string_view text) : rest_(text) {}

bool DumpTextReader::next_line(std::string_view& line) {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('\n');
    line = without_line_end(rest_.substr(0, end));
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty()) return true;
  }
  return false;
}

bool DumpTextReader::parse(std::string_view line, DumpTextStats& stats, Observation& seen) {
  constexpr std::size_t max_kept = 200;
  ++stats.lines;
  std::string error;
  if (parse_conntrack_line(line, seen, error)) return true;
  ++stats.unreadable;
  stats.last_unreadable = std::string(line.substr(0, max_kept)) + ": " + error;
  return false;
}

}  // namespace ofe::conntrack
