#include "ovs-plugin/exporter/vswitchd_client.h"

#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "ovs-plugin/exporter/vswitchd_socket.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::size_t octets_per_read = 64u << 10, reads_per_run = 4;
// Lines of a dump are a few hundred octets. Only an answer that is none of ovs-vswitchd's goes beyond these.
constexpr std::size_t longest_line = 1u << 20, longest_refusal = 1'000;
constexpr std::uint64_t longest_answer = std::uint64_t{4} << 30;

}  // namespace

bool VswitchdClient::connect() {
  if (fd_ >= 0) return true;
  const std::string path = find_vswitchd_socket(rundir_);
  if (path.empty()) {
    stats_.last_error = "no ovs-vswitchd.*.ctl in " + rundir_ + ": is ovs-vswitchd running?";
    return false;
  }
  if (const int error = ofe_ovs_unixctl_connect(path.c_str(), &fd_)) {
    stats_.last_error = "connect " + path + ": " + ofe_ovs_strerror(error);
    ++stats_.broken;
    return false;
  }
  stats_.socket = path;
  return true;
}

// A request is a few hundred octets on a connection with nothing under way: it goes out whole.
int VswitchdClient::send(const std::string& request) {
  const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno;
  return static_cast<std::size_t>(sent) == request.size() ? 0 : EMSGSIZE;
}

bool VswitchdClient::call(const std::vector<std::string>& words, flowstore::Now now) {
  if (progress_ == Progress::pending) abandon();
  progress_ = Progress::idle;
  text_.clear();
  whole_ = 0;
  octets_ = 0;
  times_ = {now.monotonic_ms, -1, now.monotonic_ms};
  answer_.begin(++last_id_);
  question_ = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) question_ += " " + words[i];
  if (!connect()) return false;
  const std::vector<std::string> arguments(words.begin() + 1, words.end());
  const std::string request = nlohmann::json{{"id", last_id_}, {"method", words[0]}, {"params", arguments}}.dump();
  int error = send(request);
  if (error != 0) {  // a connection left over from an ovs-vswitchd that is gone: once more on a new one
    abandon();
    if (!connect()) return false;
    error = send(request);
  }
  if (error != 0) {
    fail(question_ + ": " + ofe_ovs_strerror(error));
    return false;
  }
  ++stats_.calls;
  deadline_ms_ = now.monotonic_ms + silence_ms_;
  progress_ = Progress::pending;
  return true;
}

VswitchdClient::Progress VswitchdClient::fail(std::string reason) {
  stats_.last_error = std::move(reason);
  ++stats_.broken;
  abandon();
  return progress_ = Progress::failed;
}

VswitchdClient::Progress VswitchdClient::run(flowstore::Now now) {
  if (progress_ != Progress::pending) return progress_;
  text_.erase(0, whole_);
  whole_ = 0;
  times_.ended_ms = now.monotonic_ms;
  if (read(now) != Progress::pending) return progress_;
  if (text_.size() > longest_line || octets_ > longest_answer) {
    return fail(question_ + ": the answer is no list of lines: " + std::to_string(octets_) + " octets");
  }
  if (!answer_.refusing()) {
    const std::size_t end = text_.rfind('\n');
    whole_ = end == std::string::npos ? 0 : end + 1;
  }
  if (now.monotonic_ms >= deadline_ms_) {
    ++stats_.timeouts;
    return fail(question_ + ": nothing of an answer for " + std::to_string(silence_ms_ / 1000) + " s");
  }
  return progress_;
}

VswitchdClient::Progress VswitchdClient::read(flowstore::Now now) {
  octets_read_.resize(octets_per_read);
  for (std::size_t reads = 0; reads < reads_per_run && progress_ == Progress::pending; ++reads) {
    const ssize_t size = ::recv(fd_, octets_read_.data(), octets_read_.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (size < 0) return fail(question_ + ": " + ofe_ovs_strerror(errno));
    if (size == 0) return fail(question_ + ": ovs-vswitchd closed the connection");
    take(std::string_view(octets_read_.data(), static_cast<std::size_t>(size)), now);
  }
  return progress_;
}

VswitchdClient::Progress VswitchdClient::take(std::string_view octets, flowstore::Now now) {
  if (times_.first_octet_ms < 0) times_.first_octet_ms = now.monotonic_ms;
  deadline_ms_ = now.monotonic_ms + silence_ms_;
  octets_ += octets.size();
  switch (answer_.feed(octets, text_)) {
    case UnixctlAnswer::State::reading:
      return progress_;
    case UnixctlAnswer::State::reply:
      ++stats_.answers;
      stats_.octets += octets_;
      stats_.last_error.clear();
      whole_ = text_.size();
      return progress_ = Progress::answered;
    case UnixctlAnswer::State::refused:
      ++stats_.refused;
      text_.resize(std::min(text_.find_last_not_of('\n') + 1, longest_refusal));
      stats_.last_error = question_ + ": ovs-vswitchd answered: " + text_;
      return progress_ = Progress::failed;
    default:
      return fail(question_ + ": no answer of a control socket: expected " + answer_.problem());
  }
}

void VswitchdClient::wait() const {
  if (progress_ != Progress::pending) return;
  ofe_ovs_poll_fd_wait(fd_, POLLIN);
  ofe_ovs_poll_timer_wait_until(deadline_ms_);
}

void VswitchdClient::abandon() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  stats_.socket.clear();
  progress_ = Progress::idle;
}

}  // namespace ofe
