#include "k8s-bridge/watcher/http_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/k8s-bridge/watcher/fake_api_server.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"
#include "tests/k8s-bridge/watcher/test_certificates.h"

namespace ofe::watcher {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Collected final : public HttpHandler {
 public:
  bool body(long, std::string_view bytes, const Now&) override {
    text += bytes;
    return text.size() <= limit;
  }
  void finished(const HttpResult& result_, const Now&) override {
    result = result_;
    done = true;
  }
  std::string text;
  std::size_t limit = 1u << 20;
  HttpResult result;
  bool done = false;
};

class HttpClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    setenv("no_proxy", "127.0.0.1,localhost,kubernetes", 1);  // whatever the machine's environment says
    signal(SIGPIPE, SIG_IGN);                                 // OpenSSL writes to clients that left
  }
  void serve(FakeApiServer::Script script) {
    server_ = std::make_unique<FakeApiServer>(std::move(script));
    access_.server = fmt::format("http://127.0.0.1:{}", server_->port());
  }
  void serve_tls(const std::string& names) {
    server_ = std::make_unique<FakeApiServer>([](const FakeRequest&, FakeReply& reply) { reply.answer(200, "hello"); },
                                              authority_.issue("server", names), authority_.pem());
    access_.server = fmt::format("https://127.0.0.1:{}", server_->port());
    access_.ca_data = authority_.pem();
  }
  Collected get(const std::string& path) {
    HttpClient client(access_);
    Collected collected;
    std::string error;
    if (!client.start(path, 10'000, collected, error)) {
      collected.result.error = error;
      return collected;
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!collected.done && std::chrono::steady_clock::now() < give_up) {
      client.run({});
      client.poll({}, 50);
    }
    EXPECT_TRUE(collected.done);
    return collected;
  }

  TemporaryFolder folder_;
  TestAuthority authority_{"test authority"};
  std::unique_ptr<FakeApiServer> server_;
  ApiAccess access_;
};

TEST_F(HttpClientTest, PathPrefixTokenAndBody) {
  serve([](const FakeRequest&, FakeReply& reply) { reply.answer(200, "hello"); });
  access_.server += "/prefix/";
  access_.token = "abc\n";
  const Collected got = get("/api/v1/pods?limit=500");
  EXPECT_EQ(got.text, "hello");
  EXPECT_EQ(got.result.status, 200);
  EXPECT_EQ(got.result.error, "");
  const FakeRequest request = server_->requests().at(0);
  EXPECT_EQ(request.target, "/prefix/api/v1/pods?limit=500");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer abc");
}

TEST_F(HttpClientTest, TokenFileIsReadForEveryRequest) {
  serve([](const FakeRequest&, FakeReply& reply) { reply.answer(200, ""); });
  access_.token_path = folder_.write("token", "first\n");
  get("/");
  folder_.write("token", "second");
  get("/");
  EXPECT_EQ(server_->requests().at(0).headers.at("authorization"), "Bearer first");
  EXPECT_EQ(server_->requests().at(1).headers.at("authorization"), "Bearer second");
  folder_.write("token", "\n");
  EXPECT_THAT(get("/").result.error, HasSubstr("token is empty"));
  access_.token_path = folder_.path("gone");
  EXPECT_THAT(get("/").result.error, HasSubstr("cannot open"));
}

