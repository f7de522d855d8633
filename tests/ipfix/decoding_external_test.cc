// Messages by other exporters, against the decode that others published, and the worked examples of the RFCs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <bit>
#include <charconv>
#include <set>

#include "ipfix/json_text.h"
#include "ipfix/octet_reader.h"
#include "tests/ipfix/collector_under_test.h"
#include "tests/ipfix/shared_data.h"

namespace {

using ipfix::Finding;
using ipfix_test::CollectorUnderTest;
using ipfix_test::read_file;
using ipfix_test::shared_data;
using testing::ElementsAre;
using testing::IsEmpty;

class RfcExamples : public ipfix_test::SharedDataTest {
 protected:
  std::vector<std::string> decode(const std::string& name) {
    CollectorUnderTest collector;
    EXPECT_EQ(collector.process.receive_datagram("rfc", read_file(shared_data("corpus/rfc/" + name)), 0),
              Finding::none);
    EXPECT_THAT(collector.findings, IsEmpty());
    return collector.records;
  }
};

TEST_F(RfcExamples, Rfc7011AppendixA2And4) {
  EXPECT_THAT(decode("rfc7011_A_full_152.bin"),
              ElementsAre(R"({"sourceIPv4Address":"192.0.2.12","destinationIPv4Address":"192.0.2.254",)"
                          R"("ipNextHopIPv4Address":"192.0.2.1","packetDeltaCount":5009,"octetDeltaCount":5344385})",
                          R"({"sourceIPv4Address":"192.0.2.27","destinationIPv4Address":"192.0.2.23",)"
                          R"("ipNextHopIPv4Address":"192.0.2.2","packetDeltaCount":748,"octetDeltaCount":388934})",
                          R"({"sourceIPv4Address":"192.0.2.56","destinationIPv4Address":"192.0.2.65",)"
                          R"("ipNextHopIPv4Address":"192.0.2.3","packetDeltaCount":5,"octetDeltaCount":6534})",
                          R"({"lineCardId":1,"exportedMessageTotalCount":345,"exportedFlowRecordTotalCount":10201})",
                          R"({"lineCardId":2,"exportedMessageTotalCount":690,"exportedFlowRecordTotalCount":20402})"));
}

TEST_F(RfcExamples, Rfc7011AppendixA22And42Templates) {
  EXPECT_THAT(decode("rfc7011_A22_enterprise_tpl.bin"), IsEmpty());
  EXPECT_THAT(decode("rfc7011_A42_enterprise_opt.bin"), IsEmpty());
}

TEST_F(RfcExamples, Rfc7011AppendixA43And44EnterpriseScope) {
  // The RFC's example enterprise 56506 became Antrea's.
  EXPECT_THAT(decode("rfc7011_A43_44_enterprise_scope.bin"),
              ElementsAre(R"({"octetDeltaCountFromSourceNode":1,"exportedMessageTotalCount":345,)"
                          R"("exportedFlowRecordTotalCount":10201})",
                          R"({"octetDeltaCountFromSourceNode":2,"exportedMessageTotalCount":690,)"
                          R"("exportedFlowRecordTotalCount":20402})"));
}

TEST_F(RfcExamples, Rfc7011AppendixA5VariableLength) {
  EXPECT_THAT(decode("rfc7011_A5_varlen.bin"),
              ElementsAre(R"({"interfaceName":"eth01"})", R"({"interfaceName":")" + std::string(1000, 'x') + "\"}"));
}

TEST_F(RfcExamples, Rfc5103AppendixABiflow) {
  EXPECT_THAT(
      decode("rfc5103_A_biflow.bin"),
      ElementsAre(R"({"flowStartSeconds":"2006-02-01T17:00:00Z","reverseFlowStartSeconds":"2006-02-01T17:00:01Z",)"
                  R"("sourceIPv4Address":"192.0.2.2","destinationIPv4Address":"192.0.2.3",)"
                  R"("sourceTransportPort":32770,"destinationTransportPort":80,"protocolIdentifier":6,)"
                  R"("octetTotalCount":18000,"reverseOctetTotalCount":128000,)"
                  R"("packetTotalCount":65,"reversePacketTotalCount":110})"));
  EXPECT_THAT(decode("rfc5103_A_biflowDirection_option.bin"),
              ElementsAre(R"({"observationDomainId":33,"biflowDirection":3})"));
}

// --- the codec fixtures of Logstash ---

std::vector<std::uint8_t> octets_of_hex(std::string_view hex) {
  std::vector<std::uint8_t> octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    std::uint8_t octet = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, octet, 16);
    octets.push_back(octet);
  }
  return octets;
}

// Their times always have milliseconds, or a mark of theirs where microseconds should be.
std::string comparable_time(std::string_view time) {
  const bool is_time = time.size() >= 20 && time[10] == 'T' && time.back() == 'Z';
  if (!is_time) return std::string(time);
  std::string comparable(time.substr(0, 19));
  if (time.size() == 24 && time.substr(20, 3) != "000") comparable += time.substr(19, 4);
  return comparable;
}

// An element whose definition is its vendor's: ours are its octets.
bool same_octets(simdjson::dom::element theirs, std::string_view hex) {
  const auto octets = octets_of_hex(hex);
  if (theirs.is_string()) {
    std::string text(octets.begin(), octets.end());
    while (!text.empty() && text.back() == '\0') text.pop_back();
    std::string address;
    for (const std::uint8_t octet : octets) address += (address.empty() ? "" : ".") + std::to_string(octet);
    const std::string_view expected = theirs.get_string();
    return expected == text || expected == address || expected == hex;
  }
  if (octets.size() > 8) return false;
  const std::uint64_t number = ipfix::big_endian(octets);
  if (theirs.is_uint64()) return theirs.get_uint64().value() == number;
  if (!theirs.is_double() || octets.size() != 4) return false;
  return static_cast<float>(theirs.get_double().value()) == std::bit_cast<float>(static_cast<std::uint32_t>(number));
}

