#include "ipfix/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace ipfix {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

bool is_numeric(const std::string& name) {
  in6_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1 || inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// A link-local address' zone ("fe80::1%eth0") and a name's final dot are in no certificate.
std::string name_to_expect(std::string name) {
  if (const std::size_t zone = name.find('%'); zone != std::string::npos) name.resize(zone);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

// OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "no reason given";
}

bool was_about_passphrase() {
  while (const unsigned long error = ERR_get_error()) {
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ) return true;
  }
  return false;
}

// "" when it can be read. A pipe or device would hold up the caller.
std::string file_problem(const std::string& what, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return what + " " + path + ": " + std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return what + " " + path + " is not a file";
  if (access(path.c_str(), R_OK) != 0) return what + " " + path + ": " + std::strerror(errno);
  return "";
}

std::string load_authorities(SSL_CTX* context, const std::string& path) {
  if (path.empty()) {
    return SSL_CTX_set_default_verify_paths(context) == 1 ? "" : "the system's authorities: " + openssl_reason();
  }
  if (std::string problem = file_problem("CA file", path); !problem.empty()) return problem;
  if (SSL_CTX_load_verify_file(context, path.c_str()) == 1) return "";
  return "CA file " + path + " holds no PEM certificate that can be used: " + openssl_reason();
}

std::string load_own_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_file.empty()) return "";
  if (std::string problem = file_problem("certificate file", options.certificate_file); !problem.empty()) {
    return problem;
  }
  if (std::string problem = file_problem("key file", options.key_file); !problem.empty()) return problem;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return "certificate file " + options.certificate_file +
           " holds no PEM certificate that can be used: " + openssl_reason();
  }
  const bool key_loaded = SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  if (key_loaded && SSL_CTX_check_private_key(context) == 1) return "";
  const unsigned long error = ERR_peek_last_error();
  const bool mismatch = key_loaded || (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) != ERR_R_PEM_LIB);
  if (mismatch) {
    return "key file " + options.key_file + " is not the key of the certificate in " + options.certificate_file;
  }
  const std::string reason = openssl_reason();
  if (was_about_passphrase()) return "key file " + options.key_file + " needs a passphrase; allowed: a key without one";
  return "key file " + options.key_file + " holds no PEM key that can be used: " + reason;
}

void expect_name(SSL_CTX* context, const std::string& name) {
  X509_VERIFY_PARAM* expected = SSL_CTX_get0_param(context);
  // Each certificate in the CA file is trusted, one below another authority or a collector's own included.
  X509_VERIFY_PARAM_set_flags(expected, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_numeric(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(expected, name.c_str(), name.size());
  }
}

// nullptr: problem says why.
ContextPointer make_context(const TlsOptions& options, std::string& problem) {
  ERR_clear_error();
  ContextPointer context(SSL_CTX_new(TLS_client_method()));
  if (!context) {
    problem = "TLS: " + openssl_reason();
    return nullptr;
  }
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);  // RFC 7011 section 10.4 as updated by RFC 8996
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // A peer that sends records without content must not hold up the caller.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  expect_name(raw, options.server_name);
  problem = load_authorities(raw, options.ca_file);
  if (problem.empty()) problem = load_own_certificate(raw, options);
  ERR_clear_error();
  return problem.empty() ? std::move(context) : nullptr;
}

std::optional<std::int64_t> expiry_s(const SSL_CTX* context) {
  const X509* own = SSL_CTX_get0_certificate(context);
  std::tm when{};
  if (own == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(own), &when) != 1) return std::nullopt;
  return timegm(&when);
}

}  // namespace

TlsContext::TlsContext(TlsOptions options) : options_(std::move(options)) {
  options_.server_name = name_to_expect(options_.server_name);
  if (!is_numeric(options_.server_name)) dns_name_ = options_.server_name;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsContext::Fingerprint TlsContext::fingerprint() const {
  Fingerprint print{};
  std::size_t at = 0;
  for (const std::string* path : {&options_.ca_file, &options_.certificate_file, &options_.key_file}) {
    struct stat status {};
    if (path->empty() || stat(path->c_str(), &status) != 0) status = {};
    for (const std::int64_t part :
         {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
          static_cast<std::int64_t>(status.st_mtim.tv_nsec), static_cast<std::int64_t>(status.st_ctim.tv_sec),
          static_cast<std::int64_t>(status.st_ctim.tv_nsec)}) {
      print[at++] = part;
    }
  }
  return print;
}

bool TlsContext::refresh() {
  // Taken before the files are read: what changes meanwhile is read at the next call.
  const Fingerprint now = fingerprint();
  if (context_ != nullptr && now == read_as_) return true;
  const bool same_failure = now == read_as_;
  read_as_ = now;
  std::string problem;
  ContextPointer fresh = make_context(options_, problem);
  if (fresh) {
    SSL_CTX_free(context_);
    context_ = fresh.release();
    ++generation_;
    ++stats_.loads;
    stats_.own_certificate_expires_s = expiry_s(context_);
  } else if (!same_failure) {
    ++stats_.load_failures;
  }
  stats_.problem = std::move(problem);
  return context_ != nullptr;
}

SSL* TlsContext::new_session() const {
  if (context_ == nullptr) return nullptr;
  SSL* session = SSL_new(context_);
  if (session != nullptr && !dns_name_.empty()) SSL_set_tlsext_host_name(session, dns_name_.c_str());
  return session;
}

}  // namespace ipfix
