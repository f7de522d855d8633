// Sessions over TLS that come about and that do not: RFC 5471's "TLS without certificate, with the wrong exporter name,
// with the wrong collector name", and more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ipfix/tls_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;
using testing::HasSubstr;

constexpr std::size_t record_octets = 1000;

class TlsSession : public testing::Test {
 protected:
  // What the exporting process does at this moment until it is connected or has given up.
  ExportingStats outcome(TlsCollector& collector, TlsOptions options, Now now = at_ms(0)) {
    ExportingProcess process({.transport = Transport::tls, .tls = std::make_shared<TlsContext>(std::move(options))},
                             always(collector.address()), at_ms(0));
    EXPECT_TRUE(run_until(process, now, [&] {
      collector.step();
      return process.stats().state == SessionState::connected || process.stats().connect_failures > 0;
    }));
    return process.stats();
  }
  void expect_refused(const ExportingStats& stats, const std::string& why) {
    EXPECT_EQ(stats.state, SessionState::backing_off);
    EXPECT_EQ(stats.connect_failures, 1u);
    EXPECT_EQ(stats.authentication_failures, 1u) << stats.last_error;
    EXPECT_EQ(stats.connects, 0u);
    EXPECT_THAT(stats.last_error, HasSubstr("connect to tls " + stats.peer + ": "));
    EXPECT_THAT(stats.last_error, HasSubstr(why));
  }
  Certificate collectors(const std::string& names) { return authority_.issue("collector", names); }

  TlsFiles files_;
  TestAuthority authority_{"authority of collectors"};
  TestAuthority stranger_{"somebody else"};
};

TEST_F(TlsSession, CarriesRecordsToTheCollectorItTrusts) {
  TlsCollector collector(collectors("DNS:collector.example"));
  ExportingProcess process({.transport = Transport::tls,
                            .tls = std::make_shared<TlsContext>(files_.trusting(authority_, "collector.example"))},
                           always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  for (std::uint64_t number = 0; number < 500; ++number) {
    ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, record_octets), at_ms(0)));
  }
  process.flush(at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] {
    collector.step();
    return record_numbers(collector.messages(), numbered_template, record_octets).size() == 500;
  }));
  EXPECT_EQ(record_numbers(collector.messages(), numbered_template, record_octets), counting(0, 500));
  EXPECT_STREQ(SSL_get_servername(collector.session(), TLSEXT_NAMETYPE_host_name), "collector.example");
  EXPECT_EQ(SSL_version(collector.session()), TLS1_3_VERSION);
  EXPECT_EQ(process.stats().records_sent, 500u);
  EXPECT_EQ(process.stats().authentication_failures, 0u);
}

TEST_F(TlsSession, NamesMatchAsRfc6125Says) {
  const struct {
    const char* in_certificate;
    const char* expected;
    bool matches;
  } cases[] = {
      {"DNS:collector.example", "collector.example", true},
      {"DNS:collector.example", "COLLECTOR.example.", true},
      {"DNS:collector.example", "other.example", false},
      {"DNS:*.flows.example", "collector.flows.example", true},
      {"DNS:*.flows.example", "a.collector.flows.example", false},
      {"DNS:coll*.flows.example", "collector.flows.example", false},
      {"DNS:a.example,DNS:b.example,IP:192.0.2.9", "b.example", true},
      {"IP:127.0.0.1", "127.0.0.1", true},
      {"IP:127.0.0.2", "127.0.0.1", false},
      {"IP:fd00::1", "fd00::1", true},
      {"DNS:127.0.0.1", "127.0.0.1", false},
      {"", "collector", true},                    // the common name, where there is nothing else
      {"DNS:other.example", "collector", false},  // and not beside other names
      {"IP:127.0.0.1", "collector", false},
      {"email:a@collector", "collector", false},
  };
  for (const auto& [in_certificate, expected, matches] : cases) {
    SCOPED_TRACE(std::string(in_certificate) + " for " + expected);
    TlsCollector collector(collectors(in_certificate));
    const ExportingStats stats = outcome(collector, files_.trusting(authority_, expected));
    EXPECT_EQ(stats.connects, matches ? 1u : 0u) << stats.last_error;
    EXPECT_EQ(stats.authentication_failures, matches ? 0u : 1u) << stats.last_error;
  }
}

TEST_F(TlsSession, TheWrongCollectorIsNamed) {
  TlsCollector collector(collectors("DNS:other.example,IP:192.0.2.1,IP:2001:db8::1"));
  expect_refused(outcome(collector, files_.trusting(authority_, "collector.example")),
                 "the collector's certificate is for DNS:other.example, IP:192.0.2.1, IP:2001:db8::1, and not for "
                 "collector.example");
  EXPECT_TRUE(collector.messages().empty());
}

