#include "ipfix/spool.h"

#include <algorithm>

#include "ipfix/spool_format.h"

namespace ipfix {
namespace {

using spool_format::block_header_octets;
using spool_format::Kind;

constexpr std::size_t block_payload_octets = 32u << 10;  // a block is written when it has grown so long
constexpr std::uint64_t least_segment_octets = 64u << 10, most_segment_octets = 16u << 20;
constexpr std::uint64_t segments_a_spool = 8;  // space is given back a segment at a time

}  // namespace

Spool::Spool(std::uint64_t max_octets)
    : max_octets_(max_octets),
      max_segment_octets_(std::clamp(max_octets / segments_a_spool, least_segment_octets, most_segment_octets)) {}

std::unique_ptr<Spool> Spool::open(const SpoolOptions& options, std::string& error) {
  std::unique_ptr<Spool> spool(new Spool(options.max_octets));
  if (!spool->files_.open(options.folder, error)) return nullptr;
  spool->own_from_ = spool->files_.end();
  spool->left_before_ = spool->files_.left();
  spool->read_to_ = spool->files_.released();
  // Templates stand at the head of a segment.
  const auto segment = spool->files_.segment_at(spool->read_to_);
  spool->next_block_ = segment ? segment->start : spool->files_.end();
  return spool;
}

void Spool::add_template(const Template& definition) {
  commit();
  templates_.push_back(definition);
  templates_written_ = false;
}

std::uint64_t Spool::appended_to() const {
  return pending_.empty() ? files_.end() : files_.end() + block_header_octets + pending_.size();
}

bool Spool::has_room(std::size_t record_octets) const {
  const std::size_t added = record_octets + spool_format::record_header_octets + 2 * block_header_octets;
  const bool disk_lags = pending_.size() >= block_payload_octets && !stats_.error.empty();
  return !disk_lags && files_.octets() + pending_.size() + added <= max_octets_;
}

std::optional<std::uint64_t> Spool::append(std::uint16_t template_id, std::span<const std::uint8_t> record) {
  if (!has_room(record.size())) return std::nullopt;
  if (pending_.size() >= block_payload_octets && !commit()) return std::nullopt;
  if (pending_.empty() && !begin_block()) return std::nullopt;
  spool_format::append_record(pending_, template_id, record);
  ++pending_records_;
  return appended_to();
}

// A block of records goes into a segment that has room and begins with the templates.
bool Spool::begin_block() {
  const bool was_caught_up = caught_up();
  const bool segment_is_full = files_.segment_octets() >= max_segment_octets_;
  if (files_.segment_octets() == 0 || segment_is_full) {
    if (!files_.begin_segment(stats_.error)) {
      ++stats_.write_errors;
      return false;
    }
    templates_written_ = false;
  }
  if (!templates_written_) {
    std::vector<std::uint8_t> payload;
    for (const Template& definition : templates_) spool_format::append_template(payload, definition);
    if (!write(static_cast<std::uint8_t>(Kind::templates), payload)) return false;
    templates_written_ = true;
  }
  if (was_caught_up) read_to_ = next_block_ = files_.end();
  return true;
}

void Spool::pass() {
  read_to_ = appended_to();
  next_block_ = files_.end();  // where the block begins that holds it
}

bool Spool::commit() {
  if (pending_.empty()) return true;
  if (!write(static_cast<std::uint8_t>(Kind::records), pending_)) return false;
  stats_.records_written += pending_records_;
  pending_records_ = 0;
  pending_.clear();
  return true;
}

bool Spool::write(std::uint8_t kind, std::span<const std::uint8_t> payload) {
  const auto header = spool_format::block_header(static_cast<Kind>(kind), payload);
  if (!files_.append(header, payload, stats_.error)) {
    ++stats_.write_errors;
    return false;
  }
  stats_.error.clear();
  return true;
}

std::optional<Spool::Record> Spool::read(const Adopt& adopt) {
  for (;;) {
    OctetReader rest(Octets(block_).subspan(block_at_));
    spool_format::Record found;
    if (rest.remaining() == 0 || !spool_format::read_record(rest, found)) {
      if (!load_block(adopt)) return std::nullopt;
      continue;
    }
    block_at_ = block_.size() - rest.remaining();
    const std::uint64_t end = block_position_ + block_at_;
    if (end <= read_to_) continue;
    read_to_ = end;
    std::optional<std::uint16_t> id = found.template_id;
    if (block_position_ < own_from_) {
      const auto known = adopted_.find(found.template_id);
      id = known == adopted_.end() ? std::nullopt : known->second;
    }
    if (id) return Record{*id, found.octets, end, block_position_ < own_from_, end <= left_before_};
    ++stats_.records_unusable;
  }
}

// The next block of records into block_; false: there is none (yet).
bool Spool::load_block(const Adopt& adopt) {
  block_.clear();
  block_at_ = 0;
  while (next_block_ < files_.end()) {
    const auto header = spool_format::parse_block_header(files_.read(next_block_, block_header_octets));
    const Octets payload = header ? files_.read(next_block_ + block_header_octets, header->payload_octets) : Octets{};
    if (!header || !spool_format::is_whole(*header, payload)) {
      pass_over_damage();
      continue;
    }
    block_position_ = next_block_ + block_header_octets;
    next_block_ = block_position_ + payload.size();
    if (header->kind == Kind::templates) {
      OctetReader templates(payload);
      Template definition;
      const bool of_others = block_position_ < own_from_;
      while (of_others && templates.remaining() > 0 && spool_format::read_template(templates, definition)) {
        adopted_[definition.id] = adopt(definition);
      }
      read_to_ = std::max(read_to_, next_block_);
    } else if (next_block_ > read_to_) {
      block_.assign(payload.begin(), payload.end());
      return true;
    }
  }
  read_to_ = std::max(read_to_, next_block_);
  return false;
}

// The rest of a segment that cannot be read.
void Spool::pass_over_damage() {
  const auto segment = files_.segment_at(next_block_);
  const std::uint64_t good = !segment ? files_.end() : segment->start > next_block_ ? segment->start : segment->end;
  stats_.damaged_octets += good - next_block_;
  next_block_ = good;
  read_to_ = std::max(read_to_, good);
}

const SpoolStats& Spool::stats() const {
  stats_.octets = files_.octets();
  stats_.waiting_octets = files_.end() - std::min(files_.released(), files_.end());
  return stats_;
}

}  // namespace ipfix
