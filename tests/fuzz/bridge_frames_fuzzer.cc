// What a bridge, or something that pretends to be one, may send to an exporter: the input, on the socket. A whole
// snapshot on the next connection is had all the same.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "k8s-bridge/directory/client.h"
#include "tests/k8s-bridge/directory/fake_bridge.h"
#include "tests/proto/recorded_frames.h"

namespace ofe::k8s {
namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

class Exporter {
 public:
  Exporter() {
    bridge_.listen(8);
    for (const auto& frame : metadata::test::recorded_frames(RECORDED_FRAMES "/version_1.txt")) {
      if (frame.by == "bridge") recorded_ += frame.octets;
    }
  }
  void is_told(const std::string& octets) {
    Directory directory({.max_removed_pods = 100, .max_objects = 1'000});
    Client client({.socket_path = bridge_.path(), .node_name = "node-a"}, directory);
    talk(client, octets);
    talk(client, recorded_);
    expect(client.stats().resumed <= 1 && directory.stats().pods == 1);
  }

 private:
  // One connection, from its beginning to its end.
  void talk(Client& client, const std::string& octets) {
    run(client, std::max<std::int64_t>(1, client.next_deadline_ms().value_or(0) - now_ms_));
    expect(bridge_.accept());
    bridge_.send(octets);
    run(client, 1);
    expect(octets != recorded_ || client.stats().synced);
    bridge_.close();
    while (client.stats().connected) run(client, 1);
  }
  void run(Client& client, std::int64_t passed_ms) {
    now_ms_ += passed_ms;
    client.run(now_ms_, 1'000'000 + now_ms_);
  }

  std::int64_t now_ms_ = 0;
  google::protobuf::LogSilencer silence_;  // about names that are no UTF-8
  test::FakeBridge bridge_;
  std::string recorded_;
};

}  // namespace
}  // namespace ofe::k8s

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ofe::k8s::Exporter exporter;
  exporter.is_told(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
