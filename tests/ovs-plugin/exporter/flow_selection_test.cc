#include "ovs-plugin/exporter/flow_selection.h"

#include <gtest/gtest.h>

namespace ofe {
namespace {

flowstore::Flow to_port(std::uint16_t port) {
  flowstore::Flow flow;
  flow.original.destination_port = flow.reply.source_port = port;
  return flow;
}

FlowFilter limited_to(std::size_t limit) {
  FlowFilter filter;
  filter.limit = limit;
  return filter;
}

TEST(FlowSelection, TakesUpToTheLimitAndCountsTheRest) {
  FlowSelection selection(limited_to(2));
  EXPECT_TRUE(selection.take(to_port(1), {}));
  EXPECT_EQ(selection.left_out_text(), "");
  EXPECT_FALSE(selection.over());
  EXPECT_TRUE(selection.take(to_port(2), {}));
  EXPECT_TRUE(selection.over());
  EXPECT_FALSE(selection.take(to_port(3), {}));
  selection.leave_out(10);
  EXPECT_EQ(selection.listed(), 2u);
  EXPECT_EQ(selection.left_out(), 11u);
  EXPECT_EQ(selection.left_out_text(), "11 more match; limit=2 was reached\n");
}

TEST(FlowSelection, WhatDoesNotMatchIsNeitherListedNorLeftOut) {
  FlowFilter filter = limited_to(1);
  filter.destination_port = 80;
  FlowSelection selection(filter);
  EXPECT_FALSE(selection.take(to_port(81), {}));
  EXPECT_TRUE(selection.take(to_port(80), {}));
  EXPECT_FALSE(selection.take(to_port(81), {}));
  EXPECT_EQ(selection.left_out(), 0u);
  EXPECT_FALSE(selection.over()) << "what is to come has to be looked at, to know how many match";
}

}  // namespace
}  // namespace ofe
