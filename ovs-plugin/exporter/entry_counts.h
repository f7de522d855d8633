// How much a dump would list, from ovs-vswitchd's answers to questions that cost it next to nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ofe {

// dpctl/ct-get-nconns: connections of all zones, "100000". A counter of the datapath: 0.3 ms however many there are.
std::optional<std::uint64_t> connections_in(std::string_view answer);

// dpctl/ct-stats-show zone=N: "Connections Stats:\n    Total: 100000\n  UDP: …". Walks all connections and prints none,
// at a tenth of what the dump costs (24 ms against 240 ms for 100,000).
std::optional<std::uint64_t> zone_connections_in(std::string_view answer);

// upcall/show: "netdev@ovs-netdev:\n  flows         : (current 16) (avg 15) …", of the named datapath.
std::optional<std::uint64_t> megaflows_in(std::string_view answer, std::string_view datapath);

}  // namespace ofe
