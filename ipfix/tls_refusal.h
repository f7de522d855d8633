// Why a TLS session did not come about or broke, for people. What a peer's certificate says is its peer's to choose:
// texts from it are escaped and cut.
#pragma once

#include <openssl/types.h>

#include <string>

#include "ipfix/tls_context.h"

namespace ipfix {

// Where a certificate names what it is for, its subject's common name counts for nothing (RFC 6125 section 6.4.4);
// OpenSSL takes it when only names of another kind are there. For a certificate whose chain is good.
bool is_for_name(X509* certificate, const std::string& server_name);

// In a verification callback that said no.
std::string refused_certificate_text(X509_STORE_CTX* verification, const TlsOptions& options);

// What stands in OpenSSL's queue of errors after a call that failed; it is empty afterwards.
struct TlsError {
  std::string text;
  int alert = -1;  // RFC 8446 section 6: the collector's, -1 none
};
TlsError take_tls_error();
// It is about the certificate that we showed, or did not.
bool refuses_our_certificate(int alert, bool was_asked_for_one);

}  // namespace ipfix
