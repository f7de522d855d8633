// Metadata messages → the directory's own values. No state.
//
// A part that makes no sense (an address of neither 4 nor 16 octets, a prefix longer than its address, a port or
// protocol out of range) is left out and the rest of the object is used; an object without a name is not usable.
#pragma once

#include "k8s-bridge/directory/directory.h"

namespace ofe::k8s {

enum class Validity : std::uint8_t { whole, parts_left_out, unusable };

struct DecodedPod {
  Pod pod;
  std::int64_t deleted_wall_ms = 0;  // when it is expected to be gone; 0: not being deleted
};

Validity decode(const metadata::v1::Pod& message, DecodedPod& out);
Validity decode(const metadata::v1::Service& message, Service& out);
Validity decode(const metadata::v1::Node& message, Node& out);

}  // namespace ofe::k8s
