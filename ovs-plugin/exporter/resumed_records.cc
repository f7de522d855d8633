#include "ovs-plugin/exporter/resumed_records.h"

#include <algorithm>

namespace ofe {

void ResumedRecords::add_template(const ipfix::Template& definition) {
  if (std::find(ours_.begin(), ours_.end(), definition) != ours_.end()) usable_.push_back(definition.id);
}

void ResumedRecords::add(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record) {
  if (record.empty() || std::find(usable_.begin(), usable_.end(), template_id) == usable_.end()) {
    ++of_other_templates_;
    return;
  }
  records_.push_back({std::string(collector), template_id, {record.begin(), record.end()}});
}

void ResumedRecords::hand_over(std::size_t max, const Take& take) {
  for (std::size_t n = 0; n < max && !records_.empty(); ++n) {
    const Record& next = records_.front();
    if (!take(next.collector, next.template_id, next.octets)) return;
    records_.pop_front();
  }
}

void ResumedRecords::for_each(const Visit& visit) const {
  for (const Record& record : records_) visit(record.collector, record.template_id, record.octets);
}

}  // namespace ofe
