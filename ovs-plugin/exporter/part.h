// One station of the exporter's loop.
#pragma once

#include "flowstore/flow.h"

namespace ofe {

// All parts run on one thread: run() of each in the order of the data flow, then wait() of each registers what it waits
// for with OVS's poll loop, then the loop blocks. run() does a bounded amount of work (about 20 ms at the most) and
// asks to be woken at once when there is more.
class Part {
 public:
  virtual ~Part() = default;
  virtual void run(flowstore::Now now) = 0;
  virtual void wait(flowstore::Now now) = 0;
};

}  // namespace ofe
