// The exporter's way of reading a zone, as ConntrackPart and KernelScan do it, and the same without the kernel's
// filter.
#include <poll.h>

#include <stdexcept>

#include "ovs-plugin/conntrack/kernel_source.h"
#include "ovs-plugin/exporter/observation_batch.h"
#include "ovs-plugin/exporter/state.h"
#include "tests/bench/dump_reader.h"
#include "tests/bench/netlink_dump.h"

namespace bench {
namespace {

constexpr std::size_t entries_per_turn = 1'000;  // the exporter's
constexpr std::size_t flows_judged_per_turn = 10'000;

class StoreReader : public DumpReader {
 public:
  explicit StoreReader(std::uint16_t zone) : zone_(zone), state_(settings(), "node", now_) {}

  std::size_t poll() override {
    now_.monotonic_ms += 5'000;
    now_.wall_ms += 5'000;
    state_.store.begin_scan(zone_, now_);
    const std::size_t entries = read_zone();
    state_.store.end_scan(zone_, true, now_);
    return entries;
  }
  void after_poll() override {
    while (state_.store.sweep(flows_judged_per_turn, now_)) continue;
  }
  std::size_t flows() const override { return state_.store.stats().flows; }

 protected:
  virtual std::size_t read_zone() = 0;
  void flush() { batch_.flush(state_, now_); }

  const std::uint16_t zone_;
  ofe::ObservationBatch batch_;

 private:
  static ofe::config::Config settings() {
    ofe::config::Config config;
    config.max_flows = 2'000'000;
    return config;
  }
  flowstore::Now now_{1'000'000, 1'700'000'000'000};
  ofe::State state_;
};

class ExporterReader : public StoreReader {
 public:
  using StoreReader::StoreReader;

 private:
  // All that this file knows of KernelSource.
  std::size_t read_zone() override {
    using Progress = ofe::conntrack::KernelSource::Progress;
    const std::uint64_t before = source_.stats().entries;
    source_.start({&zone_, 1});
    for (;;) {
      const Progress progress =
          source_.step(entries_per_turn, [&](const flowstore::Observation& seen) { batch_.add(seen); });
      flush();
      if (progress == Progress::complete) return source_.stats().entries - before;
      if (progress == Progress::waiting) {
        pollfd readable{source_.fd(), POLLIN, 0};
        ::poll(&readable, 1, -1);
      } else if (progress != Progress::more) {
        throw std::runtime_error(source_.stats().last_error);
      }
    }
  }

  ofe::conntrack::KernelSource source_;
};

class UnfilteredReader : public StoreReader {
 public:
  using StoreReader::StoreReader;

 private:
  std::size_t read_zone() override {
    std::size_t entries = 0, batched = 0;
    dump_.read(std::nullopt, [&](const nlmsghdr* message) {
      flowstore::Observation seen;
      const void* const payload = mnl_nlmsg_get_payload(message);
      if (!ofe::conntrack::decode_ctnetlink(payload, mnl_nlmsg_get_payload_len(message), seen)) return;
      if (seen.zone != zone_) return;
      ++entries;
      batch_.add(seen);
      if (++batched == entries_per_turn) {
        flush();
        batched = 0;
      }
    });
    flush();
    return entries;
  }

  NetlinkDump dump_;
};

}  // namespace

std::unique_ptr<DumpReader> exporter_reader(std::uint16_t zone) {
  return std::make_unique<ExporterReader>(zone);
}
std::unique_ptr<DumpReader> unfiltered_reader(std::uint16_t zone) {
  return std::make_unique<UnfilteredReader>(zone);
}

}  // namespace bench
