// A certificate authority and certificates of its own, made anew for each test run.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace ofe::watcher {

inline constexpr long day_s = 86'400;

struct Certificate {
  std::string certificate_pem, key_pem;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  const std::string& pem() const { return pem_; }
  // alternative_names as OpenSSL writes them: "IP:127.0.0.1,DNS:kubernetes".
  // Valid from yesterday on, until so many seconds from now.
  Certificate issue(const std::string& name, const std::string& alternative_names, long valid_for_s = day_s);

 private:
  struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
  using X509Pointer = std::unique_ptr<X509, FreeCertificate>;
  X509Pointer make(const std::string& name, EVP_PKEY* key, const char* constraints,
                   const std::string& alternative_names, long valid_for_s);

  Key key_;
  X509Pointer certificate_;
  std::string pem_;
  long next_serial_ = 1;
};

}  // namespace ofe::watcher
