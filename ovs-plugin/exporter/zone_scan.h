// One scan of conntrack zones, whichever datapath tracks them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "flowstore/flow.h"

namespace ofe {

class ZoneScan {
 public:
  virtual ~ZoneScan() = default;
  // What must be read before the zones of one poll; finished when step() says complete.
  virtual bool prepare(flowstore::Now now) = 0;
  // How many of so many zones are best read by one scan.
  virtual std::size_t zones_at_once(std::size_t zones) const = 0;
  // False: could not begin, error() says why.
  virtual bool start(std::span<const std::uint16_t> zones, flowstore::Now now) = 0;
  // refused: this zone (or what prepare() began) cannot be read, the next one may be; failed: the source is out of
  // order.
  enum class Progress : std::uint8_t { more, waiting, complete, refused, failed };
  virtual Progress step(flowstore::Now now) = 0;
  virtual void wait() const = 0;
  virtual void abandon() = 0;
  virtual std::string error() const = 0;
};

}  // namespace ofe
