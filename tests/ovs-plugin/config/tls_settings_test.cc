#include "tests/ovs-plugin/config/parsing.h"

namespace ofe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string with_tls(const std::string& line, const std::string& collector = "192.0.2.1:4739:tls") {
  return "flowCollectorAddr: \"" + collector + "\"\novsFlowExporter:\n  tls:\n    " + line + "\n";
}

TEST(TlsSettings, AWrongValueIsNamedWithWhatIsAllowed) {
  const struct {
    const char* line;
    const char* error;
  } cases[] = {
      {"caFile: ca.crt",
       "a.conf:4: ovsFlowExporter.tls.caFile: \"ca.crt\" is not an absolute path; allowed: the absolute path"},
      {"keyFile: /etc/", "ovsFlowExporter.tls.keyFile: \"/etc/\" is a folder"},
      {"certificateFile: [/a]", "a list is not a single value"},
      {"serverName: \"*.example\"", "\"*.example\" is neither a host name nor an address"},
      {"serverName: 192.0.2.300", "is neither a host name nor an address"},
      {"cafile: /x", "ovsFlowExporter.tls.cafile: unknown key; the nearest known one is \"caFile\""},
      {"- /x", "ovsFlowExporter.tls: a list is not a mapping"},
  };
  for (const auto& [line, error] : cases) {
    EXPECT_THAT(errors_of(with_tls(line)), ElementsAre(HasSubstr(error))) << line;
  }
  EXPECT_THAT(errors_of(with_tls("{caFile: /a, caFile: /b}")), ElementsAre(HasSubstr("given twice")));
  EXPECT_THAT(errors_of(with_tls("caFile: /" + std::string(4'000, 'x'))), ElementsAre(HasSubstr("is too long")));
}

TEST(TlsSettings, ACertificateAndItsKeyBelongTogether) {
  EXPECT_THAT(
      errors_of(with_tls("certificateFile: /tls.crt")),
      ElementsAre("a.conf:4: ovsFlowExporter.tls.certificateFile: is set without keyFile; allowed: both or none "
                  "of them"));
  EXPECT_THAT(errors_of(with_tls("{caFile: /ca.crt, keyFile: /tls.key}")),
              ElementsAre(HasSubstr("ovsFlowExporter.tls.keyFile: is set without certificateFile")));
}

TEST(TlsSettings, WhatIsSetForNothingIsSaid) {
  const std::string both = "{certificateFile: /tls.crt, keyFile: /tls.key}";
  EXPECT_THAT(parse(with_tls(both), "a.conf").warnings, IsEmpty());
  EXPECT_THAT(
      parse(with_tls(both, "192.0.2.1:4739"), "a.conf").warnings,
      ElementsAre(HasSubstr("a.conf:3: ovsFlowExporter.tls: is set, but \"192.0.2.1:4739:tcp\" "
                            "is not reached over tls")));
  EXPECT_THAT(parse(with_tls("caFile: /ca.crt"), "a.conf").warnings,
              ElementsAre(HasSubstr("the collector cannot tell who exports")));
  EXPECT_THAT(parse("flowCollectorAddr: 192.0.2.1:4739", "a.conf").warnings, IsEmpty());
}

}  // namespace
}  // namespace ofe::config
