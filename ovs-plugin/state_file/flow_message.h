// One flow's baseline as a message of the state file, and back.
#pragma once

#include "flowstore/store.h"
#include "ovs-plugin/state_file/state_file.pb.h"

namespace ofe::state_file {

// names: the flow's names in the file's own numbering; 0: none.
void to_message(const flowstore::Baseline& baseline, std::uint32_t names, v1::Flow& message);
// False: a value is out of its range. The name handle stays 0.
bool from_message(const v1::Flow& message, flowstore::Baseline& baseline);
void to_message(const flowstore::Births& births, v1::Births& message);
bool from_message(const v1::Births& message, flowstore::Births& births);

}  // namespace ofe::state_file
