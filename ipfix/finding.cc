#include "ipfix/finding.h"

namespace ipfix {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, finding_count> names = {
    "none",
    "message_cut",
    "wrong_version",
    "message_length_below_header",
    "message_longer_than_datagram",
    "octets_after_message",
    "set_header_cut",
    "set_length_below_header",
    "set_beyond_message",
    "set_without_record",
    "template_id_reserved",
    "template_cut",
    "template_of_empty_records",
    "scope_count_zero",
    "scope_count_beyond_fields",
    "field_length_illegal",
    "withdrawal_in_wrong_set",
    "template_redefined",
    "record_beyond_set",
    "value_length_illegal",
    "list_cut",
    "list_template_id_reserved",
    "list_element_length_illegal",
    "list_nested_too_deep",
    "too_many_values",
    "records_missing",
    "held_data_set_dropped",
    "held_data_set_undecodable",
    "domain_refused",
    "template_refused",
    "session_refused",
    "data_set_held",
    "exporter_restarted",
    "message_out_of_order",
    "set_id_unknown",
    "padding_not_zero",
    "template_repeated",
    "template_replaced",
    "template_expired",
    "withdrawal_ignored",
    "flow_key_ignored",
    "type_record_ignored",
    "session_evicted",
};
static_assert(names.back() == "session_evicted", "one name per finding");

}  // namespace

std::string_view to_string(Finding finding) {
  return names[static_cast<std::size_t>(finding)];
}

Severity severity(Finding finding) {
  if (finding == Finding::none || finding >= Finding::data_set_held) return Severity::remark;
  return finding >= Finding::records_missing ? Severity::loss : Severity::malformed;
}

bool is_for_the_log(Finding finding) {
  const bool ignored = finding == Finding::withdrawal_ignored || finding == Finding::flow_key_ignored;
  return ignored || severity(finding) != Severity::remark;
}

}  // namespace ipfix
