// JSON text of the plain kinds of value, appended to a string. Valid JSON whatever the octets: ill-formed UTF-8 becomes
// U+FFFD; control characters (C0, DEL, C1) and line separators are escaped, so that one object stays one line and no
// terminal obeys it; so are < > and &, which a page would take for markup.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ipfix/octet_reader.h"
#include "ipfix/value.h"

namespace ipfix {

// With the quotes around it.
void append_json_string(std::string& out, std::string_view text);
void append_json_hex(std::string& out, Octets octets);
// NaN and the infinities, which JSON numbers cannot say, as strings.
void append_json_number(std::string& out, double value);
void append_json_number(std::string& out, float value);
// RFC 3339 in UTC, quoted. After the year 9999, which that format cannot say: seconds since the epoch, a number.
void append_json_instant(std::string& out, const Instant& instant);

}  // namespace ipfix
