#include "ovs-plugin/state_file/reader.h"

#include <algorithm>
#include <vector>

#include "ovs-plugin/state_file/flow_message.h"

namespace ofe::state_file {
namespace {

bool parse(Octets message, v1::Block& block) {
  return block.ParseFromArray(message.data(), static_cast<int>(message.size()));
}

record::EndKind end_kind_from(std::uint32_t number) {
  return number <= static_cast<std::uint32_t>(record::EndKind::pod_here) ? static_cast<record::EndKind>(number)
                                                                         : record::EndKind::outside;
}

record::Names names_from(const v1::Names& message) {
  record::Names names{message.source_pod(),       message.source_namespace(),      message.source_node(),
                      message.destination_pod(),  message.destination_namespace(), message.destination_node(),
                      message.service_port_name()};
  const std::string& service_address = message.service_address();
  if (service_address.size() == names.service_address.size()) {
    std::copy(service_address.begin(), service_address.end(), names.service_address.begin());
  }
  names.ends = {end_kind_from(message.source_kind()), end_kind_from(message.destination_kind())};
  return names;
}

bool template_from(const v1::Template& message, ipfix::Template& definition) {
  if (message.id() > 65535) return false;
  definition.id = static_cast<std::uint16_t>(message.id());
  for (const auto& field : message.fields()) {
    if (field.id() > 65535 || field.length() > 65535) return false;
    definition.fields.push_back(
        {field.enterprise(), static_cast<std::uint16_t>(field.id()), static_cast<std::uint16_t>(field.length())});
  }
  return true;
}

// One block's contents, in order; "" or what is wrong with them.
class Delivery {
 public:
  explicit Delivery(Receiver& receiver) : receiver_(receiver) {}

  std::string deliver(const v1::Block& block) {
    for (const auto& message : block.templates()) {
      ipfix::Template definition;
      if (!template_from(message, definition)) return "has an impossible template";
      receiver_.take_template(definition);
    }
    for (const auto& message : block.records()) {
      if (message.template_id() > 65535) return "has a record of an impossible template";
      receiver_.take_record(message.collector(), static_cast<std::uint16_t>(message.template_id()),
                            {reinterpret_cast<const std::uint8_t*>(message.octets().data()), message.octets().size()});
    }
    for (const auto& message : block.names()) names_.push_back(names_from(message));
    for (const auto& message : block.flows()) {
      ++flows_;
      if (!from_message(message, baseline_) || message.names() >= names_.size()) {
        return "has a value out of its range in flow " + std::to_string(flows_);
      }
      receiver_.take_flow(baseline_, message.names(), names_[message.names()]);
    }
    flowstore::Births births;
    if (!block.has_births()) return "";
    if (!from_message(block.births(), births)) return "has impossible births of zones";
    receiver_.take_births(births);
    return "";
  }

 private:
  Receiver& receiver_;
  std::vector<record::Names> names_{1};  // by their number in the file
  std::uint64_t flows_ = 0;
  flowstore::Baseline baseline_;
};

}  // namespace

Check check(Octets file) {
  Check result;
  BlockReader blocks(file);
  Octets message, last;
  bool first = true;
  v1::Block block;
  while (blocks.next(message)) {
    last = message;
    if (!first) continue;
    first = false;
    if (!parse(message, block) || !block.has_origin()) {
      result.problem = "does not say where it was written";
      return result;
    }
    result.origin = {block.origin().boot_id(), block.origin().network_namespace(), block.origin().written_wall_ms(),
                     block.origin().program_version()};
  }
  result.problem = blocks.problem();
  if (!result.problem.empty()) return result;
  if (!parse(last, block) || !block.has_end()) {
    result.problem = "is cut at octet " + std::to_string(file.size());
    return result;
  }
  result.flows = block.end().flows();
  result.records = block.end().records();
  return result;
}

std::string read(Octets file, Receiver& receiver) {
  BlockReader blocks(file);
  Delivery delivery(receiver);
  Octets message;
  v1::Block block;
  while (blocks.next(message)) {
    if (!parse(message, block)) return "has a block that is no message";
    if (std::string problem = delivery.deliver(block); !problem.empty()) return problem;
  }
  return blocks.problem();
}

}  // namespace ofe::state_file
