// Reads the contents of a state file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "flowstore/store.h"
#include "ipfix/template.h"
#include "ovs-plugin/record/names.h"
#include "ovs-plugin/state_file/block_format.h"
#include "ovs-plugin/state_file/origin.h"

namespace ofe::state_file {

struct Check {
  std::string problem;  // "": the file is whole and undamaged
  Origin origin;
  std::uint64_t flows = 0, records = 0;
};
// Looks at every octet, at what is in the flows not yet.
Check check(Octets file);

// Who takes the contents over, in the order in which they stand.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void take_template(const ipfix::Template& definition) = 0;
  // collector: whose it is; "": everybody's.
  virtual void take_record(std::string_view collector, std::uint16_t template_id, Octets record) = 0;
  // names_number is that of the names in the file, the same for all flows that share them; 0: the flow has none.
  virtual void take_flow(const flowstore::Baseline& baseline, std::uint32_t names_number,
                         const record::Names& names) = 0;
  virtual void take_births(const flowstore::Births& births) = 0;
};
// Of a file that passed the check. "", or what a message says that cannot be: everything before it was handed over, and
// nothing after it.
std::string read(Octets file, Receiver& receiver);

}  // namespace ofe::state_file
