// Flows to encode, and the two ways of making IPFIX Messages of them: ours and libfixbuf's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/record/name_pool.h"

namespace bench {

inline constexpr std::uint32_t observation_domain = 17;
inline constexpr std::uint32_t export_time_s = 1'700'000'060;

struct Flows {
  std::vector<flowstore::Flow> flows;
  ofe::record::NamePool names;
};
// Connections as Antrea Nodes have them, with all names, in as many sets as `name_sets`; a record has 271 octets.
std::unique_ptr<Flows> make_flows(std::size_t flows, unsigned name_sets);

class EncodeWay {
 public:
  // Gets each complete message of at most 65,535 octets.
  using Sink = std::function<void(std::span<const std::uint8_t> message)>;

  virtual ~EncodeWay() = default;
  // The template, before any record.
  virtual void describe(const Sink& sink) = 0;
  // A record of every flow of `order`, in complete messages.
  virtual void encode(std::span<const std::uint32_t> order, const Sink& sink) = 0;
};
// `flows` outlives them.
std::unique_ptr<EncodeWay> encode_ours(const Flows& flows);
std::unique_ptr<EncodeWay> encode_fixbuf(const Flows& flows);

}  // namespace bench
