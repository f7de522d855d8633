#include "k8s-bridge/watcher/http_client.h"

#include <absl/strings/ascii.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "k8s-bridge/watcher/read_file.h"

namespace ofe::watcher {

namespace {

constexpr long connect_timeout_ms = 10'000;
constexpr long ca_cache_s = 300;  // of the system's authorities; the cluster's own are few and read each time
constexpr std::size_t max_pem_octets = 1u << 20;
constexpr long receive_buffer_octets = 64 * 1024;
constexpr std::size_t max_token_octets = 64 * 1024;

// Remains for the life of the process; libcurl asks for one call before any thread exists.
void initialize_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(once);
}

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

std::string take_url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

template <typename Value>
bool set(CURL* easy, CURLoption option, Value value) {
  return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

// The file as it is now, which must hold something, or the data. White space around it does not count.
bool file_or_data(const std::string& path, const std::string& data, std::size_t max_octets, std::string& text,
                  std::string& error) {
  text = data;
  if (!path.empty() && !read_file(path, max_octets, text, error)) return false;
  absl::StripAsciiWhitespace(&text);
  if (path.empty() || !text.empty()) return true;
  error = fmt::format("{} is empty", path);
  return false;
}

// libcurl keeps a connection for later requests only while the text is the same.
bool set_pem(CURL* easy, CURLoption option, const std::string& path, const std::string& data, std::string& error) {
  std::string text;
  if (!file_or_data(path, data, max_pem_octets, text, error)) return false;
  if (text.empty()) return true;
  curl_blob blob{text.data(), text.size(), CURL_BLOB_COPY};
  if (set(easy, option, &blob)) return true;
  error = "libcurl refuses certificates and keys from memory";
  return false;
}

}  // namespace

struct HttpClient::Request {
  CURL* easy = nullptr;
  HttpHandler* handler = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* connect_to = nullptr;
  Now now;  // of the current run()
  bool refused = false;
  char error[CURL_ERROR_SIZE] = {};

  Request() : easy(curl_easy_init()) {}
  ~Request() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    curl_slist_free_all(connect_to);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
};

HttpClient::HttpClient(ApiAccess access) : access_(std::move(access)) {
  initialize_curl();
  multi_ = curl_multi_init();
  base_url_ = without_slash(access_.server);
  if (access_.tls_server_name.empty()) return;
  CURLU* url = curl_url();
  if (curl_url_set(url, CURLUPART_URL, base_url_.c_str(), 0) != CURLUE_OK) {
    url_error_ = fmt::format("the server's URL {} is malformed", access_.server);
  } else {
    // ":" twice: whatever host and port the URL names.
    connect_to_ = fmt::format("::{}:{}", take_url_part(url, CURLUPART_HOST),
                              take_url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
    curl_url_set(url, CURLUPART_HOST, access_.tls_server_name.c_str(), 0);
    base_url_ = without_slash(take_url_part(url, CURLUPART_URL));
  }
  curl_url_cleanup(url);
}

HttpClient::~HttpClient() {
  for (auto& [id, request] : requests_) curl_multi_remove_handle(multi_, request->easy);
  requests_.clear();
  curl_multi_cleanup(multi_);
}

std::string HttpClient::escape(std::string_view text) {
  char* escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  if (escaped == nullptr) return "";
  std::string copy = escaped;
  curl_free(escaped);
  return copy;
}

// Called for each line of the header; the empty one ends it, and 100 Continue has a header of its own.
std::size_t HttpClient::receive_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  constexpr long first_final_status = 200;
  auto& request = *static_cast<Request*>(context);
  const std::size_t octets = size * count;
  if (absl::StripAsciiWhitespace(absl::string_view(bytes, octets)).empty()) {
    long status = 0;
    curl_easy_getinfo(request.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= first_final_status) request.handler->responding(status, request.now);
  }
  return octets;
}

std::size_t HttpClient::receive(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& request = *static_cast<Request*>(context);
  long status = 0;
  curl_easy_getinfo(request.easy, CURLINFO_RESPONSE_CODE, &status);
  if (request.handler->body(status, {bytes, size * count}, request.now)) return size * count;
  request.refused = true;
  return size * count + 1;  // anything but the count ends the transfer
}

bool HttpClient::add_token(Request& request, std::string& error) const {
  std::string token;
  if (!file_or_data(access_.token_path, access_.token, max_token_octets, token, error)) return false;
  request.headers = curl_slist_append(request.headers, "Accept: application/json");
  if (!token.empty()) {
    request.headers = curl_slist_append(request.headers, fmt::format("Authorization: Bearer {}", token).c_str());
  }
  return set(request.easy, CURLOPT_HTTPHEADER, request.headers);
}

bool HttpClient::configure_tls(Request& request, std::string& error) const {
  CURL* easy = request.easy;
  const long verify = access_.insecure_skip_tls_verify ? 0 : 1;
  bool ok = set(easy, CURLOPT_SSL_VERIFYPEER, verify) && set(easy, CURLOPT_SSL_VERIFYHOST, 2 * verify) &&
            set(easy, CURLOPT_CA_CACHE_TIMEOUT, ca_cache_s);
  if (!access_.ca_path.empty() || !access_.ca_data.empty()) {
    // Otherwise the system's authorities would be trusted besides the cluster's own.
    ok = ok && set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!connect_to_.empty()) {
    request.connect_to = curl_slist_append(nullptr, connect_to_.c_str());
    ok = ok && set(easy, CURLOPT_CONNECT_TO, request.connect_to);
  }
  if (!access_.proxy_url.empty()) {
    // As for kubectl, no_proxy speaks of the proxies of the environment only.
    ok = ok && set(easy, CURLOPT_PROXY, access_.proxy_url.c_str()) && set(easy, CURLOPT_NOPROXY, "");
  }
  if (!ok) error = "libcurl refuses the TLS settings";
  return ok && set_pem(easy, CURLOPT_CAINFO_BLOB, access_.ca_path, access_.ca_data, error) &&
         set_pem(easy, CURLOPT_SSLCERT_BLOB, access_.client_certificate_path, access_.client_certificate_data, error) &&
         set_pem(easy, CURLOPT_SSLKEY_BLOB, access_.client_key_path, access_.client_key_data, error);
}

bool HttpClient::configure(Request& request, const std::string& path, std::int64_t timeout_ms, std::string& error) {
  CURL* easy = request.easy;
  // HTTP/1.1: every watch has a connection of its own, so that none waits for another's flow control window.
  const bool ok = set(easy, CURLOPT_URL, fmt::format("{}{}", base_url_, path).c_str()) &&
                  set(easy, CURLOPT_PROTOCOLS_STR, "http,https") && set(easy, CURLOPT_NOSIGNAL, 1L) &&
                  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
                  set(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms) &&
                  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms)) &&
                  set(easy, CURLOPT_TCP_KEEPALIVE, 1L) && set(easy, CURLOPT_BUFFERSIZE, receive_buffer_octets) &&
                  set(easy, CURLOPT_USERAGENT, "k8s-bridge (ovs-flow-exporter)") &&
                  set(easy, CURLOPT_ERRORBUFFER, request.error) && set(easy, CURLOPT_PRIVATE, &request) &&
                  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&  // a proxy's answer is not the server's
                  set(easy, CURLOPT_HEADERFUNCTION, &HttpClient::receive_header) &&
                  set(easy, CURLOPT_HEADERDATA, &request) && set(easy, CURLOPT_WRITEFUNCTION, &HttpClient::receive) &&
                  set(easy, CURLOPT_WRITEDATA, &request);
  if (!ok) error = fmt::format("libcurl refuses the request for {}{}", base_url_, path);
  return ok && configure_tls(request, error) && add_token(request, error);
}

