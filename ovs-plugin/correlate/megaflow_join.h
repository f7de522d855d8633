// Joins the datapath's flows to the connections under them: what each connection's packets were counted by.
//
// Followed are entry-stage megaflows (recirc_id 0): every later stage counts the same packets again. A dump's flows are
// compared with those of the dump before by their ufid, so that it costs no more than reading it where little changed.
// One that a dump lacks is compared with the dump after it as well: a dump can miss flows that stay, as ovs-vswitchd's
// table of them shrinks or grows meanwhile (lib/cmap.c: cmap_next_position).
// A megaflow that pins a 5-tuple counts that connection alone: exact, but for the packets that OVS handled by upcall,
// which no megaflow counts. Any other can carry connections that nobody sees (between two scans, or before the first),
// so that its growth is a share even where a single connection is known under it. It is divided equally
// (apportion.h) among those connections under it that the scans of the zones after the dump showed alive and that
// conntrack saw packets of since the scans before, which renew an entry's timeout; among all alive where it saw none.
// Growth that no connection claims is kept for a bounded time.
//
// NetFlow, where it counts, is the authority but for one thing: fragments after a packet's first have no ports, so that
// it reports those of all connections between two addresses as one. They are divided like a shared megaflow's growth,
// among the connections of which first fragments were seen (later_fragments.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "ovs-plugin/correlate/directions.h"
#include "ovs-plugin/correlate/tuple_space.h"
#include "ovs-plugin/datapath/routes.h"

namespace ofe::correlate {

struct MegaflowJoinStats {
  std::size_t megaflows = 0, pinned = 0, shared = 0;  // now: entry-stage flows that lead to a watched zone
  std::size_t buckets = 0, masks = 0, routes = 0, memberships = 0;  // now
  std::uint64_t entry_flows = 0, untracked = 0;                     // of the last dump; untracked: no ct() in any stage
  std::uint64_t left_out = 0;                                       // flows beyond a limit, or without a ufid
  std::uint64_t memberships_refused = 0;  // beyond 16,777,216: those connections' counters are marked
  std::uint64_t counter_restarts = 0;     // megaflows whose counters went back
  std::uint64_t gone_early = 0;           // megaflows that may have counted more than was seen
  Amount apportioned;                     // divided among connections
  Amount unmatched;                       // no connection claimed it in time
};

// Pods' ports as in_port spells them. Both may be empty: then no port is known. A Pod's packets come in by its port,
// and what comes in there is of the Pod's addresses of that family, where any is known: so connections of other Pods
// are not taken for users of a megaflow that compares little but its port.
struct PodPorts {
  using Visit = std::function<void(std::string_view port, std::uint8_t family)>;  // 4 or 6: it has such an address
  std::function<std::string_view(const flowstore::Address&)> of;                  // "": no Pod of this Node has it
  std::function<void(const Visit&)> each;
};

// What holds while one dump is settled.
struct JoinContext {
  std::span<const std::uint16_t> watched_zones;
  bool netflow_active = false;
};

// IPv4 TCP and UDP: what OVS's NetFlow covers (3.1: ofproto/netflow.c, netflow_mask_wc and netflow_flow_update; ICMP
// without the identifier that tells two pings apart). The authority for these while it is active.
bool netflow_covers(const flowstore::Tuple& tuple);
bool netflow_covers(const datapath::TupleMatch& match);  // every packet that matches

// Open vSwitch removes a flow when no packet came for other_config:max-idle, 10 s unless set
// (vswitchd/vswitch.ovsschema).
inline constexpr std::int64_t max_idle_ms = 10'000;

class MegaflowJoin {
 public:
  MegaflowJoin(Directions& directions, std::int64_t unclaimed_ms)
      : directions_(directions), unclaimed_ms_(unclaimed_ms) {}
  void set_pod_ports(PodPorts ports) { pod_ports_ = std::move(ports); }

  // A dump: begin, every flow of every stage, settle until it is false. One that broke off is not settled; the next
  // begin starts over, and nothing of what its flows had grown is lost. `thread` tells forwarding threads apart, which
  // count by themselves under the same ufid.
  void begin_dump(flowstore::Now now);
  void add(const datapath::Megaflow& flow, std::uint64_t thread);
  // Divides what the dump before this one had counted among the connections that were seen since, then takes what this
  // one counted, then forgets what is not in it. Looks at some `budget` things a call; true while there is more.
  bool settle(const JoinContext& context, flowstore::Now now, std::size_t budget);

