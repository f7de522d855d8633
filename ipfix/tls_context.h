// What TLS sessions to a collector are made with: whom we trust, who we are, and whom we expect (RFC 7011
// section 11.3). The files may be replaced at any time, as a Secret's are: they are read again when they changed.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ipfix {

struct TlsOptions {
  std::string ca_file = {};           // PEM: who makes a collector trusted; "": the system's authorities
  std::string certificate_file = {};  // PEM: our own, then the authorities above it; "": none is shown
  std::string key_file = {};          // PEM: of our own certificate, without a passphrase
  std::string server_name = {};       // DNS name or IP address that the collector's certificate must be for
};

struct TlsFileStats {
  std::uint64_t loads = 0;          // the files were read and are in use
  std::uint64_t load_failures = 0;  // something was wrong with them; what was in use before stays in use
  std::string problem;              // of the last load, "" when it was good
  std::optional<std::int64_t> own_certificate_expires_s;  // since the Unix epoch, of that in use
};

class TlsContext {
 public:
  explicit TlsContext(TlsOptions options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Reads the files when they changed since the last call, by device, inode, size and times. False: none were ever
  // good, so that no session can be made; stats().problem says why.
  bool refresh();
  // Counts the times that what sessions are made with has been replaced; 0: never good.
  unsigned generation() const { return generation_; }
  // A client's session, which verifies the collector's certificate and its name; the caller frees it. nullptr: out of
  // memory, or refresh() said false.
  SSL* new_session() const;

  const TlsOptions& options() const { return options_; }
  const TlsFileStats& stats() const { return stats_; }

 private:
  // Of each file: device, inode, size, time of change of content and of status (chmod(1) may make it readable).
  using Fingerprint = std::array<std::int64_t, 21>;
  Fingerprint fingerprint() const;

  TlsOptions options_;
  std::string dns_name_;  // server_name, unless it is an address
  SSL_CTX* context_ = nullptr;
  std::optional<Fingerprint> read_as_;
  unsigned generation_ = 0;
  TlsFileStats stats_;
};

}  // namespace ipfix
