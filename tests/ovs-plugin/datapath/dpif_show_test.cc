#include "ovs-plugin/datapath/dpif_show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ovs-plugin/lines_of_file.h"

namespace ofe::datapath {
namespace {

using testing::ElementsAre;

DpifShow read(const std::vector<std::string>& lines) {
  DpifShow show;
  for (const std::string& line : lines) show.add_line(line);
  return show;
}

TEST(DpifShowTest, WhatOpenVswitchPrinted) {
  const DpifShow show = read(lines_of_file(OFE_TEST_DATA "/ovs-3.1-kernel-dpif-show.txt"));
  EXPECT_THAT(show.ports(), ElementsAre(DpifPort{"br-int", "br-int", 65534, 1}, DpifPort{"br-int", "v1", 1, 2},
                                        DpifPort{"br-int", "v2", 2, 3}, DpifPort{"br-int", "v3", 3, 4}));
  EXPECT_EQ(show.unreadable(), 0u);
}

TEST(DpifShowTest, TunnelsPatchPortsAndSeveralBridges) {
  const DpifShow show =
      read({"netdev@ovs-netdev: hit:9 missed:7", "  br-ext:", "    eth1 1/5: (system)",
            "    patch-int 2/none: (patch: peer=patch-ext)",
            "  br-int:", "    antrea-tun0 1/4: (vxlan: key=flow, remote_ip=flow)", "    a/b 7/9: (system)"});
  EXPECT_THAT(show.ports(), ElementsAre(DpifPort{"br-ext", "eth1", 1, 5}, DpifPort{"br-int", "antrea-tun0", 1, 4},
                                        DpifPort{"br-int", "a/b", 7, 9}));
  EXPECT_EQ(show.unreadable(), 0u);
}

TEST(DpifShowTest, WhatCannotBeReadIsCounted) {
  const DpifShow show = read({"  br-int:", "    v1", "    v1 1", "    v1 x/2: (system)", "    v1 1/y: (system)",
                              "    v1 1/2", "    v1 1/99999999999: (system)", "", "    ", "    v2 1/2: (system)"});
  EXPECT_THAT(show.ports(), ElementsAre(DpifPort{"br-int", "v2", 1, 2}));
  EXPECT_EQ(show.unreadable(), 6u);
}

}  // namespace
}  // namespace ofe::datapath