std::optional<std::uint64_t> HttpClient::start(const std::string& path, std::int64_t timeout_ms, HttpHandler& handler,
                                               std::string& error) {
  error = url_error_;
  if (!error.empty()) return std::nullopt;
  auto request = std::make_unique<Request>();
  request->handler = &handler;
  if (!configure(*request, path, timeout_ms, error)) return std::nullopt;
  if (const CURLMcode code = curl_multi_add_handle(multi_, request->easy); code != CURLM_OK) {
    error = curl_multi_strerror(code);
    return std::nullopt;
  }
  requests_.emplace(next_id_, std::move(request));
  return next_id_++;
}

void HttpClient::cancel(std::uint64_t id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  curl_multi_remove_handle(multi_, found->second->easy);
  requests_.erase(found);
}

void HttpClient::run(const Now& now) {
  for (auto& [id, request] : requests_) request->now = now;
  int running = 0;
  curl_multi_perform(multi_, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message is gone once its handle is removed
    CURL* easy = message->easy_handle;
    const auto found = std::find_if(requests_.begin(), requests_.end(),
                                    [easy](const auto& item) { return item.second->easy == easy; });
    curl_multi_remove_handle(multi_, easy);
    const std::unique_ptr<Request> request = std::move(found->second);
    requests_.erase(found);
    HttpResult result;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result.status);
    curl_off_t retry_after_s = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK && retry_after_s > 0) {
      result.retry_after_ms = retry_after_s * 1000;
    }
    if (code != CURLE_OK) {
      result.error = request->refused            ? "ended by us"
                     : request->error[0] != '\0' ? request->error
                                                 : curl_easy_strerror(code);
    }
    request->handler->finished(result, now);
  }
}

void HttpClient::poll(const std::vector<pollfd>& fds, std::int64_t timeout_ms) {
  std::vector<curl_waitfd> waits;
  for (const pollfd& fd : fds) {
    if (fd.fd < 0) continue;
    const int events =
        ((fd.events & POLLIN) != 0 ? CURL_WAIT_POLLIN : 0) | ((fd.events & POLLOUT) != 0 ? CURL_WAIT_POLLOUT : 0);
    waits.push_back({fd.fd, static_cast<short>(events), 0});
  }
  const auto bounded = std::clamp<std::int64_t>(timeout_ms, 0, std::numeric_limits<int>::max());
  curl_multi_poll(multi_, waits.data(), static_cast<unsigned>(waits.size()), static_cast<int>(bounded), nullptr);
}

}  // namespace ofe::watcher
