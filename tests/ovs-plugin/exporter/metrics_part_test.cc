#include "ovs-plugin/exporter/metrics_part.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ofe {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

// The whole answer, head included; "" where nobody listens.
std::string get(std::uint16_t port, const std::string& path = "/metrics") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in name = loopback(port);
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    char piece[4096];
    for (ssize_t got; (got = ::recv(fd, piece, sizeof piece, 0)) > 0;) {
      answer.append(piece, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

// A port of loopback that somebody listens on.
class Occupied {
 public:
  Occupied() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name = loopback(0);
    socklen_t length = sizeof name;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), length), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &length), 0);
    port = ntohs(name.sin_port);
  }
  ~Occupied() { release(); }
  void release() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::uint16_t port = 0;

 private:
  int fd_;
};

class MetricsPartTest : public testing::Test {
 protected:
  void listen_at(const std::string& address) {
    config::Config settings;
    settings.metrics_address = address;
    state_.apply(settings, now_);
  }
  void run_at(std::int64_t monotonic_ms) {
    now_.monotonic_ms = monotonic_ms;
    part_.run(now_);
  }
  // Until what the web server's threads have to do is done.
  void run_until_listening() {
    for (; part_.port() == 0 && part_.problem().empty(); ::usleep(1'000)) part_.run(now_);
  }

  flowstore::Now now_{1'000, 1'700'000'000'000};
  State state_{{}, "node-a", now_};
  int asked_ = 0;
  MetricsPart part_{state_, [this] { return Json{{"store", {{"created", ++asked_}}}}; }};
};

TEST_F(MetricsPartTest, NothingListensUnlessAskedFor) {
  run_at(1'000);
  EXPECT_EQ(part_.port(), 0);
  EXPECT_EQ(part_.problem(), "");
  EXPECT_EQ(asked_, 0);
}

TEST_F(MetricsPartTest, AnswersWithTheLatestNumbersWhateverTheLoopDoes) {
  listen_at("127.0.0.1:0");
  run_at(1'000);
  ASSERT_NE(part_.port(), 0) << part_.problem();
  for (int i = 0; i < 2; ++i) {
    const std::string answer = get(part_.port());
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8"));
    EXPECT_THAT(answer, HasSubstr("\novs_flow_exporter_store_created_total 1\n"));
  }
  run_at(1'999);
  EXPECT_EQ(asked_, 1) << "once a second";
  run_at(2'000);
  EXPECT_THAT(get(part_.port()), HasSubstr("\novs_flow_exporter_store_created_total 2\n"));
  EXPECT_THAT(get(part_.port(), "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(part_.port(), "/../../../etc/passwd"), Not(HasSubstr("root:")));
}

TEST_F(MetricsPartTest, APortInUseIsReportedAndTriedAgain) {
  Occupied occupied;
  listen_at("127.0.0.1:" + std::to_string(occupied.port));
  run_at(1'000);
  EXPECT_EQ(part_.port(), 0);
  EXPECT_EQ(part_.problem(),
            "cannot listen on 127.0.0.1:" + std::to_string(occupied.port) + ": Address already in use");
  occupied.release();
  run_at(10'999);
  EXPECT_EQ(part_.port(), 0);
  run_at(11'000);
  EXPECT_EQ(part_.port(), occupied.port);
  EXPECT_EQ(part_.problem(), "");
}

TEST_F(MetricsPartTest, AnAddressThatIsNotTheHostsIsReported) {
  listen_at("192.0.2.1:9184");
  run_at(1'000);
  EXPECT_EQ(part_.problem(), "cannot listen on 192.0.2.1:9184: Cannot assign requested address");
  listen_at("");
  run_at(1'001);
  EXPECT_EQ(part_.problem(), "");
}

TEST_F(MetricsPartTest, AChangedAddressTakesEffect) {
  listen_at("127.0.0.1:0");
  run_at(1'000);
  const std::uint16_t before = part_.port();
  ASSERT_NE(get(before), "");
  // Another address with the same port: the old one has to go first.
  listen_at("0.0.0.0:" + std::to_string(before));
  run_until_listening();
  EXPECT_EQ(part_.port(), before) << part_.problem();
  EXPECT_NE(get(before), "");
  listen_at("");
  run_at(2'000);
  EXPECT_EQ(part_.port(), 0);
  EXPECT_EQ(part_.problem(), "");
}

}  // namespace
}  // namespace ofe
