// TLS over a TCP connection (RFC 7011 sections 10.4 and 11). octets_written() and octets_acknowledged() count what is
// on the wire: a message was acknowledged when as much was as had been written after its last octet.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "ipfix/tcp_socket.h"
#include "ipfix/tls_bio.h"
#include "ipfix/tls_context.h"

namespace ipfix {

class TlsSocket final : public TcpSocket {
 public:
  TlsSocket(std::int64_t user_timeout_ms, std::shared_ptr<TlsContext> context);
  ~TlsSocket() override { TlsSocket::close(); }

  IoResult open(const SocketAddress& address) override;
  IoResult finish_connect() override;
  // Several TLS records where the octets do not fit into one.
  IoResult send(std::span<const std::uint8_t> octets) override;
  IoResult check_peer() override;
  // Says goodbye (close_notify), once and without waiting for the answer.
  void close() override;
  std::string error_text(const IoResult& result) const override;
  short connecting_events() const override;
  short blocked_events() const override { return wanted_events_; }

  // TLS 1.3: the collector asked for our certificate, the handshake is over for us, and it has not shown yet that it is
  // over for the collector. What is sent to one that refuses us is lost, though its host acknowledges it.
  bool awaits_confirmation() const override { return phase_ == Phase::confirming; }
  bool authentication_failed() const override { return authentication_failed_; }
  bool is_outdated() override;

 private:
  enum class Phase : std::uint8_t { closed, connecting, handshake, confirming, up, broken };
  struct FreeSession {
    void operator()(SSL* session) const;
  };

  IoResult begin_handshake();
  IoResult continue_handshake();
  IoResult discard_input();
  IoResult not_done(int returned);
  // errno_value not 0: a collector that ends a session so may have thrown away what its host acknowledged.
  IoResult broken(int errno_value, std::string text);
  IoResult broken_by_tls();
  static int on_verified(int ok, X509_STORE_CTX* verification);
  static int on_certificate_asked(SSL* session, void* socket);
  static int on_new_ticket(SSL* session, SSL_SESSION* ticket);

  std::shared_ptr<TlsContext> context_;
  unsigned generation_ = 0;  // of context_, that the session was made with
  std::unique_ptr<SSL, FreeSession> session_;
  TlsBioPeer peer_{*this};
  Phase phase_ = Phase::closed;
  bool asked_for_certificate_ = false;
  bool heard_of_collector_ = false;  // after the handshake
  bool authentication_failed_ = false;
  short wanted_events_ = 0;
  std::string refusal_;  // why the collector's certificate is not accepted
  std::string failure_;  // what error_text() says
  int failure_errno_ = 0;
};

}  // namespace ipfix
