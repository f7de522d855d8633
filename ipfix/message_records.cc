#include "ipfix/message_records.h"

#include "ipfix/message_format.h"
#include "ipfix/message_reader.h"

namespace ipfix {

void for_each_record(Octets message, const FindTemplate& find_template,
                     const std::function<void(std::uint16_t template_id, Octets record)>& visit) {
  SetReader sets(message);
  Set set;
  while (sets.next(set)) {
    const Template* const definition = set.id >= first_data_set_id ? find_template(set.id) : nullptr;
    if (definition == nullptr) continue;
    OctetReader reader(set.body);
    while (reader.remaining() > 0) {
      const Octets from_here = reader.rest();
      for (const FieldSpecifier& field : definition->fields) reader.value(field.length);
      const std::size_t length = from_here.size() - reader.remaining();
      if (reader.cut() || length == 0) break;
      visit(set.id, from_here.first(length));
    }
  }
}

}  // namespace ipfix
