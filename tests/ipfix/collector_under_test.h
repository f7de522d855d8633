// A collecting process that remembers what it delivered and found.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ipfix/collecting_process.h"
#include "ipfix/record_json.h"
#include "tests/ipfix/message_builder.h"

namespace ipfix_test {

struct CollectorUnderTest {
  explicit CollectorUnderTest(ipfix::CollectingLimits limits = {},
                              const ipfix::Registry& registry = ipfix::Registry::builtin())
      : process(registry, limits,
                {.record =
                     [this](const ipfix::DataRecord& record) {
                       std::string line;
                       ipfix::append_record_json(line, record, options);
                       records.push_back(std::move(line));
                     },
                 .finding =
                     [this](const ipfix::FindingReport& report) {
                       findings.push_back(report.finding);
                       last_report = report;
                       last_report.exporter = {};
                     }}) {}

  ipfix::Finding datagram(const MessageBuilder& message, std::int64_t now_ms = 0,
                          const std::string& peer = "exporter") {
    return process.receive_datagram(peer, message.build(), now_ms);
  }
  // On one stream (or file) that is opened with the first message.
  bool stream(const MessageBuilder& message, ipfix::SessionKind kind = ipfix::SessionKind::stream) {
    if (session == 0) session = process.open(kind, "exporter").value();
    return process.receive(session, message.build(), 0);
  }
  std::uint64_t count(ipfix::Finding finding) const {
    return process.stats().findings[static_cast<std::size_t>(finding)];
  }

  ipfix::RecordJsonOptions options;
  std::vector<std::string> records;  // as JSON
  std::vector<ipfix::Finding> findings;
  ipfix::FindingReport last_report;
  ipfix::CollectingProcess::SessionId session = 0;
  ipfix::CollectingProcess process;
};

}  // namespace ipfix_test
