// What real flows look like is seen in the kernel-datapath VM (tests/vm).
#include "ovs-plugin/datapath/kernel_flows.h"

#include <gtest/gtest.h>

#include "ovs-plugin/netlink/generic_family.h"

namespace ofe::datapath {
namespace {

TEST(KernelFlows, WithoutTheModuleOrTheDatapathTheReasonIsSaid) {
  KernelFlows flows("no-such-datapath");
  flows.start();
  KernelFlows::Progress progress;
  do {
    progress = flows.step(100, 0, [](const Megaflow&) {});
  } while (progress == KernelFlows::Progress::more || progress == KernelFlows::Progress::waiting);
  EXPECT_EQ(progress, KernelFlows::Progress::failed);
  std::string none;
  const bool module_loaded = netlink::generic_family("ovs_datapath", none) != 0;
  EXPECT_EQ(flows.stats().last_error,
            module_loaded ? "the kernel has no datapath no-such-datapath"
                          : "cannot find the netlink family ovs_datapath: the kernel has none (is its module loaded?)");
  EXPECT_EQ(flows.stats().dumps_failed, 1u);
}

TEST(GenericFamily, TheControllersOwnIsFound) {
  std::string error;
  EXPECT_EQ(netlink::generic_family("nlctrl", error), 0x10) << error;
}

}  // namespace
}  // namespace ofe::datapath
