// HTTP over libcurl's multi interface: requests that deliver their body as it comes, many at once, on one thread. Also
// the loop's wait: curl_multi_poll takes the other descriptors along.
#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s-bridge/watcher/api_access.h"
#include "k8s-bridge/watcher/now.h"

namespace ofe::watcher {

struct HttpResult {
  long status = 0;    // 0: no response
  std::string error;  // of the connection; "" when the response was complete
  std::optional<std::int64_t> retry_after_ms;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // The response's header is there. Its body may be long in coming: a watch says nothing while nothing happens.
  virtual void responding(long /*status*/, const Now& /*now*/) {}
  // A piece of the response's body; false ends the request, and finished() follows.
  virtual bool body(long status, std::string_view bytes, const Now& now) = 0;
  // The last call for this request. May start another one.
  virtual void finished(const HttpResult& result, const Now& now) = 0;
};

class HttpClient {
 public:
  explicit HttpClient(ApiAccess access);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // GET of a path with its query, below the server's URL. The handler must live until finished() or cancel().
  // nullopt: it could not be started, error says why.
  std::optional<std::uint64_t> start(const std::string& path, std::int64_t timeout_ms, HttpHandler& handler,
                                     std::string& error);
  void cancel(std::uint64_t request);  // finished() is not called; not from within body()
  void run(const Now& now);
  // Waits for requests, the descriptors (revents are not filled in) or the time to pass.
  void poll(const std::vector<pollfd>& fds, std::int64_t timeout_ms);

  static std::string escape(std::string_view text);

 private:
  struct Request;
  bool configure(Request& request, const std::string& path, std::int64_t timeout_ms, std::string& error);
  bool configure_tls(Request& request, std::string& error) const;
  bool add_token(Request& request, std::string& error) const;
  static std::size_t receive_header(char* bytes, std::size_t size, std::size_t count, void* context);
  static std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* request);

  ApiAccess access_;
  std::string base_url_;    // the server's, with tls_server_name in place of its host where one is set
  std::string connect_to_;  // then: where to really connect to, as CURLOPT_CONNECT_TO has it
  std::string url_error_;
  void* multi_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::unique_ptr<Request>> requests_;
};

}  // namespace ofe::watcher
