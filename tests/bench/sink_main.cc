// bench-ipfix-sink tcp|udp|tls [CERTIFICATE KEY]: listens on 127.0.0.1 at a free port and prints which; reads one
// session's messages, adds up their values and throws them away; prints the sums for every line on standard input.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "ipfix/collecting_session.h"
#include "tests/bench/flow_reader.h"

namespace bench {
namespace {

// Of datagrams what does not fit is lost, as at any collector.
constexpr int receive_buffer_octets = 32 << 20;

class Sink {
 public:
  explicit Sink(bool stream)
      : stream_(stream),
        session_("sender", stream ? ipfix::SessionKind::stream : ipfix::SessionKind::datagram,
                 ipfix::Registry::builtin(), limits_, handlers_, stats_) {}

  void take(std::span<const std::uint8_t> octets) {
    if (!stream_) return receive(octets);
    framer_.append(octets);
    while (const auto message = framer_.next()) receive(*message);
    if (framer_.finding() != ipfix::Finding::none) throw std::runtime_error("the stream is no IPFIX");
  }
  void print() const {
    std::printf("{\"records\":%lu,\"octet_delta\":%lu,\"text_octets\":%lu,\"messages\":%lu,\"octets\":%lu}\n",
                sums_.records, sums_.octet_delta, sums_.text_octets, stats_.messages, stats_.octets);
    std::fflush(stdout);
  }

 private:
  void receive(std::span<const std::uint8_t> message) {
    if (session_.receive(message, 0) != ipfix::Finding::none) throw std::runtime_error("a message is malformed");
  }

  bool stream_;
  FlowReader reader_;
  FlowSums sums_;
  ipfix::StreamFramer framer_;
  const ipfix::CollectingLimits limits_;
  ipfix::CollectingStats stats_;
  const ipfix::CollectingHandlers handlers_{[this](const ipfix::DataRecord& record) {
                                              FlowValues values;
                                              reader_.read(record, values);
                                              sums_.add(values);
                                            },
                                            {}};
  ipfix::CollectingSession session_;
};

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

int listening_socket(bool stream) {
  const int fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_octets, sizeof receive_buffer_octets);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("bind");
  if (stream && listen(fd, 1) != 0) fail("listen");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("{\"port\":%u}\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return fd;
}

// True: a line was read. False: the end.
bool read_prompt() {
  char prompt[64];
  return read(STDIN_FILENO, prompt, sizeof prompt) > 0;
}

// A session over TLS on an accepted connection; the handshake waits.
SSL* tls_session(int fd, const std::string& certificate, const std::string& key) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL* session = nullptr;
  const bool made = SSL_CTX_use_certificate_file(context, certificate.c_str(), SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1 &&
                    (session = SSL_new(context)) != nullptr && SSL_set_fd(session, fd) == 1 && SSL_accept(session) == 1;
  if (!made) throw std::runtime_error("the TLS session does not come up");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return session;
}

// What is there of it; 0: nothing.
std::size_t receive(int fd, SSL* session, std::vector<std::uint8_t>& buffer) {
  std::size_t octets = 0;
  if (session != nullptr) return SSL_read_ex(session, buffer.data(), buffer.size(), &octets) == 1 ? octets : 0;
  const ssize_t received = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (received < 0 && errno != EAGAIN) fail("receive");
  return received < 0 ? 0 : static_cast<std::size_t>(received);
}

// The socket is looked at three times a millisecond and never waited for: on one machine waking a receiver up costs the
// sender, and a collector is elsewhere.
void serve(const std::vector<std::string>& words) {
  const bool stream = words[0] != "udp";
  int fd = listening_socket(stream);
  if (stream) fd = accept(fd, nullptr, nullptr);
  if (fd < 0) fail("accept");
  SSL* const session = words[0] == "tls" ? tls_session(fd, words[1], words[2]) : nullptr;
  Sink sink(stream);
  std::vector<std::uint8_t> buffer(1 << 20);
  const auto drain = [&] {
    bool any = false;
    while (const std::size_t octets = receive(fd, session, buffer)) {
      sink.take({buffer.data(), octets});
      any = true;
    }
    return any;
  };
  pollfd prompt{STDIN_FILENO, POLLIN, 0};
  for (;;) {
    if (drain()) {
      usleep(300);
    } else if (poll(&prompt, 1, 1) > 0) {
      if (!read_prompt()) return;
      drain();
      sink.print();
    }
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    const std::string protocol = words.empty() ? "" : words[0];
    const bool known = protocol == "tcp" || protocol == "udp" || protocol == "tls";
    if (!known || words.size() != (protocol == "tls" ? 3 : 1)) {
      throw std::runtime_error("usage: bench-ipfix-sink tcp|udp|tls [CERTIFICATE KEY]");
    }
    bench::serve(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-ipfix-sink: %s\n", error.what());
    return 1;
  }
  return 0;
}
