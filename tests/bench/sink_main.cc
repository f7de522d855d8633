// bench-ipfix-sink tcp|udp: listens on 127.0.0.1 at a free port and prints which; reads one session's messages, adds up
// their values and throws them away; prints the sums for every line on standard input.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

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

// All that is there; false: nothing was.
bool drain(int fd, Sink& sink, std::vector<std::uint8_t>& buffer) {
  bool any = false;
  for (;;) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0 && errno != EAGAIN) fail("receive");
    if (received <= 0) return any;
    sink.take({buffer.data(), static_cast<std::size_t>(received)});
    any = true;
  }
}

// The socket is looked at three times a millisecond and never waited for: on one machine waking a receiver up costs the
// sender, and a collector is elsewhere.
void serve(bool stream) {
  int fd = listening_socket(stream);
  if (stream) fd = accept(fd, nullptr, nullptr);
  if (fd < 0) fail("accept");
  Sink sink(stream);
  std::vector<std::uint8_t> buffer(1 << 20);
  pollfd prompt{STDIN_FILENO, POLLIN, 0};
  for (;;) {
    if (drain(fd, sink, buffer)) {
      usleep(300);
    } else if (poll(&prompt, 1, 1) > 0) {
      if (!read_prompt()) return;
      drain(fd, sink, buffer);
      sink.print();
    }
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string protocol = argc == 2 ? argv[1] : "";
  try {
    if (protocol != "tcp" && protocol != "udp") throw std::runtime_error("usage: bench-ipfix-sink tcp|udp");
    bench::serve(protocol == "tcp");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-ipfix-sink: %s\n", error.what());
    return 1;
  }
  return 0;
}
