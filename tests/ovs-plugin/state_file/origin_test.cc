#include "ovs-plugin/state_file/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ofe::state_file {
namespace {

using ::testing::HasSubstr;

TEST(StateFileOrigin, ThisProcessHasOne) {
  std::string problem;
  const auto here = origin_here(17, problem);
  ASSERT_TRUE(here) << problem;
  EXPECT_EQ(here->boot_id.size(), 36u);
  EXPECT_NE(here->network_namespace, 0u);
  EXPECT_EQ(here->written_wall_ms, 17);
  EXPECT_NE(here->program_version, "");
  EXPECT_EQ(foreignness(*here, *origin_here(18, problem)), "") << "later is no other place";
}

TEST(StateFileOrigin, AnotherBootAndAnotherNamespaceAreForeign) {
  const Origin here{"boot-2", 7, 0, ""};
  EXPECT_THAT(foreignness({"boot-1", 7, 0, ""}, here), HasSubstr("reboot"));
  EXPECT_THAT(foreignness({"boot-2", 8, 0, ""}, here), HasSubstr("network namespace"));
  EXPECT_EQ(foreignness({"boot-2", 7, 5, "0.9"}, here), "");
}

TEST(StateFileOrigin, WhatCannotBeReadIsNamed) {
  const ofe::watcher::TemporaryFolder proc;
  std::string problem;
  EXPECT_FALSE(origin_here(0, problem, proc.path("")));
  EXPECT_THAT(problem, HasSubstr("sys/kernel/random/boot_id"));
  std::filesystem::create_directories(proc.path("sys/kernel/random"));
  proc.write("sys/kernel/random/boot_id", "id\n");
  EXPECT_FALSE(origin_here(0, problem, proc.path("")));
  EXPECT_THAT(problem, HasSubstr("self/ns/net"));
}

}  // namespace
}  // namespace ofe::state_file
