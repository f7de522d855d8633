// Tables of Information Elements as CSV (RFC 4180: quotes, doubled quotes, line breaks inside quotes).
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "ipfix/element.h"

namespace ipfix {
namespace {

constexpr std::size_t max_row_octets = 1 << 16;   // descriptions in IANA's registry are a few thousand octets
constexpr std::uint16_t max_element_id = 0x7FFF;  // 15 bits (RFC 7011 section 3.2)

struct CsvRow {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(in) {}

  // False at the end of the input or when error() is not empty.
  bool next(CsvRow& row) {
    row.fields.assign(1, "");
    row.line = line_;
    bool any = false;
    std::size_t octets = 0;
    for (int c = in_.get(); c != std::istream::traits_type::eof(); c = in_.get()) {
      any = true;
      if (c == '\n') ++line_;
      if (++octets > max_row_octets) return fail("row too long");
      if (c == '\n' && !quoted_) return true;
      take(static_cast<char>(c), row.fields);
    }
    if (quoted_) return fail("quote without an end");
    return any;
  }

  const char* error() const { return error_; }

 private:
  void take(char c, std::vector<std::string>& fields) {
    if (quoted_) {
      if (c != '"') {
        fields.back() += c;
      } else if (in_.peek() == '"') {
        fields.back() += static_cast<char>(in_.get());
      } else {
        quoted_ = false;
      }
    } else if (c == '"') {
      quoted_ = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }

  bool fail(const char* what) {
    error_ = what;
    return false;
  }

  std::istream& in_;
  std::size_t line_ = 1;
  bool quoted_ = false;
  const char* error_ = "";
};

struct Columns {
  std::size_t id = 0;
  std::size_t name = 0;
  std::size_t type = 0;
  std::optional<std::size_t> enterprise;
};

std::optional<std::size_t> column(const CsvRow& header, std::initializer_list<std::string_view> spellings) {
  for (const std::string_view spelling : spellings) {
    const auto found = std::find(header.fields.begin(), header.fields.end(), spelling);
    if (found != header.fields.end()) return static_cast<std::size_t>(found - header.fields.begin());
  }
  return std::nullopt;
}

std::optional<Columns> find_columns(const CsvRow& header, std::string& what) {
  const auto id = column(header, {"id", "ElementID"});
  const auto name = column(header, {"name", "Name"});
  const auto type = column(header, {"type", "Abstract Data Type"});
  if (!id)
    what = "no column id or ElementID";
  else if (!name)
    what = "no column name or Name";
  else if (!type)
    what = "no column type or Abstract Data Type";
  else
    return Columns{*id, *name, *type, column(header, {"enterprise", "Enterprise ID"})};
  return std::nullopt;
}

template <typename Integer>
bool parse_number(const std::string& text, Integer least, Integer most, Integer& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  return status == std::errc{} && stop == end && value >= least && value <= most;
}

std::optional<Element> parse_element(const CsvRow& row, const Columns& columns, std::string& what) {
  const auto cell = [&](std::size_t position) { return position < row.fields.size() ? row.fields[position] : ""; };
  Element element;
  element.name = cell(columns.name);
  const std::string enterprise = columns.enterprise ? cell(*columns.enterprise) : "";
  const std::optional<DataType> type = data_type_by_name(cell(columns.type));
  if (element.name.empty()) {
    what = "no name";
  } else if (!parse_number<std::uint16_t>(cell(columns.id), 1, max_element_id, element.id)) {
    what = "id \"" + cell(columns.id) + "\" of " + element.name + " is not a number from 1 to 32767";
  } else if (!type) {
    what = "unknown type \"" + cell(columns.type) + "\" of " + element.name;
  } else if (!enterprise.empty() && !parse_number<std::uint32_t>(
                                        enterprise, 0, std::numeric_limits<std::uint32_t>::max(), element.enterprise)) {
    what = "enterprise \"" + enterprise + "\" of " + element.name + " is not a number from 0 to 4294967295";
  } else {
    element.type = *type;
    return element;
  }
  return std::nullopt;
}

bool blank(const CsvRow& row) {
  return std::all_of(row.fields.begin(), row.fields.end(), [](const std::string& field) { return field.empty(); });
}

// False: what and row.line say what is wrong and where.
bool parse_table(std::istream& in, std::vector<Element>& elements, CsvRow& row, std::string& what) {
  CsvReader reader(in);
  row.line = 1;
  if (!reader.next(row)) {
    what = *reader.error() != '\0' ? reader.error() : "no header line";
    return false;
  }
  const std::optional<Columns> columns = find_columns(row, what);
  if (!columns) return false;
  std::set<std::pair<std::uint32_t, std::uint16_t>> seen;
  while (reader.next(row)) {
    if (blank(row)) continue;
    std::optional<Element> element = parse_element(row, *columns, what);
    if (!element) return false;
    if (!seen.emplace(element->enterprise, element->id).second) {
      what = "element " + std::to_string(element->id) + " of enterprise " + std::to_string(element->enterprise) +
             " stands twice";
      return false;
    }
    elements.push_back(std::move(*element));
  }
  what = reader.error();
  return what.empty();
}

}  // namespace

bool Registry::add_csv_file(const std::string& path, std::string& error) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = path + ":1: cannot be opened: " + std::strerror(errno);
    return false;
  }
  std::vector<Element> elements;
  CsvRow row;
  std::string what;
  if (!parse_table(in, elements, row, what)) {
    error = path + ":" + std::to_string(row.line) + ": " + what;
    return false;
  }
  if (in.bad()) {
    error = path + ":" + std::to_string(row.line) + ": cannot be read: " + std::strerror(errno);
    return false;
  }
  for (Element& element : elements) add(std::move(element));
  return true;
}

}  // namespace ipfix
