#include "ovs-plugin/state_file/writer.h"

#include <absl/container/flat_hash_map.h>

#include <string>
#include <utility>

#include "ovs-plugin/state_file/block_format.h"
#include "ovs-plugin/state_file/flow_message.h"

namespace ofe::state_file {
namespace {

// What a block may grow to before it is written: some 200 KB.
constexpr int flows_per_block = 2'048;
constexpr std::size_t record_octets_per_block = 200'000;

}  // namespace

struct Writer::Impl {
  explicit Impl(Output to) : output(std::move(to)) {}

  void write_block();
  std::uint32_t number_of(flowstore::NameHandle handle, const record::Names& names);

  Output output;
  bool failed = false;
  v1::Block block;
  std::string message, octets;
  std::uint32_t checksum = 0;
  std::size_t record_octets = 0;  // in the block
  absl::flat_hash_map<flowstore::NameHandle, std::uint32_t> numbers;
  std::uint64_t flows = 0, records = 0;
};

void Writer::Impl::write_block() {
  if (!failed) {
    block.SerializeToString(&message);
    append_block(message, checksum, octets);
    failed = !output(octets);
  }
  octets.clear();
  block.Clear();
  record_octets = 0;
}

std::uint32_t Writer::Impl::number_of(flowstore::NameHandle handle, const record::Names& names) {
  if (handle == 0) return 0;
  const auto [known, added] = numbers.try_emplace(handle, static_cast<std::uint32_t>(numbers.size() + 1));
  if (added) {
    v1::Names& message_names = *block.add_names();
    message_names.set_source_pod(names.source_pod);
    message_names.set_source_namespace(names.source_namespace);
    message_names.set_source_node(names.source_node);
    message_names.set_destination_pod(names.destination_pod);
    message_names.set_destination_namespace(names.destination_namespace);
    message_names.set_destination_node(names.destination_node);
    message_names.set_service_port_name(names.service_port_name);
    if (names.service_address != flowstore::Address{}) {
      message_names.set_service_address(names.service_address.data(), names.service_address.size());
    }
    message_names.set_source_kind(static_cast<std::uint32_t>(names.ends.source));
    message_names.set_destination_kind(static_cast<std::uint32_t>(names.ends.destination));
  }
  return known->second;
}

Writer::Writer(const Origin& origin, Output output) : impl_(std::make_unique<Impl>(std::move(output))) {
  append_preamble(impl_->octets);
  v1::Origin& message = *impl_->block.mutable_origin();
  message.set_boot_id(origin.boot_id);
  message.set_network_namespace(origin.network_namespace);
  message.set_written_wall_ms(origin.written_wall_ms);
  message.set_program_version(origin.program_version);
  impl_->write_block();
}
Writer::~Writer() = default;

void Writer::add_template(const ipfix::Template& definition) {
  v1::Template& message = *impl_->block.add_templates();
  message.set_id(definition.id);
  for (const ipfix::FieldSpecifier& field : definition.fields) {
    v1::Template::Field& added = *message.add_fields();
    added.set_enterprise(field.enterprise);
    added.set_id(field.id);
    added.set_length(field.length);
  }
}

void Writer::add_record(std::string_view collector, std::uint16_t template_id, std::span<const std::uint8_t> record) {
  v1::Record& message = *impl_->block.add_records();
  if (!collector.empty()) message.set_collector(std::string(collector));
  message.set_template_id(template_id);
  message.set_octets(record.data(), record.size());
  impl_->record_octets += record.size();
  ++impl_->records;
  if (impl_->record_octets >= record_octets_per_block) impl_->write_block();
}

void Writer::add_flow(const flowstore::Baseline& baseline, const record::Names& names) {
  to_message(baseline, impl_->number_of(baseline.flow.names, names), *impl_->block.add_flows());
  ++impl_->flows;
  if (impl_->block.flows_size() >= flows_per_block) impl_->write_block();
}

void Writer::add_births(const flowstore::Births& births) {
  to_message(births, *impl_->block.mutable_births());
}

bool Writer::finish() {
  impl_->write_block();
  v1::End& end = *impl_->block.mutable_end();
  end.set_flows(impl_->flows);
  end.set_records(impl_->records);
  impl_->write_block();
  return !impl_->failed;
}

std::uint64_t Writer::flows() const {
  return impl_->flows;
}
std::uint64_t Writer::records() const {
  return impl_->records;
}

}  // namespace ofe::state_file
