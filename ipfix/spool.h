// Records on disk, in order, from when they were accepted until the collector's host has them; bounded.
//
// A spool is a log. Records are appended, written out by commit(), read once, and released; a spool opened again goes
// on behind what was released. Templates stand with the records, so that a later process can send records of an
// earlier one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipfix/exporting_process.h"
#include "ipfix/spool_files.h"
#include "ipfix/template.h"

namespace ipfix {

class Spool {
 public:
  // nullptr: error says what failed.
  static std::unique_ptr<Spool> open(const SpoolOptions& options, std::string& error);

  // Of records to come.
  void add_template(const Template& definition);

  // Takes a record: the position behind it. nullopt: it would be more than max_octets, or the disk does not take it.
  std::optional<std::uint64_t> append(std::uint16_t template_id, std::span<const std::uint8_t> record);
  bool has_room(std::size_t record_octets) const;
  // What was appended last needs not be read: its reader has it.
  void pass();
  // Writes what was appended. False: stats().error; it stays to be written.
  bool commit();

  // Every record appended was read or passed.
  bool caught_up() const { return read_to_ == appended_to(); }
  struct Record {
    std::uint16_t template_id = 0;
    std::span<const std::uint8_t> octets;  // until the next call
    std::uint64_t end = 0;                 // the position behind it
    bool of_earlier = false;               // a process before this one accepted it,
    bool left_before = false;              // and had begun to send it
  };
  // Which id records made by an earlier process's template leave under; nullopt: none, they are passed over.
  using Adopt = std::function<std::optional<std::uint16_t>(const Template& definition)>;
  // The next committed record that was neither read nor passed.
  std::optional<Record> read(const Adopt& adopt);

  // The first octet of the record that ends here is about to leave.
  void mark_left(std::uint64_t position) { files_.mark_left(position); }
  // The collector has everything before.
  void release(std::uint64_t position) { files_.release(position); }

  const SpoolStats& stats() const;

 private:
  explicit Spool(std::uint64_t max_octets);
  std::uint64_t appended_to() const;
  bool begin_block();
  bool write(std::uint8_t kind, std::span<const std::uint8_t> payload);
  bool load_block(const Adopt& adopt);
  void pass_over_damage();

  SpoolFiles files_;
  std::uint64_t max_octets_, max_segment_octets_;
  mutable SpoolStats stats_;
  std::vector<Template> templates_;
  bool templates_written_ = false;     // all of them in the segment at hand
  std::vector<std::uint8_t> pending_;  // the payload of the block that fills
  std::uint64_t pending_records_ = 0;

  std::uint64_t own_from_ = 0;     // behind it, template ids are this process's own
  std::uint64_t left_before_ = 0;  // how far an earlier process had begun to send
  std::uint64_t read_to_ = 0;      // every record up to here was read or passed
  std::uint64_t next_block_ = 0;   // where the next block to load begins
  std::vector<std::uint8_t> block_;
  std::size_t block_at_ = 0;          // how much of its payload was read
  std::uint64_t block_position_ = 0;  // of its payload
  std::unordered_map<std::uint16_t, std::optional<std::uint16_t>> adopted_;
};

}  // namespace ipfix
