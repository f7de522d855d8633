// Everything a collecting process can find wrong or remarkable in what it receives. Each has a name (for logs and
// metrics) and, in CollectingStats, a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ipfix {

enum class Finding : std::uint8_t {
  none,

  // Malformations: the message is discarded whole and a stream session is closed (RFC 7011 section 9.1).
  message_cut,    // fewer octets than a header, or a stream that ended inside a message
  wrong_version,  // NetFlow v5 or v9, a TLS hello, noise
  message_length_below_header,
  message_longer_than_datagram,
  octets_after_message,  // a datagram longer than its message
  set_header_cut,        // one to three octets after the last set
  set_length_below_header,
  set_beyond_message,
  set_without_record,         // a set is one record or more (section 3.3); also a record cut short
  template_id_reserved,       // below 256 (section 3.4.1)
  template_cut,               // more fields announced than the set holds
  template_of_empty_records,  // zero-length fields only: its records could not be counted
  scope_count_zero,           // section 3.4.2
  scope_count_beyond_fields,
  field_length_illegal,     // no encoding of the element's type has this length (section 6)
  withdrawal_in_wrong_set,  // of a Template in an Options Template Set or the reverse (section 8.1)
  template_redefined,       // on a stream, without a withdrawal (section 8.1)
  record_beyond_set,        // a variable-length value passes the end of its set
  value_length_illegal,     // a variable-length value its type does not have
  list_cut,                 // RFC 6313: header or content does not fill the value exactly
  list_template_id_reserved,
  list_element_length_illegal,  // of no encoding of its type, or zero with content behind it
  list_nested_too_deep,
  too_many_values,  // more values than octets can honestly carry, see CollectingLimits

  // Data was lost, though the message was well-formed.
  records_missing,            // a gap in the sequence numbers
  held_data_set_dropped,      // held sets are over their bound, or the session ended
  held_data_set_undecodable,  // does not fit the template that came at last
  domain_refused,             // a limit was met
  template_refused,
  session_refused,

  // Remarks.
  data_set_held,       // its template has not come yet
  exporter_restarted,  // sequence numbers began anew
  message_out_of_order,
  set_id_unknown,  // 0, 1, 4 to 255: skipped
  padding_not_zero,
  template_repeated,
  template_replaced,    // over UDP, or in a file
  template_expired,     // over UDP: no refresh for three refresh intervals
  withdrawal_ignored,   // over UDP (section 8.4), or of an unknown template; to be logged
  flow_key_ignored,     // to be logged; RFC 7011 section 4.4: unknown template, or bits beyond its fields
  type_record_ignored,  // RFC 5610: would override a definition, or is no sensible one
  session_evicted,      // the longest idle one, to make room
};

inline constexpr std::size_t finding_count = static_cast<std::size_t>(Finding::session_evicted) + 1;
using FindingCounters = std::array<std::uint64_t, finding_count>;

enum class Severity : std::uint8_t { remark, loss, malformed };

std::string_view to_string(Finding finding);  // the enumerator's name
Severity severity(Finding finding);
// What RFC 7011 (sections 4.4, 8.1, 8.4, 9.1) wants logged; the other remarks are only counted.
bool is_for_the_log(Finding finding);
inline bool is_malformed(Finding finding) {
  return severity(finding) == Severity::malformed;
}

}  // namespace ipfix
