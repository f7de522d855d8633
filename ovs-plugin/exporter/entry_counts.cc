#include "ovs-plugin/exporter/entry_counts.h"

#include <charconv>

namespace ofe {
namespace {

std::optional<std::uint64_t> number_at(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

// The number behind the first `label` of the text.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  return at == std::string_view::npos ? std::nullopt : number_at(text.substr(at + label.size()));
}

}  // namespace

std::optional<std::uint64_t> connections_in(std::string_view answer) {
  return number_at(answer);
}

std::optional<std::uint64_t> zone_connections_in(std::string_view answer) {
  return number_after(answer, "Total: ");
}

std::optional<std::uint64_t> megaflows_in(std::string_view answer, std::string_view datapath) {
  while (!answer.empty()) {
    const std::size_t end = answer.find('\n');
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end == std::string_view::npos ? answer.size() : end + 1);
    if (line.size() == datapath.size() + 1 && line.starts_with(datapath) && line.ends_with(':')) {
      return number_after(answer.substr(0, answer.find("\n\n")), "(current ");
    }
  }
  return std::nullopt;
}

}  // namespace ofe
