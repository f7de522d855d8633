#include "ovs-plugin/conntrack/dump_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mutations.h"
#include "tests/ovs-plugin/lines_of_file.h"

namespace ofe::conntrack {
namespace {

using flowstore::Observation;
using flowstore::parse_address;
using flowstore::Statistics;
using flowstore::TcpState;
using testing::HasSubstr;

Observation read(std::string_view line) {
  Observation seen;
  std::string error;
  EXPECT_TRUE(parse_conntrack_line(line, seen, error)) << line << "\n" << error;
  return seen;
}

std::string problem_of(std::string_view line) {
  Observation seen;
  std::string error;
  EXPECT_FALSE(parse_conntrack_line(line, seen, error)) << line;
  return error;
}

TEST(ConntrackLine, UserspaceTcp) {
  const Observation seen = read(
      "tcp,orig=(src=10.10.0.1,dst=10.96.0.10,sport=49448,dport=80),reply=(src=10.10.0.2,dst=10.10.0.1,sport=5201,"
      "dport=49448),id=0,zone=65520,status=0,timeout=86399,mark=16,labels=0x900000007,protoinfo=(state_orig="
      "ESTABLISHED,"
      "state_reply=ESTABLISHED,wscale_orig=10,wscale_reply=10,flags_orig=WINDOW_SCALE,flags_reply=WINDOW_SCALE)");
  EXPECT_EQ(seen.original.source, parse_address("10.10.0.1"));
  EXPECT_EQ(seen.original.destination, parse_address("10.96.0.10"));
  EXPECT_EQ(seen.original.source_port, 49448);
  EXPECT_EQ(seen.original.destination_port, 80);
  EXPECT_EQ(seen.original.protocol, 6);
  EXPECT_EQ(seen.reply.source, parse_address("10.10.0.2"));
  EXPECT_EQ(seen.reply.destination, parse_address("10.10.0.1"));
  EXPECT_EQ(seen.reply.source_port, 5201);
  EXPECT_EQ(seen.reply.destination_port, 49448);
  EXPECT_EQ(seen.reply.protocol, 6);
  EXPECT_EQ(seen.zone, 65520);
  EXPECT_EQ(seen.id, 0u);
  EXPECT_EQ(seen.status, 0u);
  EXPECT_EQ(seen.timeout_s, 86399u);
  EXPECT_EQ(seen.mark, 16u);
  EXPECT_EQ(seen.labels, (std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7}));
  EXPECT_EQ(seen.tcp_state, TcpState::established);
  EXPECT_EQ(seen.statistics, Statistics::none);
  EXPECT_EQ(seen.start_wall_ms, 0);
}

TEST(ConntrackLine, KernelUdpWithCountersAndStart) {
  const Observation seen = read(
      "udp,orig=(src=10.10.0.1,dst=10.10.0.2,sport=54196,dport=5203,packets=2930,bytes=4323236),reply=(src=10.10.0.2,"
      "dst=10.10.0.1,sport=5203,dport=54196,packets=1,bytes=32),start=2026-11-22T08:55:03.300,id=1511037558,zone=65520,"
      "status=SEEN_REPLY|ASSURED|CONFIRMED,timeout=120,mark=1,labels=0x55");
  EXPECT_EQ(seen.counters, (flowstore::Counters{2930, 4323236, 1, 32}));
  EXPECT_EQ(seen.statistics, Statistics::exact);
  EXPECT_EQ(seen.start_wall_ms, 1795337703300);  // date -u -d 2026-11-22T08:55:03.3 +%s%3N
  EXPECT_EQ(seen.stop_wall_ms, 0);
  EXPECT_EQ(seen.id, 1511037558u);
  EXPECT_EQ(seen.status, 14u);
  EXPECT_EQ(seen.tcp_state, TcpState::none);
}

TEST(ConntrackLine, IcmpHoldsIdentifierTypeAndCodeInThePorts) {
  const Observation v4 = read(
      "icmp,orig=(src=10.10.0.1,dst=10.10.0.3,id=266,type=8,code=0),reply=(src=10.10.0.3,dst=10.10.0.1,id=266,type=0,"
      "code=0),id=0,zone=65520,status=0,timeout=29");
  EXPECT_EQ(v4.original.protocol, 1);
  EXPECT_EQ(v4.original.source_port, 266);
  EXPECT_EQ(v4.original.destination_port, 8 * 256);
  EXPECT_EQ(v4.reply.source_port, 266);
  EXPECT_EQ(v4.reply.destination_port, 0);
  const Observation v6 = read(
      "icmpv6,orig=(src=fd00:10::1,dst=fd00:10::3,id=267,type=128,code=3,packets=35,bytes=3640),reply=(src=fd00:10::3,"
      "dst=fd00:10::1,id=267,type=129,code=3,packets=35,bytes=3640),id=4279557535,zone=65510,status=SEEN_REPLY");
  EXPECT_EQ(v6.original.protocol, 58);
  EXPECT_EQ(v6.original.source, parse_address("fd00:10::1"));
  EXPECT_EQ(v6.original.destination_port, 128 * 256 + 3);
  EXPECT_EQ(v6.reply.destination_port, 129 * 256 + 3);
}

// ct_dpif_format_counters prints nothing for a direction without packets.
TEST(ConntrackLine, AConnectionNotYetAnsweredIsCountedExactly) {
  const Observation seen = read(
      "udp,orig=(src=10.10.0.1,dst=10.10.0.2,sport=1,dport=2,packets=3,bytes=84),reply=(src=10.10.0.2,dst=10.10.0.1,"
      "sport=2,dport=1),id=7,status=CONFIRMED,timeout=29");
  EXPECT_EQ(seen.statistics, Statistics::exact);
  EXPECT_EQ(seen.counters, (flowstore::Counters{3, 84, 0, 0}));
  EXPECT_EQ(seen.zone, 0);
}

TEST(ConntrackLine, OtherProtocolsAndKeysOfOtherVersions) {
  const Observation sctp = read(
      "sctp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=54969,dport=12345),reply=(src=2.2.2.2,dst=1.1.1.1,sport=12345,"
      "dport=54969),id=1,status=0,timeout=9,protoinfo=(state=ESTABLISHED,vtag_orig=4073533286,vtag_reply=3184206893)");
  EXPECT_EQ(sctp.original.protocol, 132);
  EXPECT_EQ(sctp.tcp_state, TcpState::none);
  const Observation numbered = read(
      "47,orig=(src=1.1.1.1,dst=2.2.2.2,sport=0,dport=0,later=(a=(b=1),c=2)),reply=(src=2.2.2.2,dst=1.1.1.1,sport=0,"
      "dport=0),id=1,novel=(x=(y=z)),helper=ftp,parent=(src=1.1.1.1,dst=2.2.2.2,sport=3,dport=4),zone=5");
  EXPECT_EQ(numbered.original.protocol, 47);
  EXPECT_EQ(numbered.zone, 5);
  const Observation terse = read(
      "tcp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=1,dport=2),reply=(src=2.2.2.2,dst=1.1.1.1,sport=2,dport=1),"
      "protoinfo=(state=TIME_WAIT)");
  EXPECT_EQ(terse.tcp_state, TcpState::time_wait);
}

TEST(ConntrackLine, ErrorsSayColumnAndWhatWasExpected) {
  const std::string ends =
      "orig=(src=1.1.1.1,dst=2.2.2.2,sport=1,dport=2),reply=(src=2.2.2.2,dst=1.1.1.1,sport=2,dport=1)";
  EXPECT_EQ(problem_of(""), "column 1: expected a protocol, found the end of the line");
  EXPECT_EQ(problem_of("tcq,orig"), "column 1: expected a protocol, found \"tcq,orig\"");
  EXPECT_EQ(problem_of("tcp"), "column 4: expected ',', found the end of the line");
  EXPECT_EQ(problem_of("tcp,orig=(src=1.1.1,dst=2.2.2.2)"),
            "column 15: expected an IP address, found \"1.1.1,dst=2.2.2.2)\"");
  EXPECT_EQ(problem_of("tcp,orig=(dst=2.2.2.2),id=1"),
            "column 10: expected src= and dst= in here, found \"(dst=2.2.2.2),id=1\"");
  EXPECT_EQ(problem_of("tcp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=70000)"),
            "column 41: expected a number up to 65535, found \"70000)\"");
  EXPECT_EQ(problem_of("tcp," + ends + ",zone"), "column 104: expected '=' after a key, found the end of the line");
  EXPECT_EQ(problem_of("tcp," + ends + ",zone=1)"), "column 106: expected ',' or the end of the line, found \")\"");
  EXPECT_EQ(problem_of("tcp," + ends + ",,"), "column 100: expected a key, found \",\"");
  EXPECT_THAT(problem_of("tcp," + ends + ",status=,id=1"), HasSubstr("expected status names"));
  EXPECT_THAT(problem_of("tcp," + ends + ",labels=0x5g"), HasSubstr("expected a hexadecimal number"));
  EXPECT_THAT(problem_of("tcp," + ends + ",start=yesterday"), HasSubstr("expected a time such as"));
  EXPECT_THAT(problem_of("tcp," + ends + ",protoinfo=(state_orig=(a=1))"), HasSubstr("expected ',' or ')'"));
  EXPECT_THAT(problem_of("tcp," + ends + ",novel=(a=1"), HasSubstr("expected a ')' for this '('"));
  EXPECT_THAT(problem_of("tcp,reply=(src=1.1.1.1,dst=2.2.2.2)"), HasSubstr("expected orig=(…)"));
  EXPECT_THAT(problem_of("tcp,orig=(src=1.1.1.1,dst=2.2.2.2)"), HasSubstr("expected reply=(…)"));
}

TEST(DumpTextReader, RecordedDumpsAreReadCompletely) {
  for (const char* datapath : {"userspace", "kernel"}) {
    std::string text;
    const auto lines = lines_of_file(OFE_TEST_DATA "/ovs-3.1-" + std::string(datapath) + ".txt");
    for (const auto& line : lines) text += line + "\n";
    ASSERT_FALSE(lines.empty());
    DumpTextReader reader(text);
    DumpTextStats stats;
    std::size_t exact = 0, entries = 0;
    while (reader.step(3, stats, [&](const Observation& seen) {
      ++entries;
      exact += seen.statistics == Statistics::exact && seen.start_wall_ms != 0 && seen.id != 0;
      EXPECT_TRUE(seen.zone == 65520 || seen.zone == 65510);
    })) {
    }
    EXPECT_EQ(stats.lines, lines.size());
    EXPECT_EQ(entries, lines.size());
    EXPECT_EQ(stats.unreadable, 0u) << stats.last_unreadable;
    EXPECT_EQ(exact, datapath == std::string("kernel") ? lines.size() : 0);
  }
}

TEST(DumpTextReader, SlicesBlankLinesAndUnreadableOnes) {
  const std::string good =
      "udp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=1,dport=2),reply=(src=2.2.2.2,dst=1.1.1.1,sport=2,dport=1),id=1";
  const std::string text = "\n" + good + "\r\n\n   \n" + std::string(300, 'x') + "\n" + good;
  DumpTextReader reader(text);
  DumpTextStats stats;
  int entries = 0;
  const auto count = [&](const Observation&) { ++entries; };
  EXPECT_TRUE(reader.step(1, stats, count));
  EXPECT_EQ(entries, 1);
  EXPECT_TRUE(reader.step(1, stats, count));
  EXPECT_EQ(stats.unreadable, 1u);
  EXPECT_EQ(stats.last_unreadable.substr(0, 202), std::string(200, 'x') + ": ");
  EXPECT_THAT(stats.last_unreadable, HasSubstr("column 1: expected a protocol"));
  EXPECT_FALSE(reader.step(1, stats, count));
  EXPECT_FALSE(reader.step(1, stats, count));
  EXPECT_EQ(entries, 2);
  EXPECT_EQ(stats.lines, 3u);
  DumpTextReader empty("");
  EXPECT_FALSE(empty.step(10, stats, count));
}

TEST(ConntrackLine, SurvivesTruncationAndMutation) {
  Mutations mutations;
  for (const char* file : {OFE_TEST_DATA "/ovs-3.1-userspace.txt", OFE_TEST_DATA "/ovs-3.1-kernel.txt"}) {
    for (const std::string& line : lines_of_file(file)) {
      Observation seen;
      std::string error;
      for (std::size_t length = 0; length < line.size(); ++length) {
        const std::vector<char> cut(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(length));
        // A line cut inside of its last value may still be one; what says no says why.
        error.clear();
        const bool entry = parse_conntrack_line({cut.data(), cut.size()}, seen, error);
        EXPECT_EQ(entry, error.empty());
      }
      for (int i = 0; i < 2000; ++i) {
        const auto damaged = mutations.damaged(std::span<const char>(line));
        error.clear();
        const bool entry = parse_conntrack_line({damaged.data(), damaged.size()}, seen, error);
        EXPECT_EQ(entry, error.empty());
      }
    }
  }
}

}  // namespace
}  // namespace ofe::conntrack
