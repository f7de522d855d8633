// Certificates replaced under a living session: it is closed cleanly and another opened, and nothing is lost or
// repeated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ipfix/tls_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;

constexpr std::size_t record_octets = 1000;

class TlsRenewal : public testing::Test {
 protected:
  TlsRenewal() {
    collector_.demand_certificates_of(authority_);
    EXPECT_TRUE(process_.add_template(numbered(record_octets)));
  }
  bool run(std::int64_t ms, const std::function<bool()>& holds) {
    return run_until(process_, at_ms(ms), [&] {
      collector_.step();
      return holds();
    });
  }
  bool connect(std::int64_t ms, std::uint64_t connects) {
    return run(
        ms, [&] { return process_.stats().state == SessionState::connected && process_.stats().connects == connects; });
  }
  void export_numbers(std::uint64_t first, std::uint64_t end, std::int64_t ms) {
    for (std::uint64_t number = first; number < end; ++number) {
      ASSERT_TRUE(process_.export_record(numbered_template, numbered_record(number, record_octets), at_ms(ms)));
    }
    process_.flush(at_ms(ms));
  }
  std::vector<std::uint64_t> arrived() const {
    return record_numbers(collector_.messages(), numbered_template, record_octets);
  }
  std::string name_shown() {
    X509* shown = SSL_get1_peer_certificate(collector_.session());
    char name[64] = "none";
    if (shown != nullptr) X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    X509_free(shown);
    return name;
  }

  TlsFiles files_;
  TestAuthority authority_{"authority"};
  TlsCollector collector_{authority_.issue("collector", "DNS:collector.example")};
  TlsOptions options_ =
      files_.showing(files_.trusting(authority_, "collector.example"), authority_.issue("first", "DNS:node-a"));
  std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>(options_);
  ExportingProcess process_{{.transport = Transport::tls, .tls = context_, .tls_files_look_ms = 10'000},
                            always(collector_.address()),
                            at_ms(0)};
};

TEST_F(TlsRenewal, TheSessionIsMadeAnewWithTheNewCertificate) {
  ASSERT_TRUE(connect(0, 1));
  EXPECT_EQ(name_shown(), "first");
  export_numbers(0, 100, 0);
  ASSERT_TRUE(run(0, [&] { return arrived().size() == 100; }));
  files_.showing(options_, authority_.issue("second", "DNS:node-a"));
  process_.run(at_ms(9'999));
  EXPECT_EQ(process_.stats().connects, 1u);
  EXPECT_EQ(process_.next_deadline_ms(), 10'000);
  ASSERT_TRUE(run(10'000, [&] { return collector_.said_goodbye() && collector_.ended(); }));
  EXPECT_EQ(arrived(), counting(0, 100));
  ASSERT_TRUE(connect(10'100, 2));
  EXPECT_EQ(name_shown(), "second");
  export_numbers(100, 200, 10'100);
  ASSERT_TRUE(run(10'100, [&] { return arrived().size() == 100; }));
  EXPECT_EQ(arrived(), counting(100, 200));
  EXPECT_EQ(process_.stats().records_lost, 0u);
  EXPECT_EQ(process_.stats().connect_failures, 0u);
  EXPECT_EQ(process_.stats().last_error, "");
}

TEST_F(TlsRenewal, BrokenFilesLeaveTheSessionAlone) {
  ASSERT_TRUE(connect(0, 1));
  files_.write("tls.crt", "not a certificate\n");
  process_.run(at_ms(10'000));
  process_.run(at_ms(20'000));
  EXPECT_EQ(process_.stats().state, SessionState::connected);
  EXPECT_EQ(context_->stats().load_failures, 1u);
  export_numbers(0, 100, 20'000);
  ASSERT_TRUE(run(20'000, [&] { return arrived().size() == 100; }));
  EXPECT_EQ(process_.stats().connects, 1u);
}

// The message on its way is finished, however long the collector takes; what waits behind it goes to the new session.
TEST_F(TlsRenewal, AFullSocketIsWaitedFor) {
  ASSERT_TRUE(connect(0, 1));
  export_numbers(0, 12'000, 0);
  ASSERT_TRUE(run_until(process_, at_ms(0), [&] { return (process_.events() & POLLOUT) != 0; }));
  files_.showing(options_, authority_.issue("second", "DNS:node-a"));
  for (std::int64_t ms = 10'000; ms < 60'000; ms += 1'000) process_.run(at_ms(ms));
  EXPECT_EQ(process_.stats().connects, 1u);
  EXPECT_EQ(process_.stats().state, SessionState::connected);
  std::int64_t ms = 60'000;
  ASSERT_TRUE(run_until(process_, at_ms(60'000), [&] {
    collector_.step();
    process_.run(at_ms(ms += 5));
    return collector_.ended();
  }));
  const std::vector<std::uint64_t> first = arrived();
  EXPECT_LT(first.size(), 12'000u);
  EXPECT_EQ(first, counting(0, first.size()));
  ASSERT_TRUE(connect(ms, 2));
  ASSERT_TRUE(run(ms, [&] { return first.size() + arrived().size() == 12'000; }));
  EXPECT_EQ(arrived(), counting(first.size(), 12'000));
  EXPECT_EQ(process_.stats().records_lost, 0u);
  EXPECT_EQ(process_.stats().records_resent, 0u);
}

}  // namespace
}  // namespace ipfix
