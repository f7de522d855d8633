// Data Records: the cutting of a set (or of a list's content) into the values of each record, and the structured data
// inside values (RFC 7011 section 3.4.3; RFC 6313).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ipfix/collected_template.h"
#include "ipfix/finding.h"
#include "ipfix/octet_reader.h"

namespace ipfix {

// One per field of the template, in its order.
using Values = std::vector<Octets>;

// Cuts the next record off octets. False: less than the smallest record is left, or a value passes the end (cut).
class RecordReader {
 public:
  RecordReader(const CollectedTemplate& definition, Octets octets) : definition_(definition), rest_(octets) {}
  bool next(Values& values);
  bool skip();  // the same without the values
  bool cut() const { return cut_; }
  Octets rest() const { return rest_; }

 private:
  template <class Put>
  bool walk(Put put);

  const CollectedTemplate& definition_;
  Octets rest_;
  bool cut_ = false;
};

// RFC 6313 section 4.5.1: values of one element.
struct BasicList {
  std::uint8_t semantic = 255;
  FieldSpecifier specifier;
  Octets content;
};
// RFC 6313 section 4.5.2, and one part of a subTemplateMultiList (4.5.3): records of one template.
struct SubTemplateList {
  std::uint16_t template_id = 0;
  Octets content;
};

// False: the value holds no such list.
bool read_basic_list(Octets value, BasicList& list);
bool read_sub_template_list(Octets value, std::uint8_t& semantic, SubTemplateList& list);
bool read_sub_template_multi_list(Octets value, std::uint8_t& semantic, std::vector<SubTemplateList>& lists);

// What a message may unfold to. Records of zero-length fields and lists of lists cost an attacker next to nothing.
struct ValueBudget {
  std::size_t values = 0;  // what is left
  std::size_t list_nesting = 0;
};

// Checks one value of a type, lists to their depths. A list of an unknown template is accepted: nobody can tell.
Finding check_value(DataType type, Octets value, const TemplateSource& templates, ValueBudget& budget,
                    std::size_t depth = 0);
// Checks whole records; padding may follow them in a set, not in a list. Counts the records.
Finding check_records(const CollectedTemplate& definition, Octets octets, const TemplateSource& templates,
                      ValueBudget& budget, std::size_t& records, std::size_t depth = 0);

}  // namespace ipfix
