#include "ipfix/statistics_records.h"

#include <array>
#include <utility>

#include "ipfix/element.h"
#include "ipfix/message_format.h"
#include "ipfix/message_records.h"
#include "ipfix/octet_reader.h"
#include "ipfix/record_writer.h"

namespace ipfix {
namespace {

constexpr std::uint16_t octet_delta_count = 1;
constexpr std::uint16_t packet_delta_count = 2;
constexpr std::size_t max_record_octets = 64;

using Buffer = std::array<std::uint8_t, max_record_octets>;

Octets sent_record(Buffer& buffer, const ExportingOptions& options, const ExportingStats& stats) {
  RecordWriter out(buffer);
  out.u32(options.observation_domain);
  out.u64(stats.messages_sent);
  out.u64(stats.records_sent);
  out.u64(stats.octets_sent);
  return out.written();
}

// dateTimeMicroseconds (section 6.1.9): an NTP timestamp without its lowest 11 bits. 0 ("never") stays 1970.
std::uint64_t ntp_microseconds(std::int64_t wall_ms) {
  constexpr std::uint64_t ms_per_s = 1000, unused_bits = (1u << 11) - 1;
  const auto ms = static_cast<std::uint64_t>(wall_ms);
  // Rounded up, so that whoever truncates gets the millisecond back.
  const std::uint64_t fraction = ((ms % ms_per_s << 32) / ms_per_s + unused_bits) & ~unused_bits;
  return (ms / ms_per_s + seconds_1900_to_1970) << 32 | fraction;
}

Octets not_sent_record(Buffer& buffer, std::uint32_t exporting_process_id, const NotSent& not_sent) {
  RecordWriter out(buffer);
  out.u32(exporting_process_id);
  out.u64(not_sent.flows);
  out.u64(not_sent.packets);
  out.u64(not_sent.octets);
  out.u64(static_cast<std::uint64_t>(not_sent.first_wall_ms));
  out.u64(ntp_microseconds(not_sent.last_wall_ms));
  return out.written();
}

}  // namespace

Template sent_statistics_template(std::uint16_t id) {
  return {id, 1, {{0, 149, 4}, {0, 41, 8}, {0, 42, 8}, {0, 40, 8}}};
}

Template not_sent_statistics_template(std::uint16_t id) {
  // The first loss in observationTimeMilliseconds, the last in observationTimeMicroseconds: section 4.3 allows any of the
  // four for each, and a collector that names fields (Logstash's codec) breaks off at a template that names one twice.
  return {id, 1, {{0, 144, 4}, {0, 166, 8}, {0, 167, 8}, {0, 168, 8}, {0, 323, 8}, {0, 324, 8}}};
}

std::vector<Message> StatisticsRecords::take_due(Now now, bool nothing_else) {
  const bool last = last_is_due() && nothing_else;
  const bool by_time = templates_ && next_ms_ && *next_ms_ <= now.monotonic_ms;
  if (!last && !by_time) return {};
  if (last) last_taken_ = true;
  next_ms_.reset();
  if (options_.statistics_interval_ms > 0) next_ms_ = now.monotonic_ms + options_.statistics_interval_ms;

  std::vector<Message> messages;
  MessageWriter writer(options_.observation_domain, max_message_octets_);
  Buffer buffer;
  const auto write = [&](std::uint16_t template_id, Octets record) {
    if (!writer.add_record(template_id, record)) {
      messages.push_back(writer.take());
      writer.add_record(template_id, record);
    }
  };
  write(templates_->sent, sent_record(buffer, options_, stats_));
  write(templates_->not_sent, not_sent_record(buffer, templates_->exporting_process_id, stats_.not_sent));
  messages.push_back(writer.take());
  return messages;
}

void StatisticsRecords::count_lost(std::span<const std::uint8_t> message, Now now) {
  for_each_record(
      message, [this](std::uint16_t id) { return preamble_.find_template(id); },
      [&](std::uint16_t template_id, Octets record) {
        count_not_sent(stats_.not_sent, preamble_, template_id, record, now);
      });
}

// What a flow record stands for are its deltas, those of both directions.
void count_not_sent(NotSent& counts, const SessionPreamble& preamble, std::uint16_t template_id, Octets record,
                    Now now) {
  const Template* const definition = preamble.find_template(template_id);
  if (definition == nullptr || definition->scope_fields > 0) return;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  OctetReader reader(record);
  for (const FieldSpecifier& field : definition->fields) {
    const Octets value = reader.value(field.length);
    if (field.enterprise != 0 && field.enterprise != reverse_enterprise) continue;
    if (field.id != octet_delta_count && field.id != packet_delta_count) continue;
    if (value.size() > sizeof(std::uint64_t)) continue;
    (field.id == octet_delta_count ? octets : packets) += big_endian(value);
  }
  count_not_sent(counts, 1, packets, octets, now);
}

void count_not_sent(NotSent& counts, std::uint64_t flows, std::uint64_t packets, std::uint64_t octets, Now now) {
  if (counts.flows == 0) counts.first_wall_ms = now.wall_ms;
  counts.last_wall_ms = now.wall_ms;
  counts.flows += flows;
  counts.packets += packets;
  counts.octets += octets;
}

}  // namespace ipfix
