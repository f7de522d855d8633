#include "ovs-plugin/denied/trace.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace ofe::denied {
namespace {

constexpr std::size_t max_rules = 1'000, max_actions = 100,
                      max_text = 2'000;  // of one trace; OVS itself: 4,096 resubmits

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_left_out(std::string_view key) {
  constexpr std::string_view unread[] = {"ufid:", "ct_tuple4(", "ct_tuple6("};
  if (std::ranges::any_of(unread, [&](std::string_view start) { return key.starts_with(start); })) return true;
  // format_generic_odp_key: "key32(…)".
  return key.starts_with("key") && key.size() > 3 && key[3] >= '0' && key[3] <= '9';
}

template <class Number>
bool read_number(std::string_view text, Number& out, int base = 10) {
  return std::from_chars(text.data(), text.data() + text.size(), out, base).ec == std::errc{};
}

// "60. tcp,tp_dst=9999, priority 200, cookie 0xd0" (ofproto/ofproto-dpif-xlate.c: xlate_report_table).
bool read_rule(std::string_view line, TracedRule& out) {
  const std::size_t dot = line.find(". ");
  if (dot == std::string_view::npos || dot == 0 || line.find_first_not_of("0123456789") != dot) return false;
  if (!read_number(line.substr(0, dot), out.table)) return false;
  const std::string_view rule = line.substr(dot + 2);
  constexpr std::string_view priority = "priority ", cookie = ", cookie 0x";
  const std::size_t at = rule.rfind(priority);
  if (at == std::string_view::npos) {  // "No match.", or fragments that the bridge drops
    out.missed = rule.starts_with("No match");
    out.match = rule.substr(0, max_text);
    if (out.missed) out.match.clear();
    return true;
  }
  if (!read_number(rule.substr(at + priority.size()), out.priority)) return false;
  if (const std::size_t c = rule.find(cookie, at); c != std::string_view::npos) {
    read_number(rule.substr(c + cookie.size()), out.cookie, 16);
  }
  std::string_view match = rule.substr(0, at);
  match = match.substr(0, match.find_last_not_of(", ") + 1);
  out.match = match.substr(0, max_text);
  return true;
}

}  // namespace

std::string flow_to_trace(std::string_view keys) {
  std::string flow;
  std::size_t depth = 0, start = 0;
  for (std::size_t i = 0; i <= keys.size(); ++i) {
    if (i < keys.size() && keys[i] == '(') ++depth;
    if (i < keys.size() && keys[i] == ')' && depth > 0) --depth;
    if (i < keys.size() && (keys[i] != ',' || depth != 0)) continue;
    const std::string_view key = trimmed(keys.substr(start, i - start));
    start = i + 1;
    if (key.empty() || is_left_out(key)) continue;
    if (!flow.empty()) flow += ',';
    flow += key;
  }
  return flow;
}

bool parse_trace(std::string_view text, Trace& out) {
  constexpr std::string_view megaflow = "Megaflow: ", actions = "Datapath actions: ", final_flow = "Final flow:";
  out = {};
  bool in_rules = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    TracedRule rule;
    if (line.starts_with(actions)) {
      out.datapath_actions = line.substr(actions.size(), max_text);
      return true;
    }
    if (line.starts_with(final_flow)) in_rules = false;
    if (line.starts_with(megaflow)) out.megaflow = line.substr(megaflow.size(), max_text);
    if (!in_rules || line.empty() || line.starts_with("->") || line.starts_with(">>>>")) continue;
    if (read_rule(line, rule)) {
      if (out.rules.size() == max_rules) return false;
      out.rules.push_back(std::move(rule));
    } else if (!out.rules.empty() && out.rules.back().actions.size() < max_actions) {
      out.rules.back().actions.emplace_back(line.substr(0, max_text));
    }
  }
  return false;
}

}  // namespace ofe::denied
