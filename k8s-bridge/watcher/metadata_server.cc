#include "k8s-bridge/watcher/metadata_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace ofe::watcher {

namespace {

constexpr mode_t socket_mode = 0660;  // exporters run as root or in the socket's group
constexpr std::int64_t accept_pause_ms = 1'000;
constexpr std::int64_t sampling_parts = 8;  // of the resume window

std::string system_error_text(const char* what, const std::string& path) {
  return fmt::format("{} {}: {}", what, path, std::strerror(errno));
}

// False: something stands at the path that is not a left-over socket.
bool clear_path(const std::string& path, const sockaddr_un& address, std::string& error) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return true;
    error = system_error_text("cannot look at", path);
    return false;
  }
  if (!S_ISSOCK(info.st_mode)) {
    error = fmt::format("{} exists and is not a socket; it was left alone", path);
    return false;
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool refused =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(probe);
  if (!refused) {
    error = fmt::format("another program serves {}", path);
    return false;
  }
  if (unlink(path.c_str()) == 0) return true;
  error = system_error_text("cannot remove the left-over socket", path);
  return false;
}

bool make_parent(const std::string& path, std::string& error) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code code;
  if (!parent.empty()) std::filesystem::create_directories(parent, code);
  if (!code) return true;
  error = fmt::format("cannot make the folder {}: {}", parent.string(), code.message());
  return false;
}

bool bind_and_listen(int fd, const std::string& path, const sockaddr_un& address, std::string& error) {
  const mode_t before = umask(0777 & ~socket_mode);  // never wider, not even for a moment
  const int bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  umask(before);
  if (bound != 0) {
    error = system_error_text("cannot make the socket", path);
    return false;
  }
  if (listen(fd, 16) != 0) {
    error = system_error_text("cannot listen on", path);
    return false;
  }
  return true;
}

bool is_admitted(int fd, const ucred& peer, gid_t group) {
  if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == group) return true;
  std::vector<gid_t> more(NGROUPS_MAX);
  socklen_t octets = static_cast<socklen_t>(more.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, more.data(), &octets) != 0) return false;
  more.resize(octets / sizeof(gid_t));
  return std::ranges::find(more, group) != more.end();
}

}  // namespace

std::unique_ptr<MetadataServer> MetadataServer::open(ServerOptions options, std::string& error) {
  const std::string& path = options.socket_path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    error = fmt::format("the socket path \"{}\" must have 1 to {} characters", path, sizeof address.sun_path - 1);
    return nullptr;
  }
  path.copy(address.sun_path, path.size());
  if (!make_parent(path, error) || !clear_path(path, address, error)) return nullptr;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    error = system_error_text("cannot make a socket for", path);
    return nullptr;
  }
  struct stat info {};
  if (!bind_and_listen(fd, path, address, error) || lstat(path.c_str(), &info) != 0) {
    if (error.empty()) error = system_error_text("cannot look at", path);
    close(fd);
    return nullptr;
  }
  return std::unique_ptr<MetadataServer>(new MetadataServer(std::move(options), fd, info));
}

MetadataServer::MetadataServer(ServerOptions options, int fd, const struct stat& file)
    : options_(std::move(options)), fd_(fd), device_(file.st_dev), inode_(file.st_ino), group_(file.st_gid) {}

MetadataServer::~MetadataServer() {
  struct stat info {};
  const char* path = options_.socket_path.c_str();
  if (lstat(path, &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) unlink(path);
  close(fd_);
}

void MetadataServer::accept_sessions(const Now& now) {
  if (accept_again_ms_ && now.monotonic_ms < *accept_again_ms_) return;
  accept_again_ms_.reset();
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      spdlog::error("cannot accept on {}: {}", options_.socket_path, std::strerror(errno));
      accept_again_ms_ = now.monotonic_ms + accept_pause_ms;
      return;
    }
    if (!admit(fd)) {
      close(fd);
      continue;
    }
    if (sessions_.size() >= options_.max_sessions) {
      ++stats_.refused;
      spdlog::warn("an exporter was refused: {} are connected already", sessions_.size());
      close(fd);
      continue;
    }
    ++stats_.accepted;
    sessions_.push_back(std::make_unique<ExporterSession>(fd, next_id_++, options_.session, now));
  }
}

// The socket's mode keeps others out, unless somebody changed it or handed a descriptor on.
bool MetadataServer::admit(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && is_admitted(fd, peer, group_)) return true;
  ++stats_.strangers;
  spdlog::warn("process {} of user {}, group {} was refused: allowed are root, user {} and group {}", peer.pid,
               peer.uid, peer.gid, geteuid(), group_);
  return false;
}

void MetadataServer::end_session(const ExporterSession& session) {
  const bool expected = session.end() == SessionEnd::closed;
  if (session.end() == SessionEnd::malformed) ++stats_.malformed;
  if (session.end() == SessionEnd::stalled || session.end() == SessionEnd::fell_behind ||
      session.end() == SessionEnd::no_hello) {
    ++stats_.dropped;
  }
  spdlog::log(expected ? spdlog::level::info : spdlog::level::warn, "exporter {}: {}{}{}", session.id(),
              to_string(session.end()), session.end_detail().empty() ? "" : ": ", session.end_detail());
}

void MetadataServer::run(const Now& now, ObjectStore& store, SourceState state) {
  accept_sessions(now);
  stats_.connected = sessions_.size();
  state.counts.exporters = stats_;
  std::uint64_t needed = version_a_window_ago(now, store.version());
  for (auto& session : sessions_) {
    const bool introduced = session->feed() != nullptr;
    session->run(now, store, state, options_.node_name);
    if (!introduced && session->feed() != nullptr && session->feed()->resumes()) ++stats_.resumed;
    if (session->end() != SessionEnd::none) {
      end_session(*session);
      session.reset();
    } else if (session->feed() != nullptr) {
      needed = std::min(needed, session->feed()->needs_removals_after().value_or(needed));
    }
  }
  std::erase(sessions_, nullptr);
  store.forget_removals(needed);
}

// Or the oldest known, where that is younger.
std::uint64_t MetadataServer::version_a_window_ago(const Now& now, std::uint64_t version) {
  const std::int64_t part_ms = options_.resume_window_ms / sampling_parts;
  if (versions_.empty() || now.monotonic_ms >= versions_.back().monotonic_ms + part_ms) {
    versions_.push_back({now.monotonic_ms, version});
  }
  while (versions_.size() > 1 && now.monotonic_ms >= versions_[1].monotonic_ms + options_.resume_window_ms) {
    versions_.pop_front();
  }
  return versions_.front().version;
}

void MetadataServer::add_poll_fds(std::vector<pollfd>& fds) const {
  if (!accept_again_ms_) fds.push_back({fd_, POLLIN, 0});
  for (const auto& session : sessions_) fds.push_back({session->fd(), session->events(), 0});
}

std::optional<std::int64_t> MetadataServer::next_deadline_ms(const Now& now) const {
  std::optional<std::int64_t> deadline = accept_again_ms_;
  for (const auto& session : sessions_) {
    const auto due = session->next_deadline_ms(now);
    if (due && (!deadline || *due < *deadline)) deadline = due;
  }
  return deadline;
}

bool MetadataServer::wants_pods_of_all_nodes() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](const auto& session) {
    return session->feed() != nullptr && session->feed()->cluster_scope();
  });
}

}  // namespace ofe::watcher
