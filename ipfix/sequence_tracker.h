// Loss between exporter and collector, from the sequence numbers of one observation domain (RFC 7011 section 3.1).
#pragma once

#include <cstdint>

#include "ipfix/finding.h"

namespace ipfix {

class SequenceTracker {
 public:
  // A well-formed message: the sequence number and export time of its header. none, records_missing (how many: lost),
  // message_out_of_order or exporter_restarted.
  Finding message(std::uint32_t sequence, std::uint32_t export_time, std::uint32_t& lost);
  // What that message carried; countable: false when a set could not be cut into records for want of its template.
  void carried(std::uint32_t records, bool countable);

 private:
  // A gap of more is no loss but a new beginning: an exporter that starts again at a number of its choice.
  static constexpr std::uint32_t plausible_loss = 1u << 24;

  bool expecting_ = false;
  bool in_order_ = true;  // the current message
  std::uint32_t expected_ = 0;
  std::uint32_t last_export_time_ = 0;
};

inline Finding SequenceTracker::message(std::uint32_t sequence, std::uint32_t export_time, std::uint32_t& lost) {
  lost = 0;
  Finding finding = Finding::none;
  const std::uint32_t ahead = sequence - expected_;  // modulo 2^32, so that a wrap is no gap
  in_order_ = true;
  if (expecting_ && ahead != 0) {
    if (ahead <= plausible_loss) {
      lost = ahead;
      finding = Finding::records_missing;
    } else if (ahead >= 0x8000'0000 && export_time <= last_export_time_) {
      // Overtaken on its way (or sent twice): written before what has been seen, and counted as lost then.
      in_order_ = false;
      return Finding::message_out_of_order;
    } else {
      finding = Finding::exporter_restarted;
    }
  }
  expected_ = sequence;
  last_export_time_ = export_time;
  return finding;
}

inline void SequenceTracker::carried(std::uint32_t records, bool countable) {
  if (!in_order_) return;
  expected_ += records;
  expecting_ = countable;
}

}  // namespace ipfix
