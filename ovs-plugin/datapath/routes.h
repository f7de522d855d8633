// Where the packets of an entry-stage flow are tracked: from recirc_id(0) along recirc() to every ct(zone=N).
//
// The zone is never matched at the entry; it stands in the actions, of the entry flow itself or of the flows it
// recirculates to. A flow of a later stage is on the way when it takes the same input port, Ethernet type and protocol;
// addresses and ports are not compared, as set() and nat() may have changed them in between. At most 16 recirculations
// are followed.
//
// Thousands of flows of a stage have the same route (they differ in addresses and ports), so ways are searched for once
// per route, and only after a dump that had a route the one before had not, or lacked one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ovs-plugin/datapath/megaflow.h"

namespace ofe::datapath {

using RouteNumber = std::uint32_t;
using PortNumber = std::uint32_t;  // of in_port's name, by order of appearance, from 1; 0: not printed, or not known
using ZoneSet = std::uint32_t;     // number of a set of zones; the same set keeps its number. 0: no zone

class Routes {
 public:
  Routes();
  ~Routes();
  void begin_dump();
  // For every flow of every stage. Its number holds as long as each dump has a flow of the route; nullopt: there are
  // 65,536 already.
  std::optional<RouteNumber> add(const Megaflow& flow);
  // After a dump's last flow, before the next begins: drops the routes it had no flow of and searches the ways anew if
  // need be, `budget` routes or so a call. True while there is more.
  bool settle(std::size_t budget = SIZE_MAX);

  // Of an entry-stage flow's route, after settle().
  ZoneSet zones_of(RouteNumber route) const;
  std::span<const std::uint16_t> zones(ZoneSet set) const;  // in ascending order
  std::size_t zone_sets() const;                            // numbers given so far
  PortNumber in_port_of(RouteNumber route) const;
  PortNumber port_number(std::string_view name) const;  // 0: no flow came in there
  std::size_t ports() const;                            // numbers given so far
  std::size_t size() const;
  std::uint64_t searches() const;  // how often ways were searched anew

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ofe::datapath
