// What was dropped, from the drop megaflows of one dump after the other.
//
// A drop megaflow is the last stage of a packet's way and counts it once, whichever stages it passed before. Counts are
// the growth between dumps: the same ufid can come back with counters from zero, which is a new beginning. They are
// lower bounds, as Open vSwitch counts neither a packet that it handled by upcall (the first of each megaflow) nor what
// came between the last dump and the megaflow's removal; what stood in the first dump after our start is a baseline.
// Where NetFlow counted the 5-tuple that a megaflow pins, its counts are exact and take their place.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/denied/drop_key.h"
#include "ovs-plugin/denied/verdict.h"

namespace ofe::denied {

struct Drop {
  DropKey key;
  Verdict verdict;
  bool asked = false;  // the question for its rule was answered or failed; until then it says nothing of its kind
  bool exact = false;  // counted by NetFlow
  std::uint64_t packets = 0, octets = 0;  // L3
  std::uint64_t exported_packets = 0, exported_octets = 0;
  std::uint32_t exports = 0;
  std::int64_t first_wall_ms = 0, last_wall_ms = 0;  // first and last packet as far as known
  std::int64_t first_monotonic_ms = 0;               // when it was first seen here
  std::int64_t grown_monotonic_ms = 0;               // when it last grew
  std::int64_t exported_monotonic_ms = 0;            // last record; first_monotonic_ms before the first
  std::size_t megaflows = 0;                         // now
  flowstore::NameHandle names = 0;                   // the exporter's
};

struct TableStats {
  std::uint64_t drop_megaflows = 0;     // seen new
  std::uint64_t without_ufid = 0;       // cannot be followed
  std::uint64_t refused_megaflows = 0;  // because max_megaflows are followed
  std::uint64_t refused_drops = 0;      // because there are max_drops
  std::uint64_t counter_restarts = 0;
  std::uint64_t gone_unasked = 0;    // megaflows that went before their rule could be asked for
  std::uint64_t netflow_tuples = 0;  // times that NetFlow's count of a tuple was taken over
};

struct Limits {
  std::size_t max_megaflows = 16'384, max_drops = 16'384;
  std::int64_t ask_again_ms = 60'000;  // rules change under a megaflow that goes on
  std::uint64_t unasked_dumps = 12;    // a megaflow that went before its turn can be asked for so much longer
};

class Table {
 public:
  Table() = default;
  explicit Table(Limits limits) : limits_(limits) {}

  // One dump: begin, every megaflow, end. A dump that broke off is not ended; the next begin starts over.
  void begin_dump() { ++dump_; }
  void add(const datapath::Megaflow& flow, flowstore::Now now);  // those that drop nothing are passed over
  void end_dump();
  // Before the process ends: what was counted stays, nothing more comes.
  void forget_megaflows();
  std::uint64_t dumps_ended() const { return dumps_ended_; }

  // The next megaflow whose rule is to be asked for, and the flow to trace. Oldest first.
  struct Question {
    datapath::Ufid ufid{};
    std::string flow;  // "" where the megaflow came without text (over netlink): ovs-vswitchd knows it by its ufid
  };
  std::optional<Question> next_question();
  // The flow to trace of a megaflow that came without text; its question is the next one.
  void describe(const datapath::Ufid& ufid, const std::string& flow);
  std::size_t questions() const { return waiting_.size(); }
  void answer(const datapath::Ufid& ufid, const Verdict& verdict, flowstore::Now now);

  // Offers the tuple of every classified drop that pins one; what the callback returns is added to it as NetFlow's.
  struct Counted {
    std::uint64_t packets = 0, octets = 0;
  };
  void take_netflow(const std::function<std::optional<Counted>(const flowstore::Tuple&)>& count_of, flowstore::Now now);

  // Looks at `budget` drops, going on where the last call stopped. The visitor may change what is the exporter's
  // (names, exported_*), and returns true for a drop that is to leave the table; one that has megaflows stays. False
  // once all were looked at.
  bool visit_some(std::size_t budget, const std::function<bool(Drop&)>& leaves);
  void each(const std::function<void(const Drop&)>& visit) const;
  // Looks at `places` places of the table from `first` (0: the beginning) on; where to go on, 0: that was all.
  std::size_t each_from(std::size_t first, std::size_t places, const std::function<void(const Drop&)>& visit) const;

  std::size_t size() const { return index_.size(); }
  std::size_t megaflows() const { return megaflows_.size(); }
  const Limits& limits() const { return limits_; }
  const TableStats& stats() const { return stats_; }
  void clear(const std::function<void(Drop&)>& leaving);

 private:
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  struct Identity {
    DropKey key;
    Verdict verdict;
    friend bool operator==(const Identity&, const Identity&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Identity& i) {
      return H::combine(std::move(h), i.key, i.verdict);
    }
  };
  struct Followed {
    std::uint64_t packets = 0, octets = 0;  // as dumped last
    Counted counted;                        // of it in `drop`
    std::uint64_t dump = 0;
    std::uint32_t drop = nowhere;
    std::string flow;  // to trace
    bool waiting = false, answered = false;
    std::int64_t asked_ms = 0;
  };

  void begin(Followed& followed, const datapath::Megaflow& flow, DropKey key, flowstore::Now now);
  void grow(Followed& followed, const datapath::Megaflow& flow, flowstore::Now now);
  void ask(const datapath::Ufid& ufid, Followed& followed);
  std::uint32_t drop_of(const Identity& identity, const Drop& like);
  void leave(Followed& followed);
  void move_to(Followed& followed, std::uint32_t to);
  void erase(std::uint32_t place);

  Limits limits_;
  std::uint64_t dump_ = 0, dumps_ended_ = 0;
  absl::flat_hash_map<datapath::Ufid, Followed> megaflows_;
  absl::flat_hash_map<Identity, std::uint32_t> index_;
  std::deque<std::optional<Drop>> drops_;  // by place
  std::vector<std::uint32_t> free_;
  std::deque<datapath::Ufid> waiting_;
  std::size_t next_visit_ = 0;
  TableStats stats_;
};

}  // namespace ofe::denied
