#include "tests/k8s-bridge/watcher/test_certificates.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace ofe::watcher {

namespace {

template <typename Write>
std::string pem_of(Write write) {
  BIO* memory = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(memory), 1);
  char* text = nullptr;
  const long octets = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(octets));
  BIO_free(memory);
  return pem;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name) : key_(EVP_EC_gen("P-256")) {
  certificate_ = make(name, key_.get(), "critical,CA:TRUE", "", day_s);
  pem_ = pem_of([this](BIO* out) { return PEM_write_bio_X509(out, certificate_.get()); });
}

TestAuthority::X509Pointer TestAuthority::make(const std::string& name, EVP_PKEY* key, const char* constraints,
                                               const std::string& alternative_names, long valid_for_s) {
  X509Pointer certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), next_serial_++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_for_s);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509* issuer = certificate_ ? certificate_.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  add_extension(certificate.get(), issuer, NID_basic_constraints, constraints);
  if (!alternative_names.empty()) add_extension(certificate.get(), issuer, NID_subject_alt_name, alternative_names);
  EXPECT_NE(X509_sign(certificate.get(), key_.get(), EVP_sha256()), 0);
  return certificate;
}

Certificate TestAuthority::issue(const std::string& name, const std::string& alternative_names, long valid_for_s) {
  const Key key(EVP_EC_gen("P-256"));
  const X509Pointer certificate = make(name, key.get(), "CA:FALSE", alternative_names, valid_for_s);
  return {pem_of([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }), pem_of([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace ofe::watcher
