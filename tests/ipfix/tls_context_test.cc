// The files: what is wrong with them, and that they may be replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "tests/ipfix/tls_collector.h"

namespace ipfix {
namespace {

using namespace ipfix_test;
using testing::HasSubstr;
using testing::StartsWith;

class TlsContextFiles : public testing::Test {
 protected:
  std::string problem_of(const TlsOptions& options) {
    TlsContext context(options);
    EXPECT_FALSE(context.refresh());
    EXPECT_FALSE(context.refresh());
    EXPECT_EQ(context.stats().load_failures, 1u) << "the same files are wrong once";
    EXPECT_EQ(context.new_session(), nullptr);
    return context.stats().problem;
  }

  TlsFiles files_;
  TestAuthority authority_{"authority"};
  TlsOptions good_ =
      files_.showing(files_.trusting(authority_, "collector.example"), authority_.issue("exporter", "DNS:node-a"));
};

TEST_F(TlsContextFiles, EveryProblemNamesItsFile) {
  const auto with = [&](auto change) {
    TlsOptions options = good_;
    change(options);
    return problem_of(options);
  };
  EXPECT_EQ(with([&](TlsOptions& o) { o.ca_file = files_.path("absent"); }),
            "CA file " + files_.path("absent") + ": No such file or directory");
  EXPECT_EQ(with([&](TlsOptions& o) { o.certificate_file = files_.path("absent"); }),
            "certificate file " + files_.path("absent") + ": No such file or directory");
  EXPECT_EQ(with([&](TlsOptions& o) { o.key_file = files_.path("."); }),
            "key file " + files_.path(".") + " is not a file");
  const std::string garbage = files_.write("garbage", "no PEM\n");
  EXPECT_THAT(with([&](TlsOptions& o) { o.ca_file = garbage; }),
              StartsWith("CA file " + garbage + " holds no PEM certificate that can be used: "));
  EXPECT_THAT(with([&](TlsOptions& o) { o.certificate_file = garbage; }),
              StartsWith("certificate file " + garbage + " holds no PEM certificate that can be used: "));
  EXPECT_THAT(with([&](TlsOptions& o) { o.key_file = garbage; }),
              StartsWith("key file " + garbage + " holds no PEM key that can be used: "));
  const std::string other = files_.write("other.key", authority_.issue("exporter", "DNS:node-a").key_pem);
  EXPECT_EQ(with([&](TlsOptions& o) { o.key_file = other; }),
            "key file " + other + " is not the key of the certificate in " + good_.certificate_file);
}

TEST_F(TlsContextFiles, AKeyWithAPassphraseIsNotAskedFor) {
  const std::unique_ptr<EVP_PKEY, FreeTls> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<BIO, FreeTls> out(BIO_new(BIO_s_mem()));
  for (const bool traditional : {false, true}) {
    static_cast<void>(BIO_reset(out.get()));
    ASSERT_EQ((traditional ? PEM_write_bio_PrivateKey_traditional : PEM_write_bio_PrivateKey)(
                  out.get(), key.get(), EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("secret"), 6, nullptr,
                  nullptr),
              1);
    char* text = nullptr;
    const long octets = BIO_get_mem_data(out.get(), &text);
    good_.key_file = files_.write("locked.key", std::string(text, static_cast<std::size_t>(octets)));
    EXPECT_EQ(problem_of(good_), "key file " + good_.key_file + " needs a passphrase; allowed: a key without one");
  }
}

TEST_F(TlsContextFiles, SaysWhenItsOwnCertificateExpires) {
  TlsContext context(good_);
  EXPECT_TRUE(context.refresh());
  const std::int64_t now_s = std::time(nullptr);
  EXPECT_NEAR(static_cast<double>(context.stats().own_certificate_expires_s.value()),
              static_cast<double>(now_s + ofe::watcher::day_s), 60);
  TlsContext anonymous({.ca_file = good_.ca_file, .server_name = "collector.example"});
  EXPECT_TRUE(anonymous.refresh());
  EXPECT_FALSE(anonymous.stats().own_certificate_expires_s.has_value());
}

TEST_F(TlsContextFiles, ReplacedFilesAreReadAndBrokenOnesAreNotUsed) {
  TlsContext context(good_);
  ASSERT_TRUE(context.refresh());
  ASSERT_TRUE(context.refresh());
  EXPECT_EQ(context.generation(), 1u);
  EXPECT_EQ(context.stats().loads, 1u);

  const Certificate fresh = authority_.issue("exporter", "DNS:node-a");
  files_.write("tls.crt", fresh.certificate_pem);  // the key is still the old one's
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(context.generation(), 1u);
  EXPECT_EQ(context.stats().load_failures, 1u);
  EXPECT_THAT(context.stats().problem, HasSubstr("is not the key of the certificate"));
  SSL* session = context.new_session();
  EXPECT_NE(session, nullptr) << "the old ones stay in use";
  SSL_free(session);
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(context.stats().load_failures, 1u);

  files_.write("tls.key", fresh.key_pem);
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(context.generation(), 2u);
  EXPECT_EQ(context.stats().problem, "");
}

TEST_F(TlsContextFiles, ASecretIsReplacedByASwapOfItsFolder) {
  namespace fs = std::filesystem;
  const Certificate first = authority_.issue("exporter", "DNS:node-a");
  const Certificate second = authority_.issue("exporter", "DNS:node-a");
  for (const auto& [folder, own] : {std::pair{"..1", first}, std::pair{"..2", second}}) {
    fs::create_directory(files_.path(folder));
    files_.write(std::string(folder) + "/tls.crt", own.certificate_pem);
    files_.write(std::string(folder) + "/tls.key", own.key_pem);
  }
  fs::create_directory_symlink("..1", files_.path("..data"));
  for (const char* name : {"tls.crt", "tls.key"}) {
    fs::remove(files_.path(name));
    fs::create_symlink(std::string("..data/") + name, files_.path(name));
  }
  TlsContext context(good_);
  ASSERT_TRUE(context.refresh());
  fs::create_directory_symlink("..2", files_.path("..data_tmp"));
  fs::rename(files_.path("..data_tmp"), files_.path("..data"));
  ASSERT_TRUE(context.refresh());
  EXPECT_EQ(context.generation(), 2u);
  EXPECT_EQ(context.stats().problem, "");
}

// A Secret may be mounted after the exporter has started.
TEST_F(TlsContextFiles, FilesMayComeLater) {
  const std::string pem = authority_.pem();
  std::filesystem::remove(good_.ca_file);
  TlsContext context(good_);
  EXPECT_FALSE(context.refresh());
  files_.write("ca.crt", pem);
  EXPECT_TRUE(context.refresh());
  EXPECT_EQ(context.stats().problem, "");
}

}  // namespace
}  // namespace ipfix