  // Of a tuple without ports, as NetFlow reports it. Only while NetFlow is active.
  void add_later_fragments(const flowstore::Tuple& tuple, const Amount& counted, flowstore::Now now);

  // A scan shows the connection; by which its directions become members of what can carry them.
  void claim(DirectionId id, std::uint16_t zone, bool active, const JoinContext& context);
  // Before a direction is erased.
  void leave_all(DirectionId id);

  MegaflowJoinStats stats() const;

 private:
  struct Key {
    datapath::Ufid ufid{};
    std::uint64_t thread = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.ufid, k.thread);
    }
  };
  struct Entry {
    datapath::TupleMatch match;
    Amount seen, grown;  // counters of the last dump; what they grew since it was taken last
    datapath::RouteNumber route = 0;
    datapath::ZoneSet zones = 0;
    PortClass port = any_port;
    BucketId bucket = no_bucket;
    std::uint32_t dump = 0;
    std::int32_t used_ms = -1;  // before the last dump
    bool pinned = false;
    bool leads = false;   // to a watched zone
    bool missed = false;  // the last settled dump did not have it
    // Since the last settled dump: it may have counted packets that no dump shows, nobody knows how many; and at most
    // these more, which a predecessor with the same ufid had.
    bool lossy = false;
    Amount may_miss;
  };
  // A bucket whose growth is being divided.
  struct Division {
    BucketId bucket = no_bucket;
    bool giving = false;
    std::size_t next = 0;  // member
    struct Member {
      DirectionId id = 0;
      std::uint32_t generation = 0;
    };
    std::vector<Member> active, idle, fragmented;
    Amount whole, refused;  // refused: the shares of members that went meanwhile
    Shares shares;
  };

  // megaflow_division.cc
  bool divide(flowstore::Now now, std::size_t budget);
  void prefetch_waiting() const;
  void begin_division(BucketId id);
  std::size_t collect(std::size_t budget);
  void begin_giving(flowstore::Now now);
  std::size_t give(std::size_t budget);
  void end_division();

  // later_fragments.cc
  void note_first_fragment(const Entry& entry);
  void pick_fragmented();

  // megaflow_loss.cc
  std::int64_t since_shown_ms(const Entry& entry) const;
  bool may_end_unseen(const Entry& entry) const;
  bool may_have_idled_out(const Entry& entry, const datapath::Megaflow& shown) const;
  void note_growth(Entry& entry, const datapath::Megaflow& shown) const;
  void hand_on_loss(Entry& entry, const JoinContext& context, flowstore::Now now);
  void owe(BucketId id, flowstore::Now now);

  // megaflow_join.cc
  void begin_taking(const JoinContext& context);
  bool take(Entry& entry, const JoinContext& context, flowstore::Now now);
  void place(Entry& entry);
  void count(Entry& entry, const JoinContext& context, flowstore::Now now);
  void leave_bucket(Entry& entry);
  bool empty_hidden(std::size_t budget);
  void join(DirectionId id, BucketId bucket);
  void leave(DirectionId id, std::size_t membership);
  PortClass port_class_of(const flowstore::Address& source) const;
  PortClass port_class_of(const Entry& entry) const;

  Directions& directions_;
  std::int64_t unclaimed_ms_;
  PodPorts pod_ports_;
  datapath::Routes routes_;
  TupleSpace space_;
  SlicedMap<Key, Entry> entries_;
  std::uint32_t dump_ = 0;
  std::uint32_t round_ = 1;  // of scans: those after a dump, up to the next
  bool settled_before_ = false;
  // Monotonic: when the last one, the last settled one, and the settled one before that began.
  std::int64_t dump_ms_ = 0, settled_dump_ms_ = 0, settled_earlier_ms_ = 0;
  enum class Place : std::uint8_t { dividing, routes, taking, hidden };
  Place place_ = Place::dividing;
  std::size_t next_slice_ = 0;
  Division division_;
  std::vector<BucketId> waiting_, waiting_longer_;
  std::vector<BucketId> hidden_;            // without megaflows and growth: their members leave
  std::vector<bool> set_leads_;             // by zone set, of the dump being taken
  std::vector<std::uint8_t> pod_families_;  // by port number: has_ipv4, has_ipv6
  std::size_t memberships_ = 0;
  std::size_t pinned_ = 0, shared_ = 0;
  MegaflowJoinStats stats_;
};

}  // namespace ofe::correlate
