// A fake of kube-apiserver for tests: speaks just enough HTTP/1.1 on a loopback port to play back what a test wants, in
// pieces of the test's choice. It knows nothing of Kubernetes; the real kube-apiserver has a test of its own.
#pragma once

#include <openssl/ssl.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/k8s-bridge/watcher/test_certificates.h"

namespace ofe::watcher {

struct FakeRequest {
  std::string target;                          // path and query as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string client_name;                     // CN of the client's certificate
  bool is_watch() const { return target.find("watch=1") != std::string::npos; }
};

class FakeApiServer;

// One answer. The connection is closed when the script returns.
class FakeReply {
 public:
  void answer(int status, std::string_view body, const std::string& more_headers = "");
  void begin_stream();                 // 200, chunked, as the API server streams a watch
  void chunk(std::string_view bytes);  // reaches the client as one piece
  void end_stream();                   // a clean end; without it the stream is cut
  void hold();                         // until the server stops

 private:
  friend class FakeApiServer;
  FakeReply(FakeApiServer& server, int fd, SSL* ssl) : server_(server), fd_(fd), ssl_(ssl) {}
  void write(std::string_view bytes);
  FakeApiServer& server_;
  int fd_;
  SSL* ssl_;
};

class FakeApiServer {
 public:
  using Script = std::function<void(const FakeRequest&, FakeReply&)>;
  explicit FakeApiServer(Script script);
  // With TLS; client certificates of that authority are accepted when shown.
  FakeApiServer(Script script, const Certificate& certificate, const std::string& client_authority_pem);
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  int port() const { return port_; }
  std::vector<FakeRequest> requests();

 private:
  friend class FakeReply;
  void start();
  void accept_connections();
  void serve(int fd);
  bool read_request(int fd, SSL* ssl, FakeRequest& request);

  Script script_;
  SSL_CTX* tls_ = nullptr;
  int fd_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::vector<FakeRequest> requests_;
  std::list<int> open_fds_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace ofe::watcher
