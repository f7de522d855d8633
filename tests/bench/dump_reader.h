// One way to read a zone of the kernel's conntrack into a table of flows, poll after poll.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace bench {

class DumpReader {
 public:
  virtual ~DumpReader() = default;
  // Reads the zone once. The entries that are of it; throws std::exception when the dump fails.
  virtual std::size_t poll() = 0;
  // What a poll does besides reading (judging who is gone), measured separately.
  virtual void after_poll() {}
  // Flows in the table.
  virtual std::size_t flows() const = 0;
};

// The exporter's own: KernelSource, batches, the store.
std::unique_ptr<DumpReader> exporter_reader(std::uint16_t zone);
// The same without asking the kernel to filter by zone.
std::unique_ptr<DumpReader> unfiltered_reader(std::uint16_t zone);
// libnetfilter_conntrack's dump callback and a std::unordered_map.
std::unique_ptr<DumpReader> libnetfilter_reader(std::uint16_t zone);
// Receives the messages and counts them: what the kernel costs, whoever reads.
std::unique_ptr<DumpReader> counting_reader(std::uint16_t zone);

}  // namespace bench
