#include "k8s-bridge/watcher/exporter_session.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ofe::watcher {

namespace v1 = metadata::v1;

const char* to_string(SessionEnd end) {
  switch (end) {
    case SessionEnd::none:
      return "connected";
    case SessionEnd::closed:
      return "closed by the exporter";
    case SessionEnd::no_hello:
      return "no hello in time";
    case SessionEnd::malformed:
      return "broke the protocol";
    case SessionEnd::stalled:
      return "reads nothing";
    case SessionEnd::fell_behind:
      return "fell behind by more removals than are kept";
    case SessionEnd::failed:
      return "connection failed";
  }
  return "?";
}

ExporterSession::ExporterSession(int fd, std::uint64_t id, const SessionLimits& limits, const Now& now)
    : fd_(fd), id_(id), limits_(limits), progress_ms_(now.monotonic_ms) {}

ExporterSession::~ExporterSession() {
  close(fd_);
}

void ExporterSession::finish(SessionEnd end, std::string detail) {
  if (end_ != SessionEnd::none) return;
  end_ = end;
  end_detail_ = std::move(detail);
}

void ExporterSession::run(const Now& now, const ObjectStore& store, const SourceState& state,
                          const std::string& default_node) {
  read(now, store, default_node);
  if (end_ == SessionEnd::none && feed_) write(now, state);
}

void ExporterSession::read(const Now& now, const ObjectStore& store, const std::string& default_node) {
  char buffer[4096];
  // An exporter has little to say; one that says a lot is read no faster than the loop turns.
  const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got == 0) return finish(SessionEnd::closed);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) finish(SessionEnd::failed, std::strerror(errno));
  } else {
    reader_.feed({buffer, static_cast<std::size_t>(got)});
    v1::Frame frame;
    while (end_ == SessionEnd::none && reader_.next(frame)) take(frame, store, default_node);
    if (reader_.error() != metadata::FrameError::none) {
      finish(SessionEnd::malformed, metadata::to_string(reader_.error()));
    }
  }
  if (!feed_ && now.monotonic_ms >= progress_ms_ + limits_.hello_timeout_ms) finish(SessionEnd::no_hello);
}

void ExporterSession::take(v1::Frame& frame, const ObjectStore& store, const std::string& default_node) {
  if (frame.kind_case() == v1::Frame::KIND_NOT_SET) return;  // of a newer exporter
  if (frame.kind_case() != v1::Frame::kHello) return finish(SessionEnd::malformed, "a message only the bridge sends");
  if (feed_) return finish(SessionEnd::malformed, "a second hello");
  v1::Hello& hello = *frame.mutable_hello();
  if (hello.protocol_version() == 0) return finish(SessionEnd::malformed, "a hello without protocol version");
  if (hello.node_name().empty()) hello.set_node_name(default_node);
  spdlog::info("exporter {}: on Node {}, wants {}", id_, hello.node_name(),
               hello.scope() == v1::SCOPE_CLUSTER ? "Pods of every Node" : "Pods of its Node");
  feed_.emplace(std::move(hello), store);
  if (feed_->resumes()) spdlog::info("exporter {}: goes on where it was", id_);
}

void ExporterSession::write(const Now& now, const SourceState& state) {
  if (feed_->lost()) return finish(SessionEnd::fell_behind);
  std::size_t written = 0;
  more_now_ = false;
  while (end_ == SessionEnd::none) {
    if (output_waiting() == 0) {
      output_.clear();
      written_ = 0;
      feed_->fill(output_, limits_.output_octets, state, now);
      if (output_.empty()) return;
      progress_ms_ = now.monotonic_ms;
    }
    const std::size_t before = output_waiting();
    if (!flush(now)) return;
    written += before;
    if (written >= limits_.turn_octets) {
      more_now_ = true;
      return;
    }
  }
}

// True: everything was taken.
bool ExporterSession::flush(const Now& now) {
  while (output_waiting() > 0) {
    const ssize_t sent = send(fd_, output_.data() + written_, output_waiting(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      written_ += static_cast<std::size_t>(sent);
      progress_ms_ = now.monotonic_ms;
    } else if (errno == EAGAIN) {
      if (now.monotonic_ms >= progress_ms_ + limits_.stall_timeout_ms) finish(SessionEnd::stalled);
      return false;
    } else if (errno != EINTR) {
      finish(SessionEnd::failed, std::strerror(errno));
      return false;
    }
  }
  return true;
}

short ExporterSession::events() const {
  return static_cast<short>(output_waiting() > 0 ? POLLIN | POLLOUT : POLLIN);
}

std::optional<std::int64_t> ExporterSession::next_deadline_ms(const Now& now) const {
  if (!feed_) return progress_ms_ + limits_.hello_timeout_ms;
  if (more_now_) return now.monotonic_ms;
  if (output_waiting() > 0) return progress_ms_ + limits_.stall_timeout_ms;
  return feed_->next_deadline_ms();
}

}  // namespace ofe::watcher
