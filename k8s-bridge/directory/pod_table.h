// Pods by identity and by the address they hold or held. Part of the directory; pointers handed out stay valid until
// the next call that changes the table.
//
// A claim is one Pod's hold on one address over some time. A Pod that is removed, ends (Succeeded, Failed) or loses
// an address leaves a former Pod behind: a copy with the addresses it gave up and the time it did, kept for
// keep_removed_pods_ms after the news, never more than max_removed_pods of them.
#pragma once

#include <deque>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "k8s-bridge/directory/decode.h"
#include "k8s-bridge/directory/directory.h"
#include "k8s-bridge/directory/object_name.h"

namespace ofe::k8s {

class PodTable {
 public:
  explicit PodTable(const DirectoryLimits& limits) : limits_(limits) {}

  // from_list: part of a snapshot, which may tell of a change long after it happened; otherwise it is news.
  // false: a new Pod, and there are max_objects already.
  bool put(DecodedPod decoded, std::uint64_t generation, bool from_list, std::int64_t wall_ms);
  // By uid; when that is empty, by name.
  bool remove(const std::string& uid, const ObjectNameView& name, std::int64_t wall_ms);
  // Removes what was not put with this generation; how many.
  std::size_t remove_others(std::uint64_t generation, std::int64_t wall_ms);
  void expire(std::int64_t wall_ms);

  const Pod* find(const Address& address, std::int64_t at_wall_ms) const;
  void each(const std::function<bool(const Pod&)>& visit) const;
  std::size_t size() const { return living_.size(); }
  std::size_t former() const { return former_.size(); }
  std::uint64_t former_dropped() const { return former_dropped_; }

 private:
  static constexpr std::int64_t still_held = std::numeric_limits<std::int64_t>::max();

  struct Claim {
    const Pod* pod = nullptr;
    std::int64_t since_wall_ms = 0;  // when the Pod, known without it before, got the address; 0: with its start
    std::int64_t until_wall_ms = still_held;
    std::int64_t known_until_wall_ms = still_held;  // the news of the end, which may come later than the end

    std::int64_t from_wall_ms = 0;  // the later of that and the Pod's start: here, as a lookup need not touch the Pod
  };
  struct Living {
    std::unique_ptr<Pod> pod;
    std::int64_t deleted_wall_ms = 0;
    std::uint64_t generation = 0;
  };
  struct Former {
    std::unique_ptr<Pod> pod;
    std::int64_t known_until_wall_ms = 0;
  };
  using ById = absl::flat_hash_map<std::string, Living>;

  void update(Living& living, DecodedPod decoded, bool first_sight, bool from_list, std::int64_t wall_ms);
  void follow_start(const Pod& pod);
  void remove(ById::iterator found, std::int64_t wall_ms);
  void retire(Living& living, std::int64_t wall_ms);
  void keep_former(const Pod* holder, std::unique_ptr<Pod> former, std::int64_t until_ms, std::int64_t wall_ms);
  void drop_oldest_former();
  void index(const Address& address);

  DirectoryLimits limits_;
  ById living_;  // by uid, else "namespace/name", which no uid can be
  ByObjectName<std::string> id_by_name_;
  std::deque<Former> former_;  // oldest news first
  std::uint64_t former_dropped_ = 0;
  // Most addresses have one claim; a few more where addresses are reused quickly. Oldest news first.
  absl::flat_hash_map<Address, absl::InlinedVector<Claim, 1>> claims_;
  // The Pods of the addresses that have one claim, still held: theirs at any time. Little memory to search.
  absl::flat_hash_map<Address, const Pod*> sole_;
};

}  // namespace ofe::k8s
