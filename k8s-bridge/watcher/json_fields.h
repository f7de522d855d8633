// Typed reading of one JSON object of the Kubernetes API. An absent field and null read as the type's empty value (the
// API leaves empty fields out); a field of another type sets the problem, once, with its path. Readers go straight on
// and look at the problem at the end.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ofe::watcher {

// Views returned live as long as the parsed document; a nested Fields must not outlive the one it came from.
class Fields {
 public:
  Fields(simdjson::dom::element value, std::string& problem);

  Fields object(std::string_view name) const;
  std::string_view text(std::string_view name) const;
  std::string_view required_text(std::string_view name) const;  // an empty one is a problem
  bool flag(std::string_view name) const;
  std::uint32_t integer(std::string_view name, std::uint32_t max) const;  // 0..max
  std::int64_t time_ms(std::string_view name) const;                      // RFC 3339; 0 when absent

  // Appends 4 or 16 octets in network order to addresses (a repeated bytes field).
  template <typename Repeated>
  void add_address(std::string_view name, Repeated& addresses) const {
    if (const std::string_view address = text(name); !address.empty()) add(name, -1, address, addresses);
  }
  template <typename Repeated>
  void add_addresses(std::string_view name, Repeated& addresses) const {
    each_text(name, [&](std::string_view address, int index) { add(name, index, address, addresses); });
  }
  void each_object(std::string_view name, const std::function<void(const Fields&)>& visit) const;
  void each_text(std::string_view name, const std::function<void(std::string_view, int index)>& visit) const;

  bool has_problem() const { return !problem_->empty(); }
  void fail(std::string_view name, int index, std::string_view what) const;  // index -1: the field itself

 private:
  Fields(const Fields* parent, std::string_view name, int index);
  std::optional<simdjson::dom::element> find(std::string_view name) const;
  std::string path() const;
  template <typename Repeated>
  void add(std::string_view name, int index, std::string_view address, Repeated& addresses) const {
    std::string octets = octets_of(address);
    if (octets.empty()) return fail(name, index, "is not an IP address");
    addresses.Add(std::move(octets));
  }
  static std::string octets_of(std::string_view address);

  std::optional<simdjson::dom::object> object_;  // nullopt: absent
  std::string* problem_;
  const Fields* parent_ = nullptr;
  std::string_view name_;
  int index_ = -1;
};

// 4 or 16 octets in network order, "" when the text is not an IP address.
std::string address_octets(std::string_view text);

}  // namespace ofe::watcher
