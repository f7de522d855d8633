// In whose vocabulary records speak: the enterprise that Antrea's elements are numbered under, and with it which of
// them a record has and in which order.
#pragma once

#include <cstdint>

namespace ofe::record {

enum class Profile : std::uint32_t {
  antrea_55829 = 55829,  // up to Antrea v0.10
  antrea_56506 = 56506,  // since
};

}  // namespace ofe::record
