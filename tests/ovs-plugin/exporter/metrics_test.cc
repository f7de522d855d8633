#include "ovs-plugin/exporter/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/check_names.h>
#include <prometheus/text_serializer.h>

namespace ofe {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const Json& status) {
  return prometheus::TextSerializer().Serialize(metrics_of(status));
}

TEST(Metrics, ACounterIsNamedByItsPath) {
  EXPECT_EQ(text_of({{"store", {{"refusedFull", 18'446'744'073}}}}),
            "# HELP ovs_flow_exporter_store_refused_full_total store.refusedFull of exporter/status\n"
            "# TYPE ovs_flow_exporter_store_refused_full_total counter\n"
            "ovs_flow_exporter_store_refused_full_total 18446744073\n");
  EXPECT_THAT(text_of({{"conntrack", {{"kernel", {{"entriesOfOtherZones", 3}}}}}}),
              HasSubstr("\novs_flow_exporter_conntrack_kernel_entries_of_other_zones_total 3\n"));
}

TEST(Metrics, UnitsAreBytesAndSeconds) {
  const std::string text =
      text_of({{"conntrack", {{"lastPollMs", 1250}, {"userspace", {{"vswitchd", {{"answerOctets", 5}}}}}}},
               {"ipfix", {{"exportLagMs", 0}, {"collector", {{"octetsSent", 7}, {"queueLimitOctets", 8}}}}}});
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_conntrack_last_poll_seconds 1.25\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE ovs_flow_exporter_conntrack_last_poll_seconds gauge\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_conntrack_userspace_vswitchd_answer_bytes_total 5\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_ipfix_export_lag_seconds 0\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_ipfix_collector_sent_bytes_total 7\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_ipfix_collector_queue_limit_bytes 8\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE ovs_flow_exporter_ipfix_collector_queue_limit_bytes gauge\n"));
}

TEST(Metrics, WhatThereIsNowAndFlagsAreGauges) {
  const std::string text = text_of({{"store", {{"flows", 12}, {"limit", 1000}}},
                                    {"metadata", {{"connected", true}, {"synced", false}, {"nodes", 2}}}});
  EXPECT_THAT(text, HasSubstr("# TYPE ovs_flow_exporter_store_flows gauge\novs_flow_exporter_store_flows 12\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE ovs_flow_exporter_store_limit gauge\novs_flow_exporter_store_limit 1000\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE ovs_flow_exporter_metadata_connected gauge\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_metadata_connected 1\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_metadata_synced 0\n"));
  EXPECT_THAT(text, HasSubstr("\novs_flow_exporter_metadata_nodes 2\n"));
}

TEST(Metrics, TheProcessHasTheStandardNames) {
  const std::string text = text_of(
      {{"process", {{"pid", 4711}, {"cpuUserSeconds", 1.5}, {"cpuSystemSeconds", 0.25}, {"residentOctets", 1 << 20}}}});
  EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.75\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 1048576\n"));
  EXPECT_THAT(text, Not(HasSubstr("ovs_flow_exporter")));
}

TEST(Metrics, TextsListsAndNumbersThatMeasureNothingAreLeftOut) {
  EXPECT_EQ(text_of({{"node", "node-a"},
                     {"conntrack", {{"zones", {65520, 0}}, {"lastError", ""}}},
                     {"exactAccounting", {{"port", 2055}}},
                     {"ipfix", {{"observationDomainId", 99}, {"collector", {{"nextSequence", 1}}}}}}),
            "");
  EXPECT_EQ(text_of({{"ipfix", {{"collector", "none"}}}}), "");
}

TEST(Metrics, NamesAreValid) {
  for (const auto& metric : metrics_of({{"a", {{"bCD", 1}, {"eMs", 2}, {"octets", 3}, {"zone0", true}}}})) {
    EXPECT_TRUE(prometheus::CheckMetricName(metric.name)) << metric.name;
  }
}

}  // namespace
}  // namespace ofe
