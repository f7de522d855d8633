#include "ipfix/tls_socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ipfix/tls_refusal.h"

namespace ipfix {
namespace {

// Of what a collector sends, at most this many records per call.
constexpr int max_discarding_reads = 8;
constexpr std::size_t longest_record_octets = 16'384;  // RFC 8446 section 5.1

TlsSocket& socket_of(SSL* session) {
  return *static_cast<TlsSocket*>(SSL_get_app_data(session));
}

}  // namespace

void TlsSocket::FreeSession::operator()(SSL* session) const {
  SSL_free(session);
}

TlsSocket::TlsSocket(std::int64_t user_timeout_ms, std::shared_ptr<TlsContext> context)
    : TcpSocket(user_timeout_ms), context_(std::move(context)) {
  assert(context_);
}

IoResult TlsSocket::open(const SocketAddress& address) {
  TlsSocket::close();
  failure_.clear();
  failure_errno_ = 0;
  authentication_failed_ = false;
  if (!context_->refresh()) return broken(0, context_->stats().problem);
  const IoResult result = TcpSocket::open(address);
  if (result.status == IoStatus::failed) return result;
  phase_ = Phase::connecting;
  return result.status == IoStatus::done ? begin_handshake() : result;
}

IoResult TlsSocket::finish_connect() {
  switch (phase_) {
    case Phase::connecting: {
      const IoResult result = TcpSocket::finish_connect();
      return result.status == IoStatus::done ? begin_handshake() : result;
    }
    case Phase::handshake:
      return continue_handshake();
    case Phase::confirming: {
      const IoResult result = discard_input();
      if (result.status == IoStatus::failed) return result;
      if (!heard_of_collector_) return {IoStatus::blocked, 0, 0};
      phase_ = Phase::up;
      return {};
    }
    default:
      return phase_ == Phase::up ? IoResult{} : IoResult{IoStatus::failed, 0, failure_errno_};
  }
}

IoResult TlsSocket::begin_handshake() {
  peer_.error = 0;
  peer_.ended = false;
  asked_for_certificate_ = heard_of_collector_ = false;
  refusal_.clear();
  generation_ = context_->generation();
  ERR_clear_error();
  session_.reset(context_->new_session());
  BIO* bio = session_ ? make_tls_bio(peer_) : nullptr;
  if (bio == nullptr) return broken(ENOMEM, "");
  SSL_set_bio(session_.get(), bio, bio);
  SSL_set_connect_state(session_.get());
  SSL_set_app_data(session_.get(), this);
  SSL_set_verify(session_.get(), SSL_VERIFY_PEER, on_verified);
  SSL_set_cert_cb(session_.get(), on_certificate_asked, this);
  // Sessions are not resumed: every one shows the certificates in force. Tickets only tell that we were accepted.
  SSL_CTX* context = SSL_get_SSL_CTX(session_.get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_ticket);
  phase_ = Phase::handshake;
  return continue_handshake();
}

IoResult TlsSocket::continue_handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(session_.get());
  if (returned != 1) return not_done(returned);
  const bool may_be_refused = asked_for_certificate_ && SSL_version(session_.get()) >= TLS1_3_VERSION;
  phase_ = may_be_refused ? Phase::confirming : Phase::up;
  wanted_events_ = POLLIN;
  return may_be_refused ? finish_connect() : IoResult{};
}

IoResult TlsSocket::send(std::span<const std::uint8_t> octets) {
  if (phase_ == Phase::confirming) phase_ = Phase::up;  // waited long enough
  if (phase_ != Phase::up) return {IoStatus::failed, 0, failure_errno_};
  std::size_t gone = 0;
  while (gone < octets.size()) {
    std::size_t written = 0;
    ERR_clear_error();
    const int returned = SSL_write_ex(session_.get(), octets.data() + gone, octets.size() - gone, &written);
    gone += written;
    if (returned == 1) continue;
    const IoResult result = not_done(returned);
    // What broke is met again by the next call.
    return gone > 0 ? IoResult{IoStatus::done, gone, 0} : result;
  }
  return {IoStatus::done, gone, 0};
}

IoResult TlsSocket::check_peer() {
  if (phase_ == Phase::confirming) phase_ = Phase::up;
  if (phase_ != Phase::up) return {IoStatus::failed, 0, failure_errno_};
  // What send() waits for stays what it waited for.
  const short wanted_by_send = wanted_events_;
  const IoResult result = discard_input();
  wanted_events_ = wanted_by_send;
  return result;
}