TEST_F(HttpClientTest, RetryAfterAndStatus) {
  serve([](const FakeRequest&, FakeReply& reply) { reply.answer(429, "later", "Retry-After: 7\r\n"); });
  const Collected got = get("/");
  EXPECT_EQ(got.result.status, 429);
  EXPECT_EQ(got.result.retry_after_ms, 7'000);
}

TEST_F(HttpClientTest, ARedirectIsNotFollowed) {
  serve([](const FakeRequest&, FakeReply& reply) { reply.answer(302, "", "Location: http://127.0.0.1:1/\r\n"); });
  EXPECT_EQ(get("/").result.status, 302) << "it could lead the token elsewhere";
}

TEST_F(HttpClientTest, NobodyThere) {
  serve([](const FakeRequest&, FakeReply& reply) { reply.answer(200, ""); });
  server_.reset();
  const Collected got = get("/");
  EXPECT_EQ(got.result.status, 0);
  EXPECT_THAT(got.result.error, HasSubstr("connect"));
}

TEST_F(HttpClientTest, AHandlerMayEndTheRequest) {
  serve([](const FakeRequest&, FakeReply& reply) {
    reply.begin_stream();
    reply.chunk(std::string(100'000, 'x'));
    reply.hold();
  });
  HttpClient client(access_);
  Collected small;
  small.limit = 10;
  std::string error;
  ASSERT_TRUE(client.start("/", 10'000, small, error));
  for (int i = 0; i < 400 && !small.done; ++i) {
    client.run({});
    client.poll({}, 50);
  }
  EXPECT_EQ(small.result.error, "ended by us");
}

TEST_F(HttpClientTest, CertificateOfTheGivenAuthority) {
  serve_tls("IP:127.0.0.1");
  EXPECT_EQ(get("/").text, "hello");
  access_.ca_path = folder_.write("ca.crt", access_.ca_data);
  access_.ca_data.clear();
  EXPECT_EQ(get("/").text, "hello");
}

TEST_F(HttpClientTest, CertificateOfAnotherAuthorityIsRefused) {
  serve_tls("IP:127.0.0.1");
  access_.ca_data = TestAuthority("another").pem();
  const Collected got = get("/");
  EXPECT_THAT(got.result.error, HasSubstr("certificate"));
  EXPECT_THAT(server_->requests(), IsEmpty()) << "the token never left";
  access_.insecure_skip_tls_verify = true;
  EXPECT_EQ(get("/").text, "hello");
}

TEST_F(HttpClientTest, CertificateOfAnotherNameIsRefused) {
  serve_tls("DNS:kubernetes");
  EXPECT_THAT(get("/").result.error, HasSubstr("127.0.0.1"));
  EXPECT_THAT(server_->requests(), IsEmpty());
  access_.tls_server_name = "kubernetes";
  EXPECT_EQ(get("/api").text, "hello");
  EXPECT_EQ(server_->requests().at(0).target, "/api");
  access_.tls_server_name = "kubernetes.other";
  EXPECT_THAT(get("/").result.error, HasSubstr("kubernetes.other"));
}

TEST_F(HttpClientTest, ClientCertificateIsShown) {
  serve_tls("IP:127.0.0.1");
  const Certificate client = authority_.issue("bridge", "");
  access_.client_certificate_data = client.certificate_pem;
  access_.client_key_data = client.key_pem;
  EXPECT_EQ(get("/").text, "hello");
  EXPECT_EQ(server_->requests().at(0).client_name, "bridge");
}

// The system's authorities would be trusted in the place of the cluster's.
TEST_F(HttpClientTest, NoRequestWithoutWhatTheFilesShouldHold) {
  serve_tls("IP:127.0.0.1");
  access_.ca_data.clear();
  access_.ca_path = folder_.write("ca.crt", "");
  EXPECT_EQ(get("/").result.error, access_.ca_path + " is empty");
  access_.ca_path += ".gone";
  EXPECT_THAT(get("/").result.error, HasSubstr(access_.ca_path));
  access_.ca_path = folder_.write("ca.crt", authority_.pem());
  access_.client_certificate_path = folder_.write("user.crt", "");
  access_.client_key_path = folder_.write("user.key", authority_.issue("bridge", "").key_pem);
  EXPECT_EQ(get("/").result.error, access_.client_certificate_path + " is empty");
  EXPECT_THAT(server_->requests(), IsEmpty());
}

}  // namespace
}  // namespace ofe::watcher
