// Commands under way that walk over the whole store.
#pragma once

#include <memory>
#include <vector>

#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/part.h"

namespace ofe {

class ListingPart : public Part {
 public:
  void add(ofe_ovs_request* request, std::unique_ptr<Listing> listing);
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;
  // Before the server closes: who still waits is told so.
  void give_up();

 private:
  struct Waiting {
    ofe_ovs_request* request = nullptr;
    std::unique_ptr<Listing> listing;
  };
  std::vector<Waiting> waiting_;
  std::size_t turn_ = 0;
};

}  // namespace ofe
