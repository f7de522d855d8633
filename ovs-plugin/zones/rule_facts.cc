#include "ovs-plugin/zones/rule_facts.h"

#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

namespace ofe::zones {
namespace {

constexpr std::size_t reasons_kept = 3;
constexpr std::uint16_t eth_type_ipv4 = 0x0800, eth_type_ipv6 = 0x86dd;

std::uint8_t family_of(std::uint16_t eth_type) {
  if (eth_type == eth_type_ipv4) return ipv4;
  return eth_type == eth_type_ipv6 ? ipv6 : 0;
}

// A word's bits as they lie in the 16 of a zone.
std::uint16_t in_zone(std::uint32_t bits, std::uint16_t word, const ZoneField& field) {
  const int shift = int{word} * 32 - int{field.position};
  const std::uint64_t wide = bits;
  return static_cast<std::uint16_t>(shift >= 0 ? (shift < 16 ? wide << shift : 0) : wide >> -shift);
}

struct PartialWrite {
  std::uint16_t mask = 0, value = 0;
  const RuleName* rule = nullptr;
};

struct Values {
  std::vector<const RuleName*> made_by =
      std::vector<const RuleName*>(65'536);  // the rule that made the value; nullptr: nothing makes it
  bool all = true;                           // false: given up before all were found
};

// What some sequence of writes can make of 16 bits that begin at 0, as a packet's registers do.
Values reachable(const std::vector<PartialWrite>& writes) {
  constexpr std::size_t most_steps = 2'000'000;  // a few milliseconds
  Values values;
  std::vector<std::uint16_t> pending{0};
  const auto reach = [&](std::uint16_t value, const RuleName* rule) {
    if (values.made_by[value] != nullptr) return;
    values.made_by[value] = rule;
    pending.push_back(value);
  };
  std::vector<PartialWrite> parts;
  for (const PartialWrite& write : writes) {
    if (write.mask == 0xffff) {
      reach(write.value, write.rule);
    } else {
      parts.push_back(write);
    }
  }
  for (std::size_t steps = 0; !pending.empty() && !parts.empty(); steps += parts.size()) {
    if (steps > most_steps) {
      values.all = false;
      break;
    }
    const std::uint16_t from = pending.back();
    pending.pop_back();
    for (const PartialWrite& part : parts) {
      reach(static_cast<std::uint16_t>((from & ~part.mask) | part.value), part.rule);
    }
  }
  return values;
}

}  // namespace

std::string to_string(const RuleName& rule) {
  char text[64];
  if (rule.group) {
    std::snprintf(text, sizeof text, "group %u", rule.group_id);
  } else {
    std::snprintf(text, sizeof text, "table %u cookie 0x%llx", rule.table,
                  static_cast<unsigned long long>(rule.cookie));
  }
  return text;
}

void add_reason(ZoneReasons& reasons, std::string why) {
  if (reasons.why.size() < reasons_kept) {
    reasons.why.push_back(std::move(why));
  } else {
    ++reasons.more;
  }
}

void RuleFacts::note(Use& use, const Rule& rule) {
  if (use.rules++ == 0) use.rule = rule.name;
  const std::uint8_t family = family_of(rule.eth_type);
  use.families |= family;
  use.any_family |= family == 0;
}

void RuleFacts::add(const Rule& rule) {
  for (const CtAction& ct : rule.cts) {
    if (!ct.commit) {
      if (ct.zone) looked_up_[*ct.zone] |= family_of(rule.eth_type);
    } else if (ct.zone) {
      note(committed_[*ct.zone], rule);
    } else {
      FieldUse& use = committed_fields_[{ct.field.space, ct.field.position}];
      if (use.rules == 0) use.field = ct.field;
      note(use, rule);
    }
  }
  for (const Write& write : rule.writes) {
    if (writes_ == most_writes) {
      ++writes_dropped_;
      continue;
    }
    const Word word{write.space, write.word};
    writes_ += write.from.empty() ? constants_[word].try_emplace({write.mask, write.value}, rule.name).second
                                  : unknowns_[word].try_emplace({write.mask, write.from}, rule.name).second;
  }
}

void RuleFacts::resolve_field(const FieldUse& use, Resolution& out) const {
  const auto give_up = [&](const RuleName& rule, std::string why) {
    if (out.unresolved.size() == unresolved_kept) {
      ++out.unresolved_more;
    } else {
      out.unresolved.push_back({rule, use.field.name, std::move(why)});
    }
  };
  if (!use.field.writable) return give_up(use.rule, "the packet's, not written by rules");
  std::vector<PartialWrite> writes;
  for (std::uint16_t word = use.field.position / 32; word <= (use.field.position + 15) / 32; ++word) {
    const Word at{use.field.space, word};
    if (const auto found = constants_.find(at); found != constants_.end()) {
      for (const auto& [write, rule] : found->second) {
        const std::uint16_t mask = in_zone(write.first, word, use.field);
        if (mask != 0) writes.push_back({mask, in_zone(write.second, word, use.field), &rule});
      }
    }
    if (const auto found = unknowns_.find(at); found != unknowns_.end()) {
      for (const auto& [write, rule] : found->second) {
        if (in_zone(write.first, word, use.field) != 0) give_up(rule, "written from " + write.second);
      }
    }
  }
  if (writes.empty()) return give_up(use.rule, "no rule loads a constant into it");
  const Values values = reachable(writes);
  if (!values.all) give_up(use.rule, "rules combine too many parts of it");
  const std::string commit = ", committed by " + to_string(use.rule);
  // Zone 0 is what an unwritten register holds, and the host's; a rule that means it says so.
  for (std::uint32_t zone = 1; zone < values.made_by.size(); ++zone) {
    if (values.made_by[zone] == nullptr) continue;
    ZoneReasons& reasons = out.zones[static_cast<std::uint16_t>(zone)];
    reasons.families |= use.any_family ? 0 : use.families;
    add_reason(reasons, "rule: " + to_string(*values.made_by[zone]) + " loads it into " + use.field.name + commit);
  }
}

Resolution RuleFacts::resolve() const {
  Resolution out;
  for (const auto& [zone, use] : committed_) {
    ZoneReasons& reasons = out.zones[zone];
    reasons.families |= use.families;
    if (reasons.families == 0) {
      // The rule that commits need not say again what the one that looked up matched.
      const auto looked_up = looked_up_.find(zone);
      if (looked_up != looked_up_.end()) reasons.families = looked_up->second;
    }
    add_reason(reasons, "rule: " + to_string(use.rule));
    reasons.more += use.rules - 1;
  }
  for (const auto& [place, use] : committed_fields_) resolve_field(use, out);
  return out;
}

void add_ovn_zone(const std::string& key, const std::string& value, Resolution& out) {
  if (!key.starts_with("ct-zone-")) return;
  std::uint16_t zone = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), zone);
  if (error == std::errc() && end == value.data() + value.size() && zone != 0) {
    add_reason(out.zones[zone], "ovn: " + key);
  }
}

}  // namespace ofe::zones
