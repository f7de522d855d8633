// Information Elements: what a field means and how its value is encoded (RFC 7012; RFC 5103 for reverse elements).
//
// The built-in registry is generated at build time by ipfix/elements/generate.py from the CSV tables beside it: IANA's
// elements and Antrea's two enterprises (55829, 56506).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ipfix {

// RFC 7012 section 3.1; the numbers are those of IANA's informationElementDataType registry (RFC 5610).
enum class DataType : std::uint8_t {
  octet_array = 0,
  unsigned8 = 1,
  unsigned16 = 2,
  unsigned32 = 3,
  unsigned64 = 4,
  signed8 = 5,
  signed16 = 6,
  signed32 = 7,
  signed64 = 8,
  float32 = 9,
  float64 = 10,
  boolean = 11,
  mac_address = 12,
  string = 13,
  date_time_seconds = 14,
  date_time_milliseconds = 15,
  date_time_microseconds = 16,
  date_time_nanoseconds = 17,
  ipv4_address = 18,
  ipv6_address = 19,
  basic_list = 20,
  sub_template_list = 21,
  sub_template_multi_list = 22,
  unsigned256 = 23,  // RFC 9740
};

// What values mean, and in what; the numbers are those of IANA's registries informationElementSemantics and
// informationElementUnits (RFC 5610 section 4).
enum class Semantics : std::uint8_t {
  standard = 0,  // the registry's "default"
  quantity = 1,
  total_counter = 2,
  delta_counter = 3,
  identifier = 4,
  flags = 5,
  list = 6,
  snmp_counter = 7,
  snmp_gauge = 8,
};
enum class Units : std::uint16_t {
  none = 0,
  bits = 1,
  octets = 2,
  packets = 3,
  flows = 4,
  seconds = 5,
  milliseconds = 6,
  microseconds = 7,
  nanoseconds = 8,
  words = 9,  // of 4 octets
  messages = 10,
  hops = 11,
  entries = 12,
  frames = 13,
  ports = 14,
  inferred = 15,
};

inline constexpr std::uint16_t variable_length = 65535;     // RFC 7011 section 7
inline constexpr std::uint32_t reverse_enterprise = 29305;  // RFC 5103 section 6.1

// Octets of a full-size value; variable_length for strings, octet arrays and lists.
std::uint16_t natural_length(DataType type);

// The registry's spelling: "unsigned8", "dateTimeSeconds"; nullopt for a name that is no type.
std::optional<DataType> data_type_by_name(std::string_view name);
std::string_view to_string(DataType type);

struct Element {
  std::uint32_t enterprise = 0;  // 0: IANA
  std::uint16_t id = 0;          // without the enterprise bit
  std::string name;              // as in the registry; reverse elements are "reverse" + Name
  DataType type = DataType::octet_array;
  Semantics semantics = Semantics::standard;  // of the built-in tables; what a collector learns has none
  Units units = Units::none;
};

// Lookup by number and by name. Reverse elements (enterprise 29305) are derived from IANA's by RFC 5103 section 6.1.
// Pointers handed out stay valid while the registry lives.
class Registry {
 public:
  // IANA, Antrea 55829 and Antrea 56506. Built once, immutable; a copy of it can be added to.
  static const Registry& builtin();

  Registry() = default;
  // Adds or, for the same enterprise and id, replaces. An IANA element brings its reverse element with it, where it has
  // one. A name that several enterprises use belongs to IANA's element, else to the first one added.
  void add(Element element);
  // CSV with a header line; columns by name: id or ElementID, name, type (or "Abstract Data Type"), enterprise (or
  // "Enterprise ID"; absent or empty: 0). Returns false, adds nothing and sets error to "FILE:LINE: what" on the first
  // bad line.
  bool add_csv_file(const std::string& path, std::string& error);

  const Element* find(std::uint32_t enterprise, std::uint16_t id) const;
  const Element* find(std::string_view name) const;
  // Of one enterprise; by looking at all of them.
  const Element* find(std::uint32_t enterprise, std::string_view name) const;
  // Ordered by enterprise and id, derived reverse elements included.
  std::vector<const Element*> all() const;

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };

  void add_one(Element element);
  void forget_name(const Element& element);

  std::unordered_map<std::uint64_t, Element> by_number_;
  std::unordered_map<std::string, std::uint64_t, NameHash, std::equal_to<>> by_name_;
};

}  // namespace ipfix
