// Plain OpenSSL as exporter, as exporters do that send one record a message: an SSL_write for each, records encoded
// beforehand.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <ctime>
#include <stdexcept>

#include "ipfix/message_writer.h"
#include "tests/bench/export_sender.h"

namespace bench {
namespace {

void check(bool succeeded, const char* what) {
  if (succeeded) return;
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  throw std::runtime_error(std::string("OpenSSL: ") + what + ": " + text);
}

int connected_socket(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  check(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
  return fd;
}

class OpensslSender : public ExportSender {
 public:
  OpensslSender(const FlowTable& table, std::uint16_t port, const std::string& ca_file) {
    const ipfix::Template definition = flow_template();
    const std::vector<const FlowField*> order = fields_in_order(definition);
    ipfix::MessageWriter writer(1, 65535);
    writer.add_template(definition);
    ipfix::Message templates = writer.take();
    for (const FlowValues& flow : table.flows()) {
      writer.add_record(definition.id, encoded(flow, order));
      messages_.push_back(writer.take());
    }
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    check(SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1, "read the authority's certificate");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    session_ = SSL_new(context);
    SSL_set_fd(session_, connected_socket(port));
    check(SSL_connect(session_) == 1, "handshake");
    write(templates);
  }

  void send(std::size_t number) override { write(messages_[number]); }
  void flush() override {}

 private:
  void write(ipfix::Message& message) {
    ipfix::stamp(message, static_cast<std::uint32_t>(std::time(nullptr)), sequence_);
    sequence_ += message.data_records;
    check(SSL_write(session_, message.octets.data(), static_cast<int>(message.octets.size())) > 0, "write");
  }

  std::vector<ipfix::Message> messages_;
  std::uint32_t sequence_ = 0;
  SSL* session_ = nullptr;
};

}  // namespace

std::unique_ptr<ExportSender> make_openssl_sender(const FlowTable& table, std::uint16_t port,
                                                  const std::string& ca_file) {
  return std::make_unique<OpensslSender>(table, port, ca_file);
}

}  // namespace bench
