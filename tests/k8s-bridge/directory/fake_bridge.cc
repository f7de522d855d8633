#include "fake_bridge.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace ofe::k8s::test {

FakeBridge::FakeBridge() : folder_(testing::TempDir() + "fake-bridge-XXXXXX") {
  if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << folder_ << ": " << std::strerror(errno);
  path_ = folder_ + "/metadata.sock";
}

FakeBridge::~FakeBridge() {
  close();
  if (listener_ >= 0) stop_listening();
  ::rmdir(folder_.c_str());
}

void FakeBridge::listen(int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path_.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path_.data(), path_.size());
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_GE(listener_, 0);
  ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
  ASSERT_EQ(::listen(listener_, backlog), 0);
}

void FakeBridge::stop_listening() {
  ::close(std::exchange(listener_, -1));
  ::unlink(path_.c_str());
}

bool FakeBridge::accept() {
  close();
  reader_ = {};
  connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return connection_ >= 0;
}

void FakeBridge::send(const std::string& octets) {
  ASSERT_EQ(::send(connection_, octets.data(), octets.size(), MSG_NOSIGNAL), static_cast<ssize_t>(octets.size()))
      << std::strerror(errno);
}

void FakeBridge::send(const metadata::v1::Frame& frame) {
  std::string octets;
  ASSERT_TRUE(metadata::append_frame(frame, octets));
  send(octets);
}

std::optional<metadata::v1::Frame> FakeBridge::receive() {
  metadata::v1::Frame frame;
  if (reader_.next(frame)) return frame;
  char chunk[65536];
  for (ssize_t got; (got = ::recv(connection_, chunk, sizeof chunk, 0)) > 0;) {
    reader_.feed({chunk, static_cast<std::size_t>(got)});
    if (reader_.next(frame)) return frame;
  }
  EXPECT_EQ(reader_.error(), metadata::FrameError::none);
  return std::nullopt;
}

void FakeBridge::close() {
  if (connection_ >= 0) ::close(std::exchange(connection_, -1));
}

bool FakeBridge::peer_closed() {
  char octet;
  const ssize_t got = ::recv(connection_, &octet, 1, MSG_PEEK);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

}  // namespace ofe::k8s::test