// Done: there is nothing more to read now.
IoResult TlsSocket::discard_input() {
  std::array<std::uint8_t, longest_record_octets> discarded;
  for (int reads = 0; reads < max_discarding_reads; ++reads) {
    std::size_t octets = 0;
    ERR_clear_error();
    const int returned = SSL_read_ex(session_.get(), discarded.data(), discarded.size(), &octets);
    heard_of_collector_ = heard_of_collector_ || octets > 0;
    if (returned == 1) continue;
    const IoResult result = not_done(returned);
    return result.status == IoStatus::failed ? result : IoResult{};
  }
  return {};
}

// Of an OpenSSL call that did not do what was asked: blocked, or broken for good.
IoResult TlsSocket::not_done(int returned) {
  switch (SSL_get_error(session_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      wanted_events_ = POLLIN;
      return {IoStatus::blocked, 0, 0};
    case SSL_ERROR_WANT_WRITE:
      wanted_events_ = POLLOUT;
      return {IoStatus::blocked, 0, 0};
    case SSL_ERROR_ZERO_RETURN:
      failure_ = "closed by the collector";
      return {IoStatus::failed, 0, 0};  // not broken: we may still say goodbye
    default:
      return broken_by_tls();
  }
}

IoResult TlsSocket::broken_by_tls() {
  const bool is_up = phase_ == Phase::up || phase_ == Phase::confirming;
  const TlsError error = take_tls_error();
  if (!refusal_.empty()) {
    authentication_failed_ = true;
    return broken(0, refusal_);
  }
  if (error.alert >= 0) {
    const bool shown = !context_->options().certificate_file.empty();
    authentication_failed_ = refuses_our_certificate(error.alert, asked_for_certificate_);
    const std::string what = !authentication_failed_ ? "ended by the collector: "
                             : shown                 ? "the collector refused our certificate: "
                                                     : "the collector demands a certificate and none is set: ";
    return broken(EPROTO, what + error.text);
  }
  if (peer_.error != 0) return broken(peer_.error, "");
  if (peer_.ended) {
    return broken(
        0, is_up ? "closed by the collector without a close_notify" : "the collector hung up during the TLS handshake");
  }
  return broken(EPROTO, error.text.empty() ? "TLS failed" : error.text);
}

IoResult TlsSocket::broken(int errno_value, std::string text) {
  if (text.empty()) {
    const bool in_handshake = phase_ == Phase::handshake;
    text = std::string(in_handshake ? "TLS handshake: " : "") + std::strerror(errno_value);
  }
  failure_ = std::move(text);
  failure_errno_ = errno_value;
  phase_ = Phase::broken;
  return {IoStatus::failed, 0, errno_value};
}

void TlsSocket::close() {
  if (session_ && (phase_ == Phase::up || phase_ == Phase::confirming)) {
    ERR_clear_error();
    static_cast<void>(SSL_shutdown(session_.get()));
    ERR_clear_error();
  }
  session_.reset();
  phase_ = Phase::closed;
  TcpSocket::close();
}

std::string TlsSocket::error_text(const IoResult& result) const {
  if (!failure_.empty()) return failure_;
  const bool in_handshake = phase_ == Phase::handshake || phase_ == Phase::confirming;
  return (in_handshake ? "TLS handshake: " : "") + TcpSocket::error_text(result);
}

short TlsSocket::connecting_events() const {
  return phase_ == Phase::connecting ? TcpSocket::connecting_events() : wanted_events_;
}

bool TlsSocket::is_outdated() {
  return phase_ == Phase::up && context_->refresh() && context_->generation() != generation_;
}

int TlsSocket::on_verified(int ok, X509_STORE_CTX* verification) {
  auto* session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsSocket& socket = socket_of(session);
  const TlsOptions& options = socket.context_->options();
  const bool is_leaf = X509_STORE_CTX_get_error_depth(verification) == 0;
  if (ok == 1 && is_leaf && !is_for_name(X509_STORE_CTX_get_current_cert(verification), options.server_name)) {
    X509_STORE_CTX_set_error(verification, X509_V_ERR_HOSTNAME_MISMATCH);
    ok = 0;
  }
  if (ok != 1) socket.refusal_ = refused_certificate_text(verification, options);
  return ok;
}

int TlsSocket::on_certificate_asked(SSL*, void* socket) {
  static_cast<TlsSocket*>(socket)->asked_for_certificate_ = true;
  return 1;
}

int TlsSocket::on_new_ticket(SSL* session, SSL_SESSION*) {
  socket_of(session).heard_of_collector_ = true;
  return 0;  // not kept
}

}  // namespace ipfix
