#include "ipfix/tls_refusal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace ipfix {
namespace {

constexpr std::size_t longest_text = 300;
constexpr int most_names = 8;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using NamesPointer = std::unique_ptr<GENERAL_NAMES, FreeNames>;

template <typename Print>
std::string printed(Print print) {
  const std::unique_ptr<BIO, FreeBio> memory(BIO_new(BIO_s_mem()));
  print(memory.get());
  char* text = nullptr;
  const long octets = BIO_get_mem_data(memory.get(), &text);
  return {text, std::min(static_cast<std::size_t>(std::max(octets, 0L)), longest_text)};
}

std::string text_of(const X509_NAME* name) {
  return printed([&](BIO* out) { X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ); });
}

std::string text_of(const ASN1_TIME* time) {
  return printed([&](BIO* out) { ASN1_TIME_print(out, time); });
}

std::string text_of(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    return "DNS:" + printed([&](BIO* out) {
             ASN1_STRING_print_ex(out, name->d.dNSName, ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB);
           });
  }
  char address[INET6_ADDRSTRLEN] = "?";
  const int octets = ASN1_STRING_length(name->d.iPAddress);
  const unsigned char* value = ASN1_STRING_get0_data(name->d.iPAddress);
  if (octets == 4) inet_ntop(AF_INET, value, address, sizeof address);
  if (octets == 16) inet_ntop(AF_INET6, value, address, sizeof address);
  return std::string("IP:") + address;
}

NamesPointer alternative_names(const X509* certificate) {
  return NamesPointer(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

// "DNS:collector.example, IP:192.0.2.1", or the subject where there are none.
std::string names_of(const X509* certificate) {
  const NamesPointer names = alternative_names(certificate);
  std::string text;
  int shown = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (shown++ == most_names) return text + ", …";
    text += (text.empty() ? "" : ", ") + text_of(name);
  }
  return text.empty() ? text_of(X509_get_subject_name(certificate)) : text;
}

std::string whose(int depth, const X509* certificate) {
  if (depth == 0 || certificate == nullptr) return "the collector's certificate";
  return "the certificate of its authority " + text_of(X509_get_subject_name(certificate));
}

}  // namespace

bool is_for_name(X509* certificate, const std::string& server_name) {
  if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0) return true;
  constexpr unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(certificate, server_name.c_str(), server_name.size(), flags, nullptr) == 1 ||
         X509_check_ip_asc(certificate, server_name.c_str(), 0) == 1;
}

std::string refused_certificate_text(X509_STORE_CTX* verification, const TlsOptions& options) {
  const int error = X509_STORE_CTX_get_error(verification);
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  const std::string subject = whose(X509_STORE_CTX_get_error_depth(verification), certificate);
  if (certificate == nullptr) return subject + ": " + X509_verify_cert_error_string(error);
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return subject + " is for " + names_of(certificate) + ", and not for " + options.server_name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return subject + " expired on " + text_of(X509_get0_notAfter(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return subject + " is not valid before " + text_of(X509_get0_notBefore(certificate));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // a new authority under the old one's name
      return subject + " was issued by " + text_of(X509_get_issuer_name(certificate)) + ", which is not among " +
             (options.ca_file.empty() ? "the system's authorities" : "the authorities in " + options.ca_file);
    default:
      return subject + ": " + X509_verify_cert_error_string(error);
  }
}

TlsError take_tls_error() {
  TlsError error;
  const unsigned long code = ERR_get_error();
  if (code != 0) {
    const char* reason = ERR_reason_error_string(code);
    error.text = reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
    const int number = ERR_GET_REASON(code);
    const bool is_alert = ERR_GET_LIB(code) == ERR_LIB_SSL && number >= SSL_AD_REASON_OFFSET;
    if (is_alert && number <= SSL_AD_REASON_OFFSET + 255) error.alert = number - SSL_AD_REASON_OFFSET;
    // What comes of octets that are no TLS record.
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && number == SSL_R_WRONG_VERSION_NUMBER) {
      error.text = "the collector's answer is not TLS (" + error.text + ")";
    }
  }
  ERR_clear_error();
  return error;
}

bool refuses_our_certificate(int alert, bool was_asked_for_one) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    case SSL_AD_HANDSHAKE_FAILURE:  // TLS 1.2: also for want of a certificate
      return was_asked_for_one;
    default:
      return false;
  }
}

}  // namespace ipfix