TEST_F(TlsSession, AnExpiredCollectorIsRefused) {
  TlsCollector collector(authority_.issue("collector", "DNS:collector.example", -3'600));
  expect_refused(outcome(collector, files_.trusting(authority_, "collector.example")),
                 "the collector's certificate expired on ");
}

TEST_F(TlsSession, ACollectorOfAnotherAuthorityIsRefused) {
  TlsCollector collector(stranger_.issue("collector", "DNS:collector.example"));
  expect_refused(outcome(collector, files_.trusting(authority_, "collector.example")),
                 "was issued by CN=somebody else, which is not among the authorities in " + files_.path("ca.crt"));
  const TestAuthority namesake("authority of collectors");  // its name, not its key
  expect_refused(outcome(collector, {.server_name = "collector.example"}),
                 "was issued by CN=somebody else, which is not among the system's authorities");
  EXPECT_EQ(outcome(collector, files_.trusting(namesake, "collector.example")).authentication_failures, 1u);
}

// RFC 7011 section 11.3: also an explicit list of the peers themselves.
TEST_F(TlsSession, ACollectorsOwnCertificateMayBeTheTrustedOne) {
  const Certificate own = stranger_.issue("collector", "DNS:collector.example");
  TlsOptions options = files_.trusting(authority_, "collector.example");
  files_.write("ca.crt", authority_.pem() + own.certificate_pem);
  TlsCollector collector(own);
  EXPECT_EQ(outcome(collector, options).connects, 1u);
  collector.show(stranger_.issue("collector", "DNS:collector.example"));
  expect_refused(outcome(collector, options), "was issued by CN=somebody else, which is not among the authorities");
  options.server_name = "other.example";
  collector.show(own);
  expect_refused(outcome(collector, options), "and not for other.example");
}

// Over both versions: in 1.3 the refusal comes after our side of the handshake is over.
TEST_F(TlsSession, ACollectorThatDemandsCertificates) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version == TLS1_2_VERSION ? "TLS 1.2" : "TLS 1.3");
    TlsCollector collector(collectors("DNS:collector.example"));
    SSL_CTX_set_max_proto_version(collector.context(), version);
    collector.demand_certificates_of(authority_);
    const TlsOptions options = files_.trusting(authority_, "collector.example");
    expect_refused(outcome(collector, options), "the collector demands a certificate and none is set: ");
    collector.close();
    expect_refused(outcome(collector, files_.showing(options, stranger_.issue("exporter", "DNS:node-a"))),
                   "the collector refused our certificate: tlsv1 alert unknown ca");
    collector.close();
    expect_refused(outcome(collector, files_.showing(options, authority_.issue("exporter", "DNS:node-a", -60))),
                   "the collector refused our certificate: sslv3 alert certificate expired");
    collector.close();
    const auto stats = outcome(collector, files_.showing(options, authority_.issue("exporter", "DNS:node-a")));
    EXPECT_EQ(stats.connects, 1u) << stats.last_error;
    EXPECT_EQ(SSL_version(collector.session()), version);
  }
}

