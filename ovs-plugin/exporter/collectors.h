// All collectors. Each has its own transport, queue, state and counters; none waits for another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ovs-plugin/exporter/collector_export.h"

namespace ofe {

class Collectors {
 public:
  explicit Collectors(const State& state) : state_(state) {}

  // Makes and ends exporting processes as the settings want it.
  void follow_settings(std::uint32_t observation_domain, flowstore::Now now);

  void run(flowstore::Now now);
  void wait() const;

  bool empty() const { return collectors_.empty(); }
  // One of them at least has room; true where there are none.
  bool can_accept(std::size_t record_octets) const;
  // Takes the record for every collector. One without room loses it, which is counted and told to it by the sequence
  // number; where none has room nothing is taken: false.
  bool export_record(std::uint16_t template_id, std::span<const std::uint8_t> record, flowstore::Now now);
  // Where to encode a record, so that one collector at least need not copy it; empty: anywhere else. Valid until
  // export_record().
  std::span<std::uint8_t> room(std::uint16_t template_id);
  // export_record() for one collector; for all where none has this name.
  bool export_record_to(std::string_view name, std::uint16_t template_id, std::span<const std::uint8_t> record,
                        flowstore::Now now);
  // Records that there should have been and nobody can make any more, and what they would have counted.
  void lose(std::uint64_t records, std::uint64_t packets, std::uint64_t octets, flowstore::Now now);

  // No record follows.
  void finish(flowstore::Now now);
  bool drained() const;

  // Every record accepted that neither was acknowledged nor stands in a spool, oldest first. Where there is one
  // collector only, its records are anybody's: name is "".
  using Visit =
      std::function<void(std::string_view name, std::uint16_t template_id, std::span<const std::uint8_t> record)>;
  void for_each_unsent(const Visit& visit);

  const std::vector<std::unique_ptr<CollectorExport>>& all() const { return collectors_; }

 private:
  struct Retiring {
    std::unique_ptr<CollectorExport> collector;
    std::int64_t until_ms = 0;
  };

  std::vector<CollectorExport::Wanted> wanted(std::uint32_t observation_domain) const;
  static void report_left(const CollectorExport& gone, std::span<const CollectorExport::Wanted> now_wanted);
  void retire(std::unique_ptr<CollectorExport> collector, flowstore::Now now);

  const State& state_;
  std::vector<std::unique_ptr<CollectorExport>> collectors_;  // flowCollectorAddr's first
  std::vector<Retiring> retiring_;  // of previous settings: what they hold is still sent, where it can be
};

}  // namespace ofe
