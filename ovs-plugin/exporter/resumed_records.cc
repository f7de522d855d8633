#include "ovs-plugin/exporter/resumed_records.h"

#include <algorithm>
#include <utility>

namespace ofe {

void ResumedRecords::set_ours(std::vector<ipfix::Template> ours) {
  ours_ = std::move(ours);
  std::erase_if(usable_, [this](const ipfix::Template& one) { return std::ranges::find(ours_, one) == ours_.end(); });
  of_other_templates_ += std::erase_if(records_, [this](const Record& record) { return !usable(record.template_id); });
}

bool ResumedRecords::usable(std::uint16_t template_id) const {
  return std::ranges::find(usable_, template_id, &ipfix::Template::id) != usable_.end();
}

void ResumedRecords::add_template(const ipfix::Template& definition) {
  if (std::find(ours_.begin(), ours_.end(), definition) != ours_.end()) usable_.push_back(definition);
}

void ResumedRecords::add(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record) {
  if (record.empty() || !usable(template_id)) {
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
