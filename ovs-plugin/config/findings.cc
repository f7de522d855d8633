#include "ovs-plugin/config/findings.h"

#include <algorithm>

namespace ofe::config {
namespace {

std::string shown(const YAML::Node& value) {
  constexpr std::size_t kMaxShown = 80;
  if (value.IsSequence()) return "a list";
  if (value.IsMap()) return "a mapping";
  if (!value.IsScalar()) return "nothing";
  std::string text = value.Scalar().substr(0, kMaxShown);
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20; }, ' ');
  return "\"" + text + (value.Scalar().size() > kMaxShown ? "…\"" : "\"");
}

}  // namespace

void Findings::add(std::vector<std::string>& list, std::string text) {
  if (list.size() < kMaxKept) {
    list.push_back(std::move(text));
  } else {
    ++left_out_;
  }
}

void Findings::finish() {
  if (left_out_ == 0) return;
  std::vector<std::string>& list = result_.errors.empty() ? result_.warnings : result_.errors;
  list.push_back(file_ + ": and " + std::to_string(left_out_) + " more like these");
}

void Findings::wrong_value(int line, std::string_view key, const YAML::Node& value, std::string_view why,
                           std::string_view allowed) {
  std::string text(key);
  text.append(": ").append(shown(value)).append(" ").append(why);
  if (!allowed.empty()) text.append("; allowed: ").append(allowed);
  error(line, text);
}

}  // namespace ofe::config
