#include "k8s-bridge/watcher/json_fields.h"

#include <absl/time/time.h>
#include <arpa/inet.h>
#include <fmt/format.h>

namespace ofe::watcher {

namespace dom = simdjson::dom;

Fields::Fields(dom::element value, std::string& problem) : problem_(&problem) {
  dom::object object;
  if (value.get(object) == simdjson::SUCCESS) {
    object_ = object;
  } else if (problem_->empty()) {
    *problem_ = "is not a JSON object";
  }
}

Fields::Fields(const Fields* parent, std::string_view name, int index)
    : problem_(parent->problem_), parent_(parent), name_(name), index_(index) {}

std::string Fields::path() const {
  if (parent_ == nullptr) return "";
  std::string text = parent_->path();
  text += fmt::format("{}{}", text.empty() ? "" : ".", name_);
  if (index_ >= 0) text += fmt::format("[{}]", index_);
  return text;
}

void Fields::fail(std::string_view name, int index, std::string_view what) const {
  if (has_problem()) return;
  const std::string above = path();
  *problem_ = fmt::format("{}{}{}{} {}", above, above.empty() ? "" : ".", name,
                          index < 0 ? std::string() : fmt::format("[{}]", index), what);
}

std::optional<dom::element> Fields::find(std::string_view name) const {
  dom::element value;
  if (!object_ || object_->at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

Fields Fields::object(std::string_view name) const {
  Fields fields(this, name, -1);
  if (const auto value = find(name)) {
    dom::object object;
    if (value->get(object) == simdjson::SUCCESS) {
      fields.object_ = object;
    } else {
      fail(name, -1, "is not an object");
    }
  }
  return fields;
}

std::string_view Fields::text(std::string_view name) const {
  std::string_view text;
  if (const auto value = find(name); value && value->get(text) != simdjson::SUCCESS) fail(name, -1, "is not a string");
  return text;
}

std::string_view Fields::required_text(std::string_view name) const {
  const std::string_view value = text(name);
  if (value.empty()) fail(name, -1, "is missing");
  return value;
}

bool Fields::flag(std::string_view name) const {
  bool flag = false;
  if (const auto value = find(name); value && value->get(flag) != simdjson::SUCCESS) fail(name, -1, "is not a boolean");
  return flag;
}

std::uint32_t Fields::integer(std::string_view name, std::uint32_t max) const {
  std::uint64_t number = 0;
  const auto value = find(name);
  if (!value) return 0;
  const simdjson::error_code error = value->get(number);
  if (error == simdjson::INCORRECT_TYPE) {
    fail(name, -1, "is not an integer");
  } else if (error != simdjson::SUCCESS || number > max) {
    fail(name, -1, fmt::format("is not within 0 and {}", max));
    return 0;
  }
  return static_cast<std::uint32_t>(number);
}

std::int64_t Fields::time_ms(std::string_view name) const {
  const std::string_view value = text(name);
  if (value.empty()) return 0;
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(value), &time, nullptr)) {
    fail(name, -1, "is not an RFC 3339 time");
    return 0;
  }
  return absl::ToUnixMillis(time);
}

void Fields::each_object(std::string_view name, const std::function<void(const Fields&)>& visit) const {
  const auto value = find(name);
  if (!value) return;
  dom::array array;
  if (value->get(array) != simdjson::SUCCESS) return fail(name, -1, "is not a list");
  int index = 0;
  for (const dom::element element : array) {
    Fields item(this, name, index);
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) return fail(name, index, "is not an object");
    item.object_ = object;
    visit(item);
    ++index;
  }
}

void Fields::each_text(std::string_view name, const std::function<void(std::string_view, int)>& visit) const {
  const auto value = find(name);
  if (!value) return;
  dom::array array;
  if (value->get(array) != simdjson::SUCCESS) return fail(name, -1, "is not a list");
  int index = 0;
  for (const dom::element element : array) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return fail(name, index, "is not a string");
    visit(text, index);
    ++index;
  }
}

std::string Fields::octets_of(std::string_view address) {
  return address_octets(address);
}

std::string address_octets(std::string_view text) {
  const std::string terminated(text);
  char octets[16];
  if (inet_pton(AF_INET, terminated.c_str(), octets) == 1) return std::string(octets, 4);
  if (inet_pton(AF_INET6, terminated.c_str(), octets) == 1) return std::string(octets, 16);
  return "";
}

}  // namespace ofe::watcher
