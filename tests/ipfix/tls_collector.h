// A collector over TLS on the loopback interface, driven by the test step by step: it reads, writes and stalls when
// told.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <string>

#include "ipfix/tls_context.h"
#include "tests/ipfix/loopback_collector.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"
#include "tests/k8s-bridge/watcher/test_certificates.h"

namespace ipfix_test {

using ofe::watcher::Certificate;
using ofe::watcher::TestAuthority;

// Files of a test, removed with it.
class TlsFiles {
 public:
  std::string path(const std::string& name) const { return folder_.path(name); }
  // As a Secret is replaced: all at once, another file under the same name.
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::rename(folder_.write("fresh", text), path(name));
    return path(name);
  }
  ipfix::TlsOptions trusting(const TestAuthority& authority, const std::string& server_name) const {
    return {write("ca.crt", authority.pem()), "", "", server_name};
  }
  ipfix::TlsOptions showing(ipfix::TlsOptions options, const Certificate& own) const {
    options.certificate_file = write("tls.crt", own.certificate_pem);
    options.key_file = write("tls.key", own.key_pem);
    return options;
  }

 private:
  ofe::watcher::TemporaryFolder folder_;
};

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

class TlsCollector {
 public:
  explicit TlsCollector(const Certificate& own, const char* host = "127.0.0.1") : listener_(0, host) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    show(own);
  }
  const SocketAddress& address() const { return listener_.address(); }
  SSL_CTX* context() { return context_.get(); }
  SSL* session() { return session_.get(); }

  void show(const Certificate& own) {
    const auto memory = [](const std::string& pem) {
      return std::unique_ptr<BIO, FreeTls>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    };
    const std::unique_ptr<X509, FreeTls> certificate(
        PEM_read_bio_X509(memory(own.certificate_pem).get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<EVP_PKEY, FreeTls> key(
        PEM_read_bio_PrivateKey(memory(own.key_pem).get(), nullptr, nullptr, nullptr));
    ASSERT_EQ(SSL_CTX_use_cert_and_key(context_.get(), certificate.get(), key.get(), nullptr, 1), 1);
  }
  void demand_certificates_of(const TestAuthority& authority) {
    const std::unique_ptr<BIO, FreeTls> pem(
        BIO_new_mem_buf(authority.pem().data(), static_cast<int>(authority.pem().size())));
    const std::unique_ptr<X509, FreeTls> trusted(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    ASSERT_EQ(X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), trusted.get()), 1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  // Takes a waiting connection in place of the one before.
  bool accept() {
    Descriptor fresh(accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK));
    if (fresh.get() < 0) return false;
    fd_ = std::move(fresh);
    session_.reset(SSL_new(context_.get()));
    SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(session_.get()), -1);
    SSL_set_accept_state(session_.get());
    stream_.clear();
    messages_.clear();
    said_goodbye_ = ended_ = false;
    return true;
  }
  // Takes the first connection, or the next when the one before has ended; reads what is there, answers what TLS has to
  // answer, and takes the messages out of it.
  void step() {
    if (!session_ || ended_) accept();
    if (!session_) return;
    Bytes buffer(65536);
    ssize_t received = 0;
    while ((received = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
      BIO_write(SSL_get_rbio(session_.get()), buffer.data(), static_cast<int>(received));
    }
    ended_ = ended_ || received == 0;
    std::size_t octets = 0;
    ERR_clear_error();
    while (SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &octets) == 1) {
      stream_.insert(stream_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(octets));
    }
    said_goodbye_ = said_goodbye_ || (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    ERR_clear_error();
    write();
    for (ParsedMessage& message : take_messages(stream_)) messages_.push_back(std::move(message));
  }
  // What TLS has written goes out.
  void write() {
    char buffer[65536];
    int octets = 0;
    while ((octets = BIO_read(SSL_get_wbio(session_.get()), buffer, sizeof buffer)) > 0) {
      static_cast<void>(!::send(fd_.get(), buffer, static_cast<std::size_t>(octets), MSG_NOSIGNAL));
    }
  }
  void send_raw(const std::string& text) const {
    static_cast<void>(!::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL));
  }
  int fd() const { return fd_.get(); }
  void read_raw() const {
    char ignored[65536];
    while (recv(fd_.get(), ignored, sizeof ignored, MSG_DONTWAIT) > 0) {
    }
  }
  void close() {
    session_.reset();
    fd_.close();
  }

  const std::vector<ParsedMessage>& messages() const { return messages_; }
  bool said_goodbye() const { return said_goodbye_; }  // close_notify came
  bool ended() const { return ended_; }                // TCP's end came

 private:
  TcpCollector listener_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::unique_ptr<SSL, FreeTls> session_;
  Descriptor fd_;
  Bytes stream_;
  std::vector<ParsedMessage> messages_;
  bool said_goodbye_ = false;
  bool ended_ = false;
};

}  // namespace ipfix_test
