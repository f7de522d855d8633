// The Data Records inside a message of our own making.
#pragma once

#include <cstdint>
#include <functional>

#include "ipfix/octet_reader.h"
#include "ipfix/template.h"

namespace ipfix {

// Calls for each record, in order. find_template knows every template of the message's Data Sets; what it does not
// know, or what is cut, is passed over.
void for_each_record(Octets message, const FindTemplate& find_template,
                     const std::function<void(std::uint16_t template_id, Octets record)>& visit);

}  // namespace ipfix
