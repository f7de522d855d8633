#include "tests/k8s-bridge/watcher/fake_api_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace ofe::watcher {

namespace {

SSL_CTX* make_tls(const Certificate& certificate, const std::string& client_authority_pem) {
  SSL_CTX* tls = SSL_CTX_new(TLS_server_method());
  BIO* memory = BIO_new_mem_buf(certificate.certificate_pem.data(), -1);
  X509* own = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  memory = BIO_new_mem_buf(certificate.key_pem.data(), -1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  memory = BIO_new_mem_buf(client_authority_pem.data(), -1);
  X509* authority = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  EXPECT_EQ(SSL_CTX_use_certificate(tls, own), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(tls, key), 1);
  EXPECT_EQ(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), authority), 1);
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, nullptr);
  X509_free(own);
  X509_free(authority);
  EVP_PKEY_free(key);
  return tls;
}

std::string client_name(SSL* ssl) {
  X509* certificate = ssl != nullptr ? SSL_get1_peer_certificate(ssl) : nullptr;
  if (certificate == nullptr) return "";
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

}  // namespace

void FakeReply::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                      : static_cast<int>(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent <= 0) return;  // the client went away, as it may
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void FakeReply::answer(int status, std::string_view body, const std::string& more_headers) {
  write(fmt::format(
      "HTTP/1.1 {} Told\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
      status, body.size(), more_headers, body));
}

void FakeReply::begin_stream() {
  write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

void FakeReply::chunk(std::string_view bytes) {
  if (!bytes.empty()) write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void FakeReply::end_stream() {
  write("0\r\n\r\n");
}

void FakeReply::hold() {
  std::unique_lock lock(server_.mutex_);
  server_.stopped_.wait(lock, [this] { return server_.stopping_; });
}

FakeApiServer::FakeApiServer(Script script) : script_(std::move(script)) {
  start();
}

FakeApiServer::FakeApiServer(Script script, const Certificate& certificate, const std::string& client_authority_pem)
    : script_(std::move(script)), tls_(make_tls(certificate, client_authority_pem)) {
  start();
}

void FakeApiServer::start() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(listen(fd_, 16), 0);
  EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

FakeApiServer::~FakeApiServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_fds_) shutdown(fd, SHUT_RDWR);
  }
  stopped_.notify_all();
  shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(fd_);
  SSL_CTX_free(tls_);
}

std::vector<FakeRequest> FakeApiServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeApiServer::accept_connections() {
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int at_once = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    open_fds_.push_back(fd);
    connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void FakeApiServer::serve(int fd) {
  SSL* ssl = nullptr;
  bool ready = true;
  if (tls_ != nullptr) {
    ssl = SSL_new(tls_);
    SSL_set_fd(ssl, fd);
    ready = SSL_accept(ssl) == 1;
  }
  FakeRequest request;
  if (ready && read_request(fd, ssl, request)) {
    request.client_name = client_name(ssl);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    FakeReply reply(*this, fd, ssl);
    script_(request, reply);
    if (ssl != nullptr) SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  const std::lock_guard lock(mutex_);
  open_fds_.remove(fd);
  close(fd);
}

bool FakeApiServer::read_request(int fd, SSL* ssl, FakeRequest& request) {
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos) {
    char buffer[4096];
    const int got =
        ssl != nullptr ? SSL_read(ssl, buffer, sizeof buffer) : static_cast<int>(recv(fd, buffer, sizeof buffer, 0));
    if (got <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t start = text.find(' ') + 1;
  request.target = text.substr(start, text.find(' ', start) - start);
  std::size_t line = text.find("\r\n") + 2;
  for (std::size_t end = text.find("\r\n", line); end > line; line = end + 2, end = text.find("\r\n", line)) {
    const std::size_t colon = text.find(": ", line);
    std::string name = text.substr(line, colon - line);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = text.substr(colon + 2, end - colon - 2);
  }
  return true;
}

}  // namespace ofe::watcher
