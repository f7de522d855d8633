#include "k8s-bridge/directory/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "proto/frame.h"

namespace ofe::k8s {

namespace {

constexpr std::size_t read_octets = 64u << 10;  // of one read

std::string reason(int error) {
  return std::generic_category().message(error);
}

// A connected non-blocking socket, or -errno. On a unix socket connect() is done at once or fails: with EAGAIN when
// the listener's backlog is full (unix(7)), never with EINPROGRESS.
int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return -ENOENT;
  if (path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

struct Client::Impl {
  Impl(ClientOptions given, Directory& fed)
      : options(std::move(given)), directory(fed), backoff_ms(options.reconnect_initial_ms), chunk(read_octets) {}
  ~Impl() { close(); }

  void connect(std::int64_t monotonic_ms);
  bool send_hello(std::int64_t monotonic_ms);
  void read(std::int64_t monotonic_ms, std::int64_t wall_ms);
  bool take_frames(std::int64_t monotonic_ms, std::int64_t wall_ms);
  const char* handle(const metadata::v1::Frame& frame, std::int64_t wall_ms);
  void protocol_error(std::string_view what, std::int64_t monotonic_ms);
  void drop(std::string error, std::int64_t monotonic_ms);
  void schedule_connect(std::int64_t monotonic_ms);
  void note_staleness(std::int64_t wall_ms);
  void close();

  const ClientOptions options;
  Directory& directory;
  ClientStats stats;
  int fd = -1;
  std::string unsent;  // of the Hello
  metadata::FrameReader reader;
  metadata::v1::Frame frame;  // reused, so that its messages' memory is
  bool in_snapshot = false;
  std::uint64_t epoch = 0, version = 0;  // of what the directory holds; 0: of no bridge that can be resumed
  std::int64_t source_stale_since_wall_ms = 0;
  bool more_to_read = false;  // the last run stopped at its limit
  std::int64_t last_run_ms = 0;
  std::int64_t connect_at_ms = 0;  // monotonic; 0: at the first run
  std::int64_t backoff_ms;
  std::vector<char> chunk;
};

void Client::Impl::note_staleness(std::int64_t wall_ms) {
  if (!directory.has_snapshot()) return;
  if (stats.synced && stats.source_synced) {
    stats.stale_since_wall_ms = source_stale_since_wall_ms;
  } else if (stats.stale_since_wall_ms == 0) {
    stats.stale_since_wall_ms = wall_ms;
  }
}

void Client::Impl::schedule_connect(std::int64_t monotonic_ms) {
  connect_at_ms = monotonic_ms + backoff_ms;
  backoff_ms = std::min(backoff_ms * 2, options.reconnect_max_ms);
}

void Client::Impl::connect(std::int64_t monotonic_ms) {
  metadata::v1::Frame hello;
  hello.mutable_hello()->set_protocol_version(metadata::protocol_version);
  hello.mutable_hello()->set_node_name(options.node_name);
  hello.mutable_hello()->set_scope(options.cluster_scope ? metadata::v1::SCOPE_CLUSTER : metadata::v1::SCOPE_LOCAL);
  hello.mutable_hello()->set_epoch(epoch);
  hello.mutable_hello()->set_version(version);
  unsent.clear();
  int result = -EMSGSIZE;
  if (metadata::append_frame(hello, unsent)) result = connect_unix(options.socket_path);
  if (result < 0) {
    ++stats.connect_failures;
    stats.last_error = "connect " + options.socket_path + ": " + reason(-result);
    schedule_connect(monotonic_ms);
    return;
  }
  fd = result;
  reader = {};
  ++stats.connects;
  stats.connected = true;
  stats.last_error.clear();
}

// false: the connection was dropped.
bool Client::Impl::send_hello(std::int64_t monotonic_ms) {
  while (!unsent.empty()) {
    const ssize_t sent = ::send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (would_block(errno)) return true;
      drop("write " + options.socket_path + ": " + reason(errno), monotonic_ms);
      return false;
    }
    unsent.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

void Client::Impl::read(std::int64_t monotonic_ms, std::int64_t wall_ms) {
  more_to_read = false;
  for (std::size_t total = 0; total < options.read_octets_per_run;) {
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got < 0) {
      if (!would_block(errno)) drop("read " + options.socket_path + ": " + reason(errno), monotonic_ms);
      return;
    }
    if (got == 0) return drop("read " + options.socket_path + ": closed by the bridge", monotonic_ms);
    reader.feed({chunk.data(), static_cast<std::size_t>(got)});
    if (!take_frames(monotonic_ms, wall_ms)) return;
    total += static_cast<std::size_t>(got);
  }
  more_to_read = true;
}

// false: the connection was dropped.
bool Client::Impl::take_frames(std::int64_t monotonic_ms, std::int64_t wall_ms) {
  while (reader.next(frame)) {
    ++stats.frames;
    stats.last_message_wall_ms = wall_ms;
    if (const char* wrong = handle(frame, wall_ms)) {
      protocol_error(wrong, monotonic_ms);
      return false;
    }
  }
  if (reader.error() == metadata::FrameError::none) return true;
  protocol_error(metadata::to_string(reader.error()), monotonic_ms);
  return false;
}

// nullptr, or what is wrong with it.
const char* Client::Impl::handle(const metadata::v1::Frame& received, std::int64_t wall_ms) {
  switch (received.kind_case()) {
    case metadata::v1::Frame::kHello:
      return "a Hello from the bridge";
    case metadata::v1::Frame::kSnapshotBegin:
      if (in_snapshot) return "SnapshotBegin inside a snapshot";
      in_snapshot = true;
      directory.begin_snapshot();
      return nullptr;
    case metadata::v1::Frame::kUpdate:
      if (!in_snapshot && !stats.synced) return "Update before the snapshot";
      directory.apply(received.update(), wall_ms);
      if (!in_snapshot && received.update().version() != 0) version = received.update().version();
      return nullptr;
    case metadata::v1::Frame::kSnapshotEnd:
      if (!in_snapshot) return "SnapshotEnd without SnapshotBegin";
      in_snapshot = false;
      directory.end_snapshot(wall_ms);
      epoch = received.snapshot_end().epoch();
      version = received.snapshot_end().version();
      stats.synced = true;
      backoff_ms = options.reconnect_initial_ms;
      return nullptr;
    case metadata::v1::Frame::kResumed:
      if (epoch == 0 || in_snapshot || stats.synced) return "Resumed, which was not asked for";
      stats.synced = true;
      ++stats.resumed;
      backoff_ms = options.reconnect_initial_ms;
      return nullptr;
    case metadata::v1::Frame::kSourceStatus:
      stats.source_synced = received.source_status().synced();
      stats.source_detail = received.source_status().detail();
      source_stale_since_wall_ms = received.source_status().stale_since_wall_ms();
      return nullptr;
    case metadata::v1::Frame::kBridgeCounters:
      stats.bridge = received.bridge_counters();
      return nullptr;
    case metadata::v1::Frame::KIND_NOT_SET:
      return nullptr;  // a kind of a newer bridge
  }
  return nullptr;
}

void Client::Impl::protocol_error(std::string_view what, std::int64_t monotonic_ms) {
  ++stats.protocol_errors;
  drop("read " + options.socket_path + ": protocol error: " + std::string(what), monotonic_ms);
}

void Client::Impl::drop(std::string error, std::int64_t monotonic_ms) {
  close();
  stats.last_error = std::move(error);
  schedule_connect(monotonic_ms);
}

void Client::Impl::close() {
  if (fd < 0) return;
  ::close(fd);
  fd = -1;
  if (std::exchange(in_snapshot, false)) directory.abandon_snapshot();
  more_to_read = false;
  stats.connected = stats.synced = stats.source_synced = false;
  stats.source_detail.clear();
}

Client::Client(ClientOptions options, Directory& directory)
    : impl_(std::make_unique<Impl>(std::move(options), directory)) {}

Client::~Client() = default;

void Client::run(std::int64_t monotonic_ms, std::int64_t wall_ms) {
  impl_->last_run_ms = monotonic_ms;
  if (impl_->fd < 0 && monotonic_ms >= impl_->connect_at_ms) impl_->connect(monotonic_ms);
  if (impl_->fd >= 0 && impl_->send_hello(monotonic_ms)) impl_->read(monotonic_ms, wall_ms);
  impl_->note_staleness(wall_ms);
}

int Client::fd() const {
  return impl_->fd;
}

short Client::events() const {
  if (impl_->fd < 0) return 0;
  return static_cast<short>(impl_->unsent.empty() ? POLLIN : POLLIN | POLLOUT);
}

std::optional<std::int64_t> Client::next_deadline_ms() const {
  if (impl_->fd < 0) return impl_->connect_at_ms;
  if (impl_->more_to_read) return impl_->last_run_ms;
  return std::nullopt;
}

const ClientStats& Client::stats() const {
  return impl_->stats;
}

}  // namespace ofe::k8s