// It sends no tickets, which would show that it accepts us: after a while we take it that it does.
TEST_F(TlsSession, ASilentCollectorIsWaitedForBeforeAnythingIsSent) {
  TlsCollector collector(collectors("DNS:collector.example"));
  collector.demand_certificates_of(authority_);
  SSL_CTX_set_num_tickets(collector.context(), 0);
  const TlsOptions options =
      files_.showing(files_.trusting(authority_, "collector.example"), authority_.issue("exporter", "DNS:node-a"));
  ExportingProcess process(
      {.transport = Transport::tls, .tls = std::make_shared<TlsContext>(options), .tls_confirmation_ms = 1'000},
      always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] {
    collector.step();
    return collector.session() != nullptr && SSL_is_init_finished(collector.session()) != 0 &&
           process.next_deadline_ms() == 1'000;
  }));
  EXPECT_EQ(process.stats().state, SessionState::connecting);
  EXPECT_EQ(process.events(), POLLIN);
  process.run(at_ms(999));
  EXPECT_EQ(process.stats().state, SessionState::connecting);
  process.run(at_ms(1'000));
  EXPECT_EQ(process.stats().state, SessionState::connected);
  EXPECT_TRUE(run_until(process, at_ms(1'000), [&] {
    collector.step();
    return collector.messages().size() == 1;
  }));
}

// One that refuses us after that has thrown away what its host acknowledged: what is still held of it is sent again.
TEST_F(TlsSession, ALateRefusalLosesNothingThatIsStillHeld) {
  TlsCollector collector(collectors("DNS:collector.example"));
  collector.demand_certificates_of(stranger_);
  const TlsOptions options =
      files_.showing(files_.trusting(authority_, "collector.example"), authority_.issue("exporter", "DNS:node-a"));
  ExportingProcess process(
      {.transport = Transport::tls, .resend_octets = 1u << 20, .tls = std::make_shared<TlsContext>(options)},
      always(collector.address()), at_ms(0));
  ASSERT_TRUE(process.add_template(numbered(record_octets)));
  for (std::uint64_t number = 0; number < 100; ++number) {
    ASSERT_TRUE(process.export_record(numbered_template, numbered_record(number, record_octets), at_ms(0)));
  }
  process.flush(at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] {
    if (process.next_deadline_ms() != 1'000) collector.step();  // our half of the handshake waits unread from then on
    return process.next_deadline_ms() == 1'000;
  }));
  ASSERT_TRUE(run_until(process, at_ms(1'000), [&] { return process.drained(); }));
  EXPECT_EQ(process.stats().state, SessionState::connected);
  EXPECT_EQ(process.stats().records_sent, 100u);
  ASSERT_TRUE(run_until(process, at_ms(1'100), [&] {
    collector.step();
    return process.stats().authentication_failures == 1;
  }));
  EXPECT_THAT(process.stats().last_error, HasSubstr("the collector refused our certificate: tlsv1 alert unknown ca"));
  collector.demand_certificates_of(authority_);
  ASSERT_TRUE(run_until(process, at_ms(10'000), [&] {
    collector.step();
    return record_numbers(collector.messages(), numbered_template, record_octets).size() == 100;
  }));
  EXPECT_EQ(record_numbers(collector.messages(), numbered_template, record_octets), counting(0, 100));
  EXPECT_EQ(process.stats().records_resent, 100u);
}

TEST_F(TlsSession, AnOldVersionIsNotSpoken) {
  TlsCollector collector(collectors("DNS:collector.example"));
  SSL_CTX_set_security_level(collector.context(), 0);  // OpenSSL's own default refuses as well
  SSL_CTX_set_min_proto_version(collector.context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(collector.context(), TLS1_1_VERSION);
  const ExportingStats stats = outcome(collector, files_.trusting(authority_, "collector.example"));
  EXPECT_EQ(stats.connects, 0u);
  EXPECT_THAT(stats.last_error, HasSubstr("protocol version"));
  EXPECT_EQ(stats.authentication_failures, 0u);
}

TEST_F(TlsSession, SomethingThatIsNotTls) {
  TlsCollector collector(collectors("DNS:collector.example"));
  ExportingProcess process({.transport = Transport::tls,
                            .tls = std::make_shared<TlsContext>(files_.trusting(authority_, "collector.example"))},
                           always(collector.address()), at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return collector.accept(); }));
  collector.send_raw("220 mail.example ESMTP\r\n");
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return process.stats().connect_failures > 0; }));
  EXPECT_THAT(process.stats().last_error, HasSubstr("the collector's answer is not TLS"));
  EXPECT_EQ(process.stats().authentication_failures, 0u);
}

TEST_F(TlsSession, AStallingOrDepartingCollectorIsGivenUp) {
  TlsCollector collector(collectors("DNS:collector.example"));
  ExportingProcess process({.transport = Transport::tls,
                            .connect_timeout_ms = 3'000,
                            .tls = std::make_shared<TlsContext>(files_.trusting(authority_, "collector.example"))},
                           always(collector.address()), at_ms(0));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return collector.accept(); }));
  ASSERT_TRUE(run_until(process, at_ms(0), [&] { return process.events() == POLLIN; }));
  EXPECT_EQ(process.next_deadline_ms(), 3'000);
  process.run(at_ms(2'999));
  EXPECT_EQ(process.stats().state, SessionState::connecting);
  process.run(at_ms(3'000));
  EXPECT_EQ(process.stats().state, SessionState::backing_off);
  EXPECT_THAT(process.stats().last_error, HasSubstr("TLS handshake: Connection timed out"));
  collector.close();
  ASSERT_TRUE(run_until(process, at_ms(60'000), [&] { return collector.accept(); }));
  ASSERT_TRUE(run_until(process, at_ms(60'000), [&] { return process.events() == POLLIN; }));
  pollfd hello{collector.fd(), POLLIN, 0};  // unread input would make the close a reset
  poll(&hello, 1, 10'000);
  collector.read_raw();
  collector.close();
  ASSERT_TRUE(run_until(process, at_ms(60'000), [&] { return process.stats().connect_failures == 2; }));
  EXPECT_THAT(process.stats().last_error, HasSubstr("the collector hung up during the TLS handshake"));
  EXPECT_EQ(process.stats().authentication_failures, 0u);
}

}  // namespace
}  // namespace ipfix
