#include "ipfix/record_intake.h"

#include <utility>

#include "ipfix/statistics_records.h"

namespace ipfix {
namespace {

constexpr std::uint16_t first_adopted_id = 1024;  // templates of earlier processes, where theirs are not ours
constexpr std::int64_t open_again_after_ms = 5'000;
constexpr std::size_t octets_per_turn = 2u << 20;  // read from the spool, so that one turn stays short

}  // namespace

RecordIntake::RecordIntake(std::optional<SpoolOptions> spool, SessionPreamble& preamble, MessageQueue& queue,
                           ExportingStats& stats, Now now)
    : options_(std::move(spool)), preamble_(preamble), queue_(queue), stats_(stats) {
  open_spool(now.monotonic_ms);
}

void RecordIntake::open_spool(std::int64_t now_ms) {
  if (!options_ || spool_ || now_ms < open_again_ms_) return;
  open_again_ms_ = now_ms + open_again_after_ms;
  std::string error;
  spool_ = Spool::open(*options_, error);
  stats_.spool.error = spool_ ? "" : "open the spool: " + error;
  if (spool_) preamble_.for_each_template([this](const Template& definition) { spool_->add_template(definition); });
}

void RecordIntake::add_template(const Template& definition) {
  if (spool_) spool_->add_template(definition);
}

MessageQueue::Taken RecordIntake::add(std::uint16_t template_id, std::span<const std::uint8_t> record, Now now) {
  using Taken = MessageQueue::Taken;
  if (!spool_ || record.size() > queue_.max_record_octets()) return queue_.add(template_id, record, now.monotonic_ms);
  const bool straight = spool_->caught_up();
  const auto end = spool_->append(template_id, record);
  // A disk that does not take it need not keep it from a collector that does.
  if (!end) return straight ? queue_.add(template_id, record, now.monotonic_ms, last_end_) : Taken::full;
  if (straight && queue_.add(template_id, record, now.monotonic_ms, *end) == Taken::yes) spool_->pass();
  last_end_ = *end;
  return Taken::yes;
}

std::span<std::uint8_t> RecordIntake::room(std::uint16_t template_id, std::size_t longest_octets) {
  if (!all_in_queue()) return {};
  return queue_.room(template_id, longest_octets);
}

bool RecordIntake::has_room(std::size_t record_octets) const {
  if (!spool_ || record_octets > queue_.max_record_octets()) return queue_.has_room(record_octets);
  return spool_->has_room(record_octets) || (spool_->caught_up() && queue_.has_room(record_octets));
}

void RecordIntake::fill_queue(Now now) {
  open_spool(now.monotonic_ms);
  if (!spool_) return;
  spool_->commit();
  const auto adopt_one = [this](const Template& definition) { return adopt(definition); };
  for (std::size_t taken = 0; taken < octets_per_turn && queue_.has_room(queue_.max_record_octets());) {
    const auto record = spool_->read(adopt_one);
    if (!record) break;
    taken += record->octets.size();
    stats_.records_resent += record->left_before;
    stats_.records_resumed += record->of_earlier;
    if (queue_.add(record->template_id, record->octets, now.monotonic_ms, record->end) != MessageQueue::Taken::yes) {
      ++stats_.records_lost;  // longer than a message of this process may be
      count_not_sent(stats_.not_sent, preamble_, record->template_id, record->octets, now);
    }
  }
}

void RecordIntake::release() {
  if (!spool_) return;
  spool_->release(queue_.released());
  stats_.spool = spool_->stats();
}

void RecordIntake::mark_left(std::uint64_t source_end) {
  if (spool_) spool_->mark_left(source_end);
}

// An earlier process's template leaves as ours where they are the same, and under an id of its own elsewhere.
std::optional<std::uint16_t> RecordIntake::adopt(const Template& definition) {
  if (const auto same = preamble_.find_same(definition)) return same;
  Template adopted = definition;
  for (adopted.id = first_adopted_id; preamble_.has_template(adopted.id); ++adopted.id) {
  }
  return preamble_.add_template(adopted) ? std::optional(adopted.id) : std::nullopt;
}

}  // namespace ipfix
