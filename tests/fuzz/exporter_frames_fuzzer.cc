// What an exporter, or something that pretends to be one, may send to the bridge: the input, on the socket. Whoever is
// answered gets frames that can be read.
#include <google/protobuf/stubs/logging.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "k8s-bridge/watcher/exporter_session.h"

namespace ofe::watcher {
namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

ObjectStore filled_store() {
  ObjectStore store;
  metadata::v1::Pod pod;
  pod.set_namespace_("shop");
  pod.set_name("web");
  pod.set_uid("u1");
  pod.set_node_name("node-a");
  pod.add_ips("\x0a\x01\x01\x05");
  store.put(pod, 1);
  return store;
}

void read_answer(int fd) {
  metadata::FrameReader frames;
  metadata::v1::Frame frame;
  std::array<char, 4096> octets;
  for (ssize_t got; (got = recv(fd, octets.data(), octets.size(), MSG_DONTWAIT)) > 0;) {
    frames.feed(std::span<const char>(octets.data(), static_cast<std::size_t>(got)));
    while (frames.next(frame)) {
    }
    expect(frames.error() == metadata::FrameError::none);
  }
}

}  // namespace
}  // namespace ofe::watcher

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ofe::watcher;
  static const google::protobuf::LogSilencer silence;  // about names that are no UTF-8
  static const ObjectStore store = filled_store();
  std::array<int, 2> ends{};
  expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  SourceState state;
  state.synced = true;
  state.pods_of_node = "node-a";
  {
    Now now{1, 1};
    ExporterSession session(ends[0], 1, {}, now);
    expect(send(ends[1], data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size) || size == 0);
    for (; now.monotonic_ms < 4 && session.end() == SessionEnd::none; ++now.monotonic_ms) {
      session.run(now, store, state, "node-a");
    }
  }
  read_answer(ends[1]);
  close(ends[1]);
  return 0;
}