bool same_value(simdjson::dom::element theirs, simdjson::dom::element ours) {
  if (ours.is_string()) {
    const std::string_view text = ours.get_string();
    if (theirs.is_string()) return comparable_time(theirs.get_string().value()) == comparable_time(text);
    if (!theirs.is_uint64()) return false;
    std::string time;
    const std::uint64_t milliseconds = theirs.get_uint64();
    ipfix::append_json_instant(time,
                               {milliseconds / 1000, static_cast<std::uint32_t>(milliseconds % 1000) * 1'000'000, 3});
    return time == "\"" + std::string(text) + "\"";
  }
  return theirs.is_uint64() && ours.is_uint64() && theirs.get_uint64().value() == ours.get_uint64().value();
}

// "" or the first key that differs.
std::string difference(simdjson::dom::object golden, simdjson::dom::object record) {
  for (const auto [key, theirs] : golden) {
    if (key == "version") continue;
    auto ours = record[key];
    if (ours.error() == simdjson::SUCCESS) {
      if (!same_value(theirs, ours.value())) return std::string(key);
      continue;
    }
    bool found = false;
    for (const auto [name, value] : record) {
      if (!name.starts_with("enterprise") || name.starts_with("enterprise0_") || !value.is_string()) continue;
      found = found || same_octets(theirs, value.get_string().value());
    }
    if (!found) return std::string(key);
  }
  return {};
}

class LogstashFixtures : public ipfix_test::SharedDataTest {
 protected:
  static std::filesystem::path folder() { return shared_data("corpus/logstash"); }

  void compare(const std::filesystem::path& golden_file) {
    SCOPED_TRACE(golden_file.filename());
    simdjson::dom::parser parser;
    const simdjson::dom::object golden = parser.load(golden_file.string());
    CollectorUnderTest collector;
    const simdjson::dom::array files = golden["feed_in_order"];
    bool is_stream = false;
    for (const auto file : files) {
      const auto octets = read_file(folder() / "dat" / std::string(file.get_string().value()));
      // The one that holds several messages, of which Logstash decodes the first.
      is_stream = std::string_view(file) == "ipfix.dat";
      if (is_stream) {
        const auto session = collector.process.open(ipfix::SessionKind::file, "fixture").value();
        EXPECT_TRUE(collector.process.receive(session, octets, 0));
      } else {
        EXPECT_EQ(collector.process.receive_datagram("fixture", octets, 0), Finding::none);
      }
    }
    std::string expected_count;
    for (const auto count : golden["expected_event_count_asserts"].get_array()) expected_count = std::string(count);
    EXPECT_EQ(std::to_string(collector.records.size()), is_stream ? "13" : expected_count);
    for (const auto event : golden["golden_events"].get_array()) {
      simdjson::dom::object expected;
      if (event["netflow"].get(expected) == simdjson::SUCCESS) expect_record(collector.records, expected);
    }
  }

  static void expect_record(const std::vector<std::string>& records, simdjson::dom::object expected) {
    simdjson::dom::parser parser;
    std::string differences;
    for (const std::string& line : records) {
      const simdjson::dom::object record = parser.parse(line);
      const std::string key = difference(expected, record);
      if (key.empty()) return;
      differences += key + " ";
    }
    ADD_FAILURE() << "no record is " << simdjson::to_string(expected) << ", which differ by " << differences;
  }
};

TEST_F(LogstashFixtures, DecodeToTheGoldenEvents) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "golden")) {
    compare(entry.path());
    ++files;
  }
  EXPECT_EQ(files, 15U);
}

// Every file is in a decode that others published, or NetFlow v9; of one nobody published a decode.
TEST_F(LogstashFixtures, EveryFileIsCompared) {
  std::set<std::string> compared{"ipfix_test_ixia_tpldata271.dat"};
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "golden")) {
    simdjson::dom::parser parser;
    const simdjson::dom::array files = parser.load(entry.path().string())["feed_in_order"];
    for (const auto file : files) compared.insert(std::string(file.get_string().value()));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "dat")) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name.starts_with("netflow9") || compared.contains(name)) << name;
  }
}

// Those of the RFCs stand by name in the tests above.
TEST_F(RfcExamples, AreSeven) {
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(shared_data("corpus/rfc"))) ++files;
  EXPECT_EQ(files, 7U);
}

TEST_F(LogstashFixtures, NetflowV9IsMalformed) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "dat")) {
    if (!entry.path().filename().string().starts_with("netflow9")) continue;
    ++files;
    CollectorUnderTest collector;
    EXPECT_EQ(collector.process.receive_datagram("fixture", read_file(entry.path()), 0), Finding::wrong_version);
  }
  EXPECT_EQ(files, 4U);
}

TEST_F(LogstashFixtures, EveryIpfixFileIsWellFormed) {
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "dat")) {
    if (!entry.path().filename().string().starts_with("ipfix")) continue;
    CollectorUnderTest collector;
    const auto session = collector.process.open(ipfix::SessionKind::file, "fixture").value();
    EXPECT_TRUE(collector.process.receive(session, read_file(entry.path()), 0)) << entry.path();
    EXPECT_EQ(collector.process.stats().malformed_messages, 0U) << entry.path();
  }
}

}  // namespace
