// One Data Record as one JSON object. Keys are element names; a repeated element is an array of its values in order, a
// list an array of its values (basicList) or records (subTemplateList, subTemplateMultiList). Integers are plain
// numbers, addresses text, times RFC 3339, octet arrays, unsigned256 and values of unknown elements hexadecimal, an
// undefined boolean null, a list whose template is unknown an array with its content in hexadecimal.
#pragma once

#include <string>

#include "ipfix/collecting_session.h"

namespace ipfix {

struct RecordJsonOptions {
  // Adds _exporter, _domain, _template, _sequence and _exportTime, from the message that carried the record.
  bool meta = false;
};

// Appends the object, without a newline.
void append_record_json(std::string& out, const DataRecord& record, RecordJsonOptions options = {});

}  // namespace ipfix
